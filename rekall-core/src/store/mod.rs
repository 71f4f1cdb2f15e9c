//! The store: one open file, and transactions on it.

mod block_writer;
mod blocks;
mod changes;
mod entries;
mod expiry;
mod facets;
pub(crate) mod forward;
mod links;
mod listing;
mod log;
mod matching;
mod pending;
mod rows;
mod sources;
pub(crate) mod spaces;
mod stats;
mod supersede;
mod times;
mod upkeep;
mod usage;
mod vectors;
mod writer_lock;

pub use block_writer::IndexBlockWriter;
pub use changes::{Changes, LogPosition};
pub use entries::{Draft, Inserted};
pub use facets::{Facet, FacetCount};
pub use listing::{ListCursor, NewestBy, NewestPage};
pub use spaces::{Space, SpaceId, SpaceState};
pub use stats::StoreStats;
pub use times::EntryTime;
pub use upkeep::{
    CheckReport, CompactReport, ExportReport, JsonlImportOptions, JsonlImportReport, OnDuplicate, Problem,
    ProblemKind, RepairReport, RepairedEntry, SalvageReport,
};
pub use usage::Usage;
pub use vectors::VectorBatch;

use std::ops::Deref;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::{Connection, MAIN_DB};

use crate::connection::{Database, Examined, Pooled, StoreOptions};
use crate::erase::{self, Removals};
use crate::id::IdGenerator;
use crate::lock::lock;
use crate::words::index::Scratch;
use crate::words::store::{WordView, upkeep as words};
use crate::{EntryId, Error};
use log::LogGrowth;
use writer_lock::{WriterGuard, WriterLock, begin_immediate};

/// An open file. `Send + Sync`: any number of threads, and any number of processes, may use one file at once.
///
/// Readers never wait for writers nor writers for readers (SQLite's write-ahead log); one writer at a time,
/// others wait up to [`StoreOptions::busy_timeout`]. Memory: about 2 MiB of page cache a connection.
#[derive(Debug)]
pub struct Store {
    database: Database,
    writer: WriterLock,
    probe: Mutex<Connection>,
    ids: Mutex<IdGenerator>,
    /// Why older states are still on the disk.
    unerased: Mutex<Option<String>>,
    log_growth: LogGrowth,
    /// Where the change log stood after this store's last commit.
    last_commit: Mutex<Option<LogPosition>>,
    /// What searches by words saw last.
    pub(crate) word_view: Mutex<Option<Arc<WordView>>>,
    /// Memory for the next of them.
    pub(crate) word_scratch: Mutex<Option<Scratch>>,
}

impl Store {
    /// Opens a file that was looked at, and is not one of the Python tool, or makes it.
    pub(crate) fn open_examined(examined: Examined, options: &StoreOptions) -> Result<Self, Error> {
        let (database, writer) = Database::open(examined, options)?;
        let probe = database.connect(true)?;
        Ok(Self {
            database,
            writer: WriterLock::new(writer),
            probe: Mutex::new(probe),
            ids: Mutex::new(IdGenerator::default()),
            unerased: Mutex::default(),
            log_growth: LogGrowth::default(),
            last_commit: Mutex::default(),
            word_view: Mutex::default(),
            word_scratch: Mutex::default(),
        })
    }

    /// The file, as an absolute path: a store stays with its file when the program changes its folder.
    ///
    /// ```
    /// # use rekall_core::{Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// assert!(store.path().ends_with("knowledge.db"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn path(&self) -> &Path {
        self.database.path()
    }

    /// Whether what is forgotten is overwritten ([`StoreOptions::secure_delete`]).
    #[must_use]
    pub fn deletes_securely(&self) -> bool {
        self.database.options().secure_delete
    }

    /// With [`StoreOptions::secure_delete`]: why what this store's last commit overwrote or forgot is not erased from the
    /// disk yet; `None` when it is. A failure to erase is no failure of the commit; the next one tries again, and so does
    /// [`compact`](Self::compact).
    #[must_use]
    pub fn unerased(&self) -> Option<String> {
        lock(&self.unerased).clone()
    }

    /// The length of the write-ahead log, in bytes, when a commit of this store found it over 64 MiB and a reader, in this
    /// process or another one, kept it from being emptied: one that holds its view for a long time, or many that
    /// overlap. Given once, and again each time that the log has doubled; `None` otherwise. When the reader is gone, the
    /// whole log is copied into the file, which then takes its time.
    #[must_use]
    pub fn take_held_log(&self) -> Option<u64> {
        self.log_growth.take_held()
    }

    /// Begins to read: everything seen through the transaction is of this moment. Takes no write lock.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
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
    /// [`Error::Replaced`] when the file was moved away or replaced; [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn read(&self) -> Result<ReadTx<'_>, Error> {
        Tx::begin(self, self.database.reader()?, "BEGIN DEFERRED")
    }

    /// Begins to write. Everything done through the transaction happens at [`WriteTx::commit`], or not at all.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// let mut tx = store.write()?;
    /// tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari"))])?;
    /// drop(tx);
    /// assert_eq!(store.read()?.count_entries()?, 0, "without a commit nothing happened");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Busy`] when another writer, thread or process, holds the file longer than
    /// [`StoreOptions::busy_timeout`], and at once when it is this thread itself; [`Error::ReadOnly`];
    /// [`Error::Replaced`] when the file was moved away or replaced.
    pub fn write(&self) -> Result<WriteTx<'_>, Error> {
        if self.database.options().read_only {
            return Err(Error::ReadOnly { what: "the store".to_owned() });
        }
        let (mut writer, left) = self.writer.take(self.database.options().busy_timeout)?;
        if writer.is_readonly(MAIN_DB)? {
            // It could not be opened for writing; perhaps it can be now.
            *writer = self.database.connect(false)?;
        }
        if !writer.is_autocommit() {
            // A panic in the middle of a transaction left it open.
            writer.execute_batch("ROLLBACK")?;
        }
        // Those who wait for a thread and then for a process wait no longer in all.
        begin_immediate(&writer, left).map_err(|error| self.database.explain(error))?;
        let secure_delete = self.database.options().secure_delete;
        let removals = if secure_delete { Some(Removals::watch(&mut writer)?) } else { None };
        let mut tx = Tx::begun(self, writer);
        tx.writes = true;
        tx.removals = removals;
        tx.fix_view()?;
        tx.connection.busy_timeout(self.database.options().busy_timeout)?;
        tx.began_at = tx.position()?.number();
        Ok(tx)
    }

    /// A number that changes whenever anything was committed to the file, by this process or another one.
    /// Costs about a microsecond (`PRAGMA data_version`, prepared, on a connection kept for it).
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
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
    /// [`Error::Sqlite`] or [`Error::Corrupt`].
    pub fn data_version(&self) -> Result<i64, Error> {
        let probe = lock(&self.probe);
        let mut statement = probe.prepare_cached("PRAGMA data_version")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// Where the change log stood after the last commit of a [`WriteTx`] of this store; `None` before the first one. Costs no
    /// look at the file: for what has to be done only every so many changes.
    #[must_use]
    pub fn last_commit(&self) -> Option<LogPosition> {
        *lock(&self.last_commit)
    }

    /// An id for an entry that is yet to be written ([`Draft::id`]). Ids made by one store only grow, but an entry that is
    /// written long after its id was made follows others with greater ones.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
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
    pub fn new_id(&self) -> Result<EntryId, Error> {
        lock(&self.ids).next(self.now_ms())
    }

    /// The entry with this id.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
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
    pub fn get(&self, id: EntryId) -> Result<crate::Entry, Error> {
        // A single statement is consistent by itself: no transaction needed.
        let found = rows::get(&*self.database.reader()?, id).map_err(|error| self.database.explain(error))?;
        self.database.check_not_replaced()?;
        found.ok_or(Error::EntryNotFound { id })
    }

    /// Bytes of memory that searches by words keep: the table of the index's passages, 28 bytes each, and the words of entries
    /// that are in no segment yet. 0 before the first search.
    pub fn word_memory_bytes(&self) -> usize {
        lock(&self.word_view).as_ref().map_or(0, |view| view.memory_bytes())
    }

    /// Closes connections that are idle, and frees their page caches and what searches by words keep in memory. Does not
    /// wait: a thread that writes keeps its connection.
    pub fn release_memory(&self) {
        *lock(&self.word_view) = None;
        *lock(&self.word_scratch) = None;
        self.database.close_idle();
        let release = |connection: &Connection| {
            connection.flush_prepared_statement_cache();
            let _ = connection.release_memory();
        };
        release(&lock(&self.probe));
        if let Ok((writer, _)) = self.writer.take(Duration::ZERO) {
            release(&writer);
        }
    }

    /// The time of day by the clock that the store was opened with ([`StoreOptions::clock`]): milliseconds since 1970 (UTC).
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.database.options().clock.now_ms()
    }
}

/// A transaction. [`ReadTx`] and [`WriteTx`] are its two kinds; a writer can do everything that a reader can.
///
/// Dropped without commit, a writer's changes are undone.
#[derive(Debug)]
pub struct Tx<'s, C: Deref<Target = Connection>> {
    pub(crate) store: &'s Store,
    pub(crate) connection: C,
    open: bool,
    /// Whether it may hold changes that nobody else sees yet.
    pub(crate) writes: bool,
    /// Where the change log stood when a writer began.
    began_at: i64,
    /// What a writer removed; `None` for readers, and without secure deletion.
    removals: Option<Arc<Removals>>,
}

/// A consistent view of the file.
pub type ReadTx<'s> = Tx<'s, Pooled<'s>>;

/// Changes that happen together or not at all.
pub type WriteTx<'s> = Tx<'s, WriterGuard<'s>>;

impl<'s, C: Deref<Target = Connection>> Tx<'s, C> {
    fn begin(store: &'s Store, connection: C, statement: &str) -> Result<Self, Error> {
        let tx = Self::begun(store, connection);
        tx.connection.prepare_cached(statement)?.execute([])?;
        tx.fix_view()?;
        Ok(tx)
    }

    /// The transaction that the connection is in.
    fn begun(store: &'s Store, connection: C) -> Self {
        Self { store, connection, open: true, writes: false, began_at: 0, removals: None }
    }

    /// Reads the least there is: only then a transaction has its view of the file. Refuses one of a file that is not there
    /// any more.
    fn fix_view(&self) -> Result<(), Error> {
        let least = "SELECT EXISTS (SELECT 1 FROM sqlite_schema)";
        let read =
            self.connection.prepare_cached(least).and_then(|mut least| least.query_row([], |_| Ok(())));
        read.map_err(|error| self.store.database.explain(error.into()))?;
        self.store.database.check_not_replaced()
    }

    /// The connection, in this transaction: for a part that keeps tables of its own in the file. The tables of this crate
    /// are not to be written through it, and the transaction is not to be ended.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// When an entry stamped in this transaction is stamped.
    fn now_ms(&self) -> i64 {
        self.store.now_ms()
    }
}

impl ReadTx<'_> {
    /// Lets the flag stop any statement of this transaction in its middle, with [`Error::Interrupted`], from now on.
    ///
    /// # Errors
    /// [`Error::Sqlite`].
    pub fn stop_when(&mut self, cancel: &Arc<AtomicBool>) -> Result<(), Error> {
        self.connection.stop_when(cancel)
    }
}

impl WriteTx<'_> {
    /// Whether vectors were deleted or overwritten in this transaction, in a store with
    /// [`secure_delete`](crate::StoreOptions): who keeps copies of them elsewhere in the file erases these, too.
    #[must_use]
    pub fn erases_vectors(&self) -> bool {
        self.removals.as_ref().is_some_and(|removals| removals.vectors())
    }

    /// Makes the changes durable and visible to every other reader.
    ///
    /// ```
    /// # use rekall_core::{Draft, NewEntry, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = Store::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// let mut tx = store.write()?;
    /// tx.insert(&[Draft::new(&NewEntry::new("CORS fails on Safari"))])?;
    /// tx.commit()?;
    /// assert_eq!(store.read()?.count_entries()?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::Sqlite`] or [`Error::Busy`]; [`Error::Replaced`] when the file was moved away or replaced
    /// since the transaction began. Nothing is changed then.
    pub fn commit(mut self) -> Result<(), Error> {
        let options = self.store.database.options();
        words::before_commit(&self)?;
        let position = self.prune_changes()?;
        if self.removals.as_ref().is_some_and(|removals| removals.vectors()) {
            erase::purge_codes(&self.connection, self.began_at)?;
        }
        self.store.database.check_not_replaced()?;
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.open = false;
        // While this writer still holds its lock: positions of one history only grow.
        *lock(&self.store.last_commit) = Some(position);
        if options.secure_delete {
            let unerased = erase::forget_older_states(&self.connection, &self.store.database);
            *lock(&self.store.unerased) = unerased;
        } else {
            self.store.log_growth.bound(&self.connection, &self.store.database);
        }
        Ok(())
    }
}

impl<C: Deref<Target = Connection>> Drop for Tx<'_, C> {
    fn drop(&mut self) {
        if self.open && !self.connection.is_autocommit() {
            // Nothing can be done about a failed rollback here; the next writer sees the state and retries.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}
