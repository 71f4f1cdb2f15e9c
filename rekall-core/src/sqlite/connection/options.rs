//! How a file is opened.

use std::sync::Arc;
use std::time::Duration;

use crate::{SystemWallClock, WallClock};

/// How safely a commit is flushed to the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// A commit survives the death of the process at any moment; the last few may be lost, whole, when the
    /// machine loses power. The default.
    #[default]
    Normal,
    /// A commit survives loss of power, too: one `fsync` each, milliseconds on most disks.
    Full,
}

/// How a file is opened.
///
/// ```
/// # use rekall_core::{SqliteStore, Store, StoreOptions};
/// # fn main() -> Result<(), rekall_core::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// let mut options = StoreOptions::default();
/// options.secure_delete = true;
/// let store = SqliteStore::open(folder.path().join("knowledge.db"), &options)?;
/// assert!(store.deletes_securely());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct StoreOptions {
    /// Make the file when there is none. Default true.
    pub create: bool,
    /// Refuse every write. Default false.
    pub read_only: bool,
    /// Put a new file in the place of one of the Python tool, which is kept beside it; see
    /// [`legacy`](crate::legacy). Default false: such a file is refused with [`Error::LegacyFile`](crate::Error::LegacyFile).
    pub migrate: bool,
    /// How long to wait for another writer, in this process or another one, before [`Error::Busy`](crate::Error::Busy). At most 24 days,
    /// default 5 s.
    pub busy_timeout: Duration,
    /// Reading connections kept open when idle, each with its own page cache. Default 4; more readers at
    /// once than that open a connection for the time being.
    pub readers: usize,
    /// How safely a commit is flushed to the disk.
    pub synchronous: Synchronous,
    /// Leave nothing of what is deleted or changed in the file or its log: texts, words of the index,
    /// vectors. Each commit then copies the log into the file (tens of milliseconds), and one that changes or
    /// deletes texts writes the segments of the word index again that hold them (up to a second for 50,000 entries). Holds for writes of this
    /// store; what other programs delete, or was deleted before, goes with [`compact`](crate::SqliteStore::compact).
    /// A reader that still looks at an older state delays it to the next commit. Default false.
    pub secure_delete: bool,
    /// Page cache of each connection, in bytes. Default 2 MiB.
    pub cache_bytes: usize,
    /// Stamps entries; tests pass their own.
    pub clock: Arc<dyn WallClock>,
    /// Go on where the list of tables and triggers cannot be parsed, with what can be.
    pub(crate) damaged: bool,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            create: true,
            read_only: false,
            migrate: false,
            busy_timeout: Duration::from_secs(5),
            readers: 4,
            synchronous: Synchronous::Normal,
            secure_delete: false,
            cache_bytes: 2 << 20,
            clock: Arc::new(SystemWallClock),
            damaged: false,
        }
    }
}

impl std::fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreOptions")
            .field("create", &self.create)
            .field("read_only", &self.read_only)
            .field("migrate", &self.migrate)
            .field("busy_timeout", &self.busy_timeout)
            .field("readers", &self.readers)
            .field("synchronous", &self.synchronous)
            .field("secure_delete", &self.secure_delete)
            .field("cache_bytes", &self.cache_bytes)
            .finish_non_exhaustive()
    }
}

/// SQLite counts milliseconds in 31 bits.
pub(super) const LONGEST_WAIT: Duration = Duration::from_millis(i32::MAX as u64);
