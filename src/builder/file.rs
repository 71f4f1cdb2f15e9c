//! The file: whether it is made, how it is written, what is erased.

use std::sync::Arc;
use std::time::Duration;

use rekall_core::{Synchronous, WallClock};

use super::Builder;

impl Builder {
    /// Whether a missing file is made. Default true.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{ErrorKind, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let refused = Rekall::builder(path).create(false).open();
    /// assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::NotFound));
    /// # Ok(())
    /// # }
    /// ```
    pub fn create(mut self, create: bool) -> Self {
        self.store.create = create;
        self
    }

    /// Puts a new file in the place of one that the Python tool wrote, which is kept beside it. Default
    /// false: such a file is refused.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall = Rekall::builder(path).migrate(true).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn migrate(mut self, migrate: bool) -> Self {
        self.store.migrate = migrate;
        self
    }

    /// Refuses every write.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{ErrorKind, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// drop(Rekall::builder(&path).open()?);
    /// let rekall = Rekall::builder(&path).read_only().open()?;
    /// let refused = rekall.remember(NewEntry::new("disk full"));
    /// assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::ReadOnly));
    /// # Ok(())
    /// # }
    /// ```
    pub fn read_only(mut self) -> Self {
        self.store.read_only = true;
        self
    }

    /// How long to wait for another writer. Default 5 s.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::Rekall;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// use std::time::Duration;
    ///
    /// let rekall = Rekall::builder(path).busy_timeout(Duration::from_millis(200)).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.store.busy_timeout = timeout;
        self
    }

    /// How safely a commit is flushed to the disk. Default [`Synchronous::Normal`].
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Rekall, storage::Synchronous};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// // A commit is on the disk when it returns, even if the machine loses power.
    /// let rekall = Rekall::builder(path).synchronous(Synchronous::Full).open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.store.synchronous = synchronous;
        self
    }

    /// Overwrites what is forgotten with zeroes. Default false. A search or export that looks at an older
    /// state, in this process or another one, delays it: [`Event::NotErased`](crate::Event::NotErased) says so.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Event, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall = Rekall::builder(path)
    ///     .secure_delete(true)
    ///     .on_event(|event| {
    ///         if let Event::NotErased { reason } = event {
    ///             eprintln!("not erased yet: {reason}");
    ///         }
    ///     })
    ///     .open()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn secure_delete(mut self, secure: bool) -> Self {
        self.store.secure_delete = secure;
        self
    }

    /// The clock that entries are stamped by. Default: the system's.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// use rekall::storage::WallClock;
    ///
    /// /// The same time always, for a test.
    /// struct Noon;
    ///
    /// impl WallClock for Noon {
    ///     fn now_ms(&self) -> i64 {
    ///         1_700_000_000_000
    ///     }
    /// }
    ///
    /// let rekall = Rekall::builder(path).without_model().wall_clock(Noon).open()?;
    /// let id = rekall.remember(NewEntry::new("disk full"))?;
    /// assert_eq!(rekall.get(id)?.created_at, 1_700_000_000_000);
    /// # Ok(())
    /// # }
    /// ```
    pub fn wall_clock(mut self, clock: impl WallClock + 'static) -> Self {
        self.store.clock = Arc::new(clock);
        self
    }
}
