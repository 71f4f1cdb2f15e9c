//! What a store is: one memory, and transactions on it. The contract that every engine keeps, and the types it speaks in.
//!
//! A [`Store`] gives a [`ReadTx`] (a consistent view that takes no write lock) and a [`WriteTx`] (all or nothing). Both can
//! be used as trait objects, so that who calls them need not know the engine. What a transaction can do stands in traits of
//! one concept each, which [`ReadTx`] and [`WriteTx`] join; an engine implements one of them per file.
//!
//! What not every engine can do is asked for: [`upkeep`](crate::Store::upkeep), [`legacy_import`](crate::Store::legacy_import), [`transfer`](crate::Store::transfer),
//! [`scopes`](crate::Store::scopes), [`pushed_vectors`](crate::Store::pushed_vectors), [`native`](crate::ReadTx::native). `None` is an answer; the caller refuses by name ([`Error::Unsupported`]).
//!
//! # For who implements an engine
//!
//! Everything a transaction reads is of one moment, which is fixed when it begins. [`position`](ReadChanges::position) grows
//! with every change of entries, of vectors in the active space and of spaces, whoever makes it, and **in the order in which
//! the changes become visible**: a reader at position *n* has seen everything that is numbered up to *n*. Row numbers are
//! given once and never again. Ids are unique, and compared by their bytes.

mod blocks;
mod capabilities;
mod changes;
mod entries;
mod expiry;
mod facets;
mod hits;
mod legacy_rows;
mod links;
mod listing;
mod matching;
mod pending;
mod pushed;
mod reports;
mod scopes;
mod sources;
mod spaces;
mod stats;
mod supersede;
mod times;
mod transaction;
mod usage;
mod vectors;
mod words;

pub use blocks::{BlockWriter, ReadBlocks, WriteBlocks};
#[cfg(feature = "sqlite")]
pub use capabilities::LegacyImport;
pub use capabilities::{Progress, Transfer, Upkeep};
pub use changes::{Changes, LogPosition, ReadChanges};
pub use entries::{Draft, Inserted, ReadEntries, WriteEntries};
pub use expiry::{ReadExpiry, WriteExpiry};
pub use facets::{Facet, FacetCount, ReadFacets};
pub use hits::{HitParts, HitRows, ReadHits};
pub use legacy_rows::ReadLegacyRows;
pub use links::{ReadLinks, WriteLinks};
pub use listing::{ListCursor, ListEntries, NewestBy, NewestPage};
pub use matching::MatchEntries;
pub use pending::{ReadPending, WritePending};
pub use pushed::{PUSHED_KIND, PushedAsk, PushedRows, PushedSearch, PushedState, PushedVectors};
pub use reports::{
    CheckReport, CompactReport, ExportReport, JsonlExportOptions, JsonlImportOptions, JsonlImportReport,
    OnDuplicate, Problem, ProblemKind, RepairReport, RepairedEntry,
};
pub use scopes::Scopes;
pub use sources::{ReadSources, WriteSources};
pub use spaces::{ReadSpaces, Space, SpaceId, SpaceState, WriteSpaces};
pub use stats::{ReadStats, StoreStats};
pub use supersede::WriteSupersession;
pub use times::{EntryTime, ReadTimes};
pub use transaction::{ReadTx, WriteTx};
pub use usage::{ReadUsage, Usage, WriteUsage};
pub use vectors::{ReadVectors, VectorBatch, WriteVectors};
pub use words::SearchWords;

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Entry, EntryId, Error, ScopeName, VectorKey};

/// One memory, open. Any number of threads may use it at once.
///
/// [`SqliteStore`](crate::SqliteStore) is a file of SQLite's.
///
/// ```
/// use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
///
/// # fn main() -> Result<(), rekall_core::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("knowledge.db");
/// fn remember(store: &dyn Store, title: &str) -> Result<(), rekall_core::Error> {
///     let mut tx = store.write()?;
///     tx.insert(&[Draft::new(&NewEntry::new(title))])?;
///     tx.commit()
/// }
///
/// let store = SqliteStore::open(&path, &StoreOptions::default())?;
/// remember(&store, "CORS fails on Safari")?;
/// assert_eq!(store.read()?.count_entries()?, 1);
/// # Ok(())
/// # }
/// ```
pub trait Store: Debug + Send + Sync {
    /// The engine's name, for messages: `SQLite`.
    fn engine(&self) -> &'static str;

    /// The file, as an absolute path; `None` for a store that is no file.
    fn path(&self) -> Option<&Path> {
        None
    }

    /// Where it is, for people: the file's path, or the server and the memory's name there, without user and password.
    fn location(&self) -> String {
        self.path().map_or_else(|| self.engine().to_owned(), |path| path.display().to_string())
    }

    /// The scope that everything done through this store is bound to; `None`: to the memory without a name.
    fn scope(&self) -> Option<&ScopeName> {
        None
    }

    /// Begins to read: everything seen through the transaction is of this moment. Takes no write lock.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// let tx = store.read()?;
    /// let seen = tx.count_entries()?;
    /// # let mut writer = store.write()?;
    /// writer.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari"))])?;
    /// writer.commit()?;
    /// assert_eq!(tx.count_entries()?, seen, "the view does not change");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Replaced`] when the file was moved away or replaced; [`Error::Engine`] or [`Error::Corrupt`].
    fn read(&self) -> Result<Box<dyn ReadTx + '_>, Error>;

    /// Begins to read, as [`read`](Self::read), and reads rows, as [`read_hits`](ReadHits::read_hits) does: one round trip to a server in
    /// all. For who knows by something older what will be wanted, if nothing has changed; what is no longer there is left out,
    /// as there. The flag stops statements, as that of [`stop_when`](ReadTx::stop_when).
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// use rekall_core::store::HitRows;
    ///
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let row = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari"))])?[0].row;
    /// # tx.commit()?;
    /// let known = store.read()?.position()?;
    /// let (tx, found) = store.read_with_hits(&HitRows { entries: &[row], ..HitRows::default() }, None)?;
    /// assert_eq!(tx.position()?, known, "nothing has changed");
    /// assert_eq!(found.entries.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As `read` and `read_hits`; [`Error::Interrupted`].
    fn read_with_hits(
        &self,
        wanted: &HitRows<'_>,
        cancel: Option<&Arc<AtomicBool>>,
    ) -> Result<(Box<dyn ReadTx + '_>, HitParts), Error> {
        if cancel.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            return Err(Error::Interrupted);
        }
        let mut tx = self.read()?;
        if let Some(cancel) = cancel {
            tx.stop_when(cancel)?;
        }
        let found = tx.read_hits(wanted)?;
        Ok((tx, found))
    }

    /// Whether each reading is a round trip, perhaps over a network, so that it pays to ask for several things at once, and for some that may
    /// prove useless.
    fn is_remote(&self) -> bool {
        false
    }

    /// Begins to write. Everything done through the transaction happens at [`commit`](crate::WriteTx::commit), or not at all.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// let mut tx = store.write()?;
    /// tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari"))])?;
    /// drop(tx);
    /// assert_eq!(store.read()?.count_entries()?, 0, "without a commit nothing happened");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Busy`] when another writer, thread or process, holds the store longer than its time-out, and at once when it
    /// is this thread itself; [`Error::ReadOnly`]; [`Error::Replaced`] when the file was moved away or replaced.
    fn write(&self) -> Result<Box<dyn WriteTx + '_>, Error>;

    /// A number that changes whenever anything was committed, by this process or another one. Cheaper than a transaction:
    /// about a microsecond in a file. On a server it may change without that, too, by what others do there.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// let version = store.data_version()?;
    /// # let mut tx = store.write()?;
    /// tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari"))])?;
    /// tx.commit()?;
    /// assert_ne!(store.data_version()?, version);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn data_version(&self) -> Result<i64, Error>;

    /// Where the change log stood after the last commit of a [`WriteTx`] of this store; `None` before the first one. Costs no
    /// look at the store: for what has to be done only every so many changes.
    fn last_commit(&self) -> Option<LogPosition>;

    /// An id for an entry that is yet to be written ([`Draft::id`]). Ids made by one store only grow, but an entry that is
    /// written long after its id was made follows others with greater ones.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// let id = store.new_id()?;
    /// # let mut tx = store.write()?;
    /// tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")).id(id)])?;
    /// # tx.commit()?;
    /// assert_eq!(store.get(id)?.title, "CORS fails on Safari");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Random`] when the system has no random bits to give.
    fn new_id(&self) -> Result<EntryId, Error>;

    /// The entry with this id. As cheap as a read can be: it needs no transaction.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// # let mut tx = store.write()?;
    /// # let ids = tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari")), Draft::new(&NewEntry::new("Proxy set-up"))])?;
    /// # let id = ids[0].id;
    /// # tx.commit()?;
    /// assert_eq!(store.get(id)?.title, "CORS fails on Safari");
    /// # drop(folder);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::EntryNotFound`].
    fn get(&self, id: EntryId) -> Result<Entry, Error>;

    /// The vectors with these keys as they were at a position of the change log, as [`vectors_at`](ReadVectors::vectors_at) gives them, in a
    /// view of their own: for who searches an index of that position on a thread that has no transaction. `None`: one of the entries may
    /// have changed since.
    ///
    /// # Errors
    /// [`Error::Engine`] or [`Error::Corrupt`].
    fn vectors_as_of(
        &self,
        position: LogPosition,
        space: &Space,
        keys: &[VectorKey],
    ) -> Result<Option<VectorBatch>, Error> {
        let tx = self.read()?;
        let Changes::Entries { entries: touched, .. } = tx.changes_since(position)? else { return Ok(None) };
        match keys.iter().any(|key| touched.contains(&key.entry)) {
            true => Ok(None),
            false => tx.vectors_at(space, keys).map(Some),
        }
    }

    /// The time of day by the clock that the store was opened with: milliseconds since 1970 (UTC).
    fn now_ms(&self) -> i64;

    /// Begins a set of blocks that stand for `position`, for the active space. `None`: another space is active, an older
    /// state was put into the store since, or another process has begun a set less than `patience` changes of the log before,
    /// and is left to it; with a patience of 0 the other one's is dropped.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::Full`] or [`Error::Io`].
    fn begin_index_blocks(
        &self,
        space: &Space,
        kind: &'static str,
        position: LogPosition,
        patience: i64,
    ) -> Result<Option<Box<dyn BlockWriter + '_>>, Error>;

    /// Bytes of memory that searches by words keep; 0 before the first search.
    fn word_memory_bytes(&self) -> usize;

    /// Closes connections that are idle, and frees their caches and what searches by words keep in memory. Does not wait: a
    /// thread that writes keeps its connection.
    fn release_memory(&self);

    /// Whether what is forgotten is overwritten on the disk. False for an engine that cannot promise it.
    fn deletes_securely(&self) -> bool {
        false
    }

    /// Where what is forgotten is overwritten: why what this store's last commit overwrote or forgot is not erased from the
    /// disk yet; `None` when it is. A failure to erase is no failure of the commit; the next one tries again, and so does
    /// [`compact`](Upkeep::compact).
    fn unerased(&self) -> Option<String> {
        None
    }

    /// The length of a file's write-ahead log, in bytes, when a commit of this store found it over 64 MiB and a reader, in this
    /// process or another one, kept it from being emptied: one that holds its view for a long time, or many that
    /// overlap. Given once, and again each time that the log has doubled; `None` otherwise. When the reader is gone, the
    /// whole log is copied into the file, which then takes its time.
    fn take_held_log(&self) -> Option<u64> {
        None
    }

    /// Memories of their own in the same store; `None`: the engine has none, or this store is bound to one of them.
    fn scopes(&self) -> Option<&dyn Scopes> {
        None
    }

    /// Searching vectors in the store's own process, where they are too many for each of the others; `None`: the engine cannot.
    fn pushed_vectors(&self) -> Option<&dyn PushedVectors> {
        None
    }

    /// Looking for damage, mending it, giving back space, copies; `None`: the engine's own means serve for that.
    fn upkeep(&self) -> Option<&dyn Upkeep> {
        None
    }

    /// Export to lines of JSON, and import of them.
    fn transfer(&self) -> Option<&dyn Transfer> {
        None
    }

    /// Taking over a file of the Python tool; `None`: into a file only, whose content is then moved by
    /// [`transfer`](Self::transfer).
    #[cfg(feature = "sqlite")]
    fn legacy_import(&self) -> Option<&dyn LegacyImport> {
        None
    }
}
