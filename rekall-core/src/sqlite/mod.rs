//! The store: one open file, and transactions on it.

mod block_writer;
mod blocks;
mod capabilities;
mod changes;
pub(crate) mod connection;
mod entries;
pub(crate) mod erase;
pub(crate) mod error;
mod expiry;
mod facets;
pub(crate) mod filter;
pub(crate) mod forward;
mod hits;
pub mod legacy;
mod links;
mod listing;
mod log;
mod many;
mod matching;
mod open;
mod pending;
#[cfg(test)]
mod plans;
pub(crate) mod reach;
mod rows;
pub(crate) mod schema;
mod scopes;
mod sources;
pub(crate) mod spaces;
mod stats;
mod supersede;
mod times;
mod upkeep;
mod usage;
mod vectors;
pub(crate) mod words;
mod writer_lock;

pub use connection::{StoreOptions, Synchronous};
pub use upkeep::SalvageReport;

use std::any::Any;
use std::fmt::Debug;
use std::ops::Deref;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::{Connection, MAIN_DB};

use crate::id::IdGenerator;
use crate::lock::lock;
use crate::store::Store;
use crate::store::{
    BlockWriter, LegacyImport, LogPosition, ReadChanges, ReadEntries, ReadTx, Scopes, Space, Transfer,
    Upkeep, WriteTx,
};
use crate::words::stored::{WordMemory, words_before_commit};
use crate::{EntryId, Error, ScopeName};
use connection::{Database, Examined, Pooled, Stop};
use erase::Removals;
use log::LogGrowth;
use reach::{BoundScope, Reach};
use writer_lock::{WriterGuard, WriterLock, begin_immediate};

/// An open file. `Send + Sync`: any number of threads, and any number of processes, may use one file at once.
///
/// Readers never wait for writers nor writers for readers (SQLite's write-ahead log); one writer at a time,
/// others wait up to [`StoreOptions::busy_timeout`]. Memory: about 2 MiB of page cache a connection.
///
/// A file holds one memory, and any number of scopes beside it ([`Store::scopes`]): handles on them share these connections.
#[derive(Debug)]
pub struct SqliteStore {
    file: Arc<OpenFile>,
    /// What it is bound to; `None`: the memory without a name.
    bound: Option<BoundScope>,
    ids: Mutex<IdGenerator>,
    /// Where the change log stood after this store's last commit.
    last_commit: Mutex<Option<LogPosition>>,
    /// What searches by words keep.
    pub(crate) word_memory: WordMemory,
}

/// What all handles on one file share.
#[derive(Debug)]
struct OpenFile {
    database: Database,
    writer: WriterLock,
    probe: Mutex<Connection>,
    /// Why older states are still on the disk.
    unerased: Mutex<Option<String>>,
    log_growth: LogGrowth,
}

impl SqliteStore {
    /// Opens a file that was looked at, and is not one of the Python tool, or makes it.
    pub(crate) fn open_examined(examined: Examined, options: &StoreOptions) -> Result<Self, Error> {
        let (database, writer) = Database::open(examined, options)?;
        let probe = database.connect(true)?;
        let file = OpenFile {
            database,
            writer: WriterLock::new(writer),
            probe: Mutex::new(probe),
            unerased: Mutex::default(),
            log_growth: LogGrowth::default(),
        };
        Ok(Self::on(Arc::new(file), None))
    }

    /// A handle on one memory of the file.
    fn on(file: Arc<OpenFile>, bound: Option<BoundScope>) -> Self {
        Self {
            file,
            bound,
            ids: Mutex::new(IdGenerator::default()),
            last_commit: Mutex::default(),
            word_memory: WordMemory::default(),
        }
    }

    /// The file, as an absolute path: a store stays with its file when the program changes its folder.
    ///
    /// ```
    /// # use rekall_core::{SqliteStore, Store, StoreOptions};
    /// # fn main() -> Result<(), rekall_core::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
    /// assert!(store.path().ends_with("knowledge.db"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.database.path()
    }

    /// Begins to read, for what knows the engine.
    pub(crate) fn begin_read(&self) -> Result<SqliteReadTx<'_>, Error> {
        SqliteTx::begin(self, self.file.database.reader()?, "BEGIN DEFERRED")
    }

    /// Begins to write, for what knows the engine.
    pub(crate) fn begin_write(&self) -> Result<SqliteWriteTx<'_>, Error> {
        if self.file.database.options().read_only {
            return Err(Error::ReadOnly { what: "the store".to_owned() });
        }
        let (mut writer, left) = self.file.writer.take(self.file.database.options().busy_timeout)?;
        if writer.is_readonly(MAIN_DB)? {
            // It could not be opened for writing; perhaps it can be now.
            *writer = self.file.database.connect(false)?;
        }
        if !writer.is_autocommit() {
            // A panic in the middle of a transaction left it open.
            writer.execute_batch("ROLLBACK")?;
        }
        // Those who wait for a thread and then for a process wait no longer in all.
        begin_immediate(&writer, left).map_err(|error| self.file.database.explain(error))?;
        let secure_delete = self.file.database.options().secure_delete;
        let removals = if secure_delete { Some(Removals::watch(&mut writer)?) } else { None };
        let mut tx = SqliteTx::begun(self, writer);
        tx.writes = true;
        tx.removals = removals;
        tx.fix_view()?;
        tx.connection.busy_timeout(self.file.database.options().busy_timeout)?;
        tx.began_at = tx.position()?.number();
        Ok(tx)
    }
}

impl Store for SqliteStore {
    fn engine(&self) -> &'static str {
        "SQLite"
    }

    fn path(&self) -> Option<&Path> {
        Some(self.file.database.path())
    }

    fn scope(&self) -> Option<&ScopeName> {
        self.bound.as_ref().map(|scope| &scope.name)
    }

    fn read(&self) -> Result<Box<dyn ReadTx + '_>, Error> {
        Ok(Box::new(self.begin_read()?))
    }

    fn write(&self) -> Result<Box<dyn WriteTx + '_>, Error> {
        Ok(Box::new(self.begin_write()?))
    }

    fn deletes_securely(&self) -> bool {
        self.file.database.options().secure_delete
    }

    fn unerased(&self) -> Option<String> {
        lock(&self.file.unerased).clone()
    }

    fn take_held_log(&self) -> Option<u64> {
        self.file.log_growth.take_held()
    }

    fn data_version(&self) -> Result<i64, Error> {
        let probe = lock(&self.file.probe);
        let mut statement = probe.prepare_cached("PRAGMA data_version")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    fn last_commit(&self) -> Option<LogPosition> {
        *lock(&self.last_commit)
    }

    fn new_id(&self) -> Result<EntryId, Error> {
        lock(&self.ids).next(self.now_ms())
    }

    fn get(&self, id: EntryId) -> Result<crate::Entry, Error> {
        if self.bound.is_some() {
            // Whether the scope is still there is of the same moment.
            return ReadEntries::get(&self.begin_read()?, id);
        }
        // A single statement is consistent by itself: no transaction needed.
        let connection = self.file.database.reader()?;
        let found =
            rows::get(&connection, Reach::ALL, id).map_err(|error| self.file.database.explain(error))?;
        self.file.database.check_not_replaced()?;
        found.ok_or(Error::EntryNotFound { id })
    }

    fn word_memory_bytes(&self) -> usize {
        self.word_memory.bytes()
    }

    fn release_memory(&self) {
        self.word_memory.release();
        self.file.database.close_idle();
        let release = |connection: &Connection| {
            connection.flush_prepared_statement_cache();
            let _ = connection.release_memory();
        };
        release(&lock(&self.file.probe));
        if let Ok((writer, _)) = self.file.writer.take(Duration::ZERO) {
            release(&writer);
        }
    }

    fn now_ms(&self) -> i64 {
        self.file.database.options().clock.now_ms()
    }

    fn begin_index_blocks(
        &self,
        space: &Space,
        kind: &'static str,
        position: LogPosition,
        patience: i64,
    ) -> Result<Option<Box<dyn BlockWriter + '_>>, Error> {
        let begun = self.begin_block_set(space, kind, position, patience)?;
        Ok(begun.map(|writer| Box::new(writer) as Box<dyn BlockWriter>))
    }

    fn scopes(&self) -> Option<&dyn Scopes> {
        self.bound.is_none().then_some(self)
    }

    fn upkeep(&self) -> Option<&dyn Upkeep> {
        // Of the whole file: it does not lead out of a scope.
        self.bound.is_none().then_some(self)
    }

    fn transfer(&self) -> Option<&dyn Transfer> {
        Some(self)
    }

    fn legacy_import(&self) -> Option<&dyn LegacyImport> {
        self.bound.is_none().then_some(self)
    }
}

/// A transaction. [`ReadTx`] and [`WriteTx`] are its two kinds; a writer can do everything that a reader can.
///
/// Dropped without commit, a writer's changes are undone.
#[derive(Debug)]
pub(crate) struct SqliteTx<'s, C: Deref<Target = Connection>> {
    pub(crate) store: &'s SqliteStore,
    pub(crate) connection: C,
    /// Which rows are those of the store's memory.
    pub(crate) reach: Reach,
    open: bool,
    /// Whether it may hold changes that nobody else sees yet.
    pub(crate) writes: bool,
    /// Where the change log stood when a writer began.
    began_at: i64,
    /// What a writer removed; `None` for readers, and without secure deletion.
    removals: Option<Arc<Removals>>,
}

/// A consistent view of the file.
pub(crate) type SqliteReadTx<'s> = SqliteTx<'s, Pooled<'s>>;

/// Changes that happen together or not at all.
pub(crate) type SqliteWriteTx<'s> = SqliteTx<'s, WriterGuard<'s>>;

impl<'s, C: Deref<Target = Connection>> SqliteTx<'s, C> {
    fn begin(store: &'s SqliteStore, connection: C, statement: &str) -> Result<Self, Error> {
        let mut tx = Self::begun(store, connection);
        tx.connection.prepare_cached(statement)?.execute([])?;
        tx.fix_view()?;
        Ok(tx)
    }

    /// The transaction that the connection is in.
    fn begun(store: &'s SqliteStore, connection: C) -> Self {
        let reach = Reach::ALL;
        Self { store, connection, reach, open: true, writes: false, began_at: 0, removals: None }
    }

    /// Reads which rows are this memory's: only with that a transaction has its view of the file. Refuses one of a file that is
    /// not there any more, and of a scope that is not.
    fn fix_view(&mut self) -> Result<(), Error> {
        let database = &self.store.file.database;
        let reach = Reach::read(&self.connection, self.store.bound.as_ref(), database.is_older());
        self.reach = reach.map_err(|error| database.explain(error))?;
        database.check_not_replaced()
    }

    /// The connection, in this transaction.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// When an entry stamped in this transaction is stamped.
    fn now_ms(&self) -> i64 {
        self.store.now_ms()
    }
}

impl<C: Deref<Target = Connection> + Stop + Debug> ReadTx for SqliteTx<'_, C> {
    fn stop_when(&mut self, cancel: &Arc<AtomicBool>) -> Result<(), Error> {
        self.connection.stop_when(cancel)
    }

    fn native(&self) -> Option<&dyn Any> {
        // Who has the connection has the whole file.
        self.store.bound.is_none().then(|| self.connection() as &dyn Any)
    }
}

impl WriteTx for SqliteWriteTx<'_> {
    fn erases_vectors(&self) -> bool {
        self.removals.as_ref().is_some_and(|removals| removals.vectors())
    }

    fn commit(self: Box<Self>) -> Result<(), Error> {
        self.finish()
    }
}

impl SqliteWriteTx<'_> {
    /// Makes the changes durable and visible to every other reader.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        let options = self.store.file.database.options();
        self.with_words(|index| words_before_commit(&index, options.secure_delete))?;
        let position = self.prune_changes()?;
        if self.removals.as_ref().is_some_and(|removals| removals.vectors()) {
            erase::purge_codes(&self.connection, self.reach, self.began_at)?;
        }
        self.store.file.database.check_not_replaced()?;
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.open = false;
        // While this writer still holds its lock: positions of one history only grow.
        *lock(&self.store.last_commit) = Some(position);
        if options.secure_delete {
            let unerased = erase::forget_older_states(&self.connection, &self.store.file.database);
            *lock(&self.store.file.unerased) = unerased;
        } else {
            self.store.file.log_growth.bound(&self.connection, &self.store.file.database);
        }
        Ok(())
    }
}

impl<C: Deref<Target = Connection>> Drop for SqliteTx<'_, C> {
    fn drop(&mut self) {
        if self.open && !self.connection.is_autocommit() {
            // Nothing can be done about a failed rollback here; the next writer sees the state and retries.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}
