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
pub mod legacy;
mod links;
mod listing;
mod log;
mod matching;
mod open;
mod pending;
mod rows;
pub(crate) mod schema;
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
    BlockWriter, LegacyImport, LogPosition, ReadChanges, ReadTx, Space, Transfer, Upkeep, WriteTx,
};
use crate::words::stored::{WordMemory, words_before_commit};
use crate::{EntryId, Error};
use connection::{Database, Examined, Pooled, Stop};
use erase::Removals;
use log::LogGrowth;
use writer_lock::{WriterGuard, WriterLock, begin_immediate};

/// An open file. `Send + Sync`: any number of threads, and any number of processes, may use one file at once.
///
/// Readers never wait for writers nor writers for readers (SQLite's write-ahead log); one writer at a time,
/// others wait up to [`StoreOptions::busy_timeout`]. Memory: about 2 MiB of page cache a connection.
#[derive(Debug)]
pub struct SqliteStore {
    database: Database,
    writer: WriterLock,
    probe: Mutex<Connection>,
    ids: Mutex<IdGenerator>,
    /// Why older states are still on the disk.
    unerased: Mutex<Option<String>>,
    log_growth: LogGrowth,
    /// Where the change log stood after this store's last commit.
    last_commit: Mutex<Option<LogPosition>>,
    /// What searches by words keep.
    pub(crate) word_memory: WordMemory,
}

impl SqliteStore {
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
            word_memory: WordMemory::default(),
        })
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
        self.database.path()
    }

    /// Begins to read, for what knows the engine.
    pub(crate) fn begin_read(&self) -> Result<SqliteReadTx<'_>, Error> {
        SqliteTx::begin(self, self.database.reader()?, "BEGIN DEFERRED")
    }

    /// Begins to write, for what knows the engine.
    pub(crate) fn begin_write(&self) -> Result<SqliteWriteTx<'_>, Error> {
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
        let mut tx = SqliteTx::begun(self, writer);
        tx.writes = true;
        tx.removals = removals;
        tx.fix_view()?;
        tx.connection.busy_timeout(self.database.options().busy_timeout)?;
        tx.began_at = tx.position()?.number();
        Ok(tx)
    }
}

impl Store for SqliteStore {
    fn engine(&self) -> &'static str {
        "SQLite"
    }

    fn path(&self) -> Option<&Path> {
        Some(self.database.path())
    }

    fn read(&self) -> Result<Box<dyn ReadTx + '_>, Error> {
        Ok(Box::new(self.begin_read()?))
    }

    fn write(&self) -> Result<Box<dyn WriteTx + '_>, Error> {
        Ok(Box::new(self.begin_write()?))
    }

    fn deletes_securely(&self) -> bool {
        self.database.options().secure_delete
    }

    fn unerased(&self) -> Option<String> {
        lock(&self.unerased).clone()
    }

    fn take_held_log(&self) -> Option<u64> {
        self.log_growth.take_held()
    }

    fn data_version(&self) -> Result<i64, Error> {
        let probe = lock(&self.probe);
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
        // A single statement is consistent by itself: no transaction needed.
        let found = rows::get(&*self.database.reader()?, id).map_err(|error| self.database.explain(error))?;
        self.database.check_not_replaced()?;
        found.ok_or(Error::EntryNotFound { id })
    }

    fn word_memory_bytes(&self) -> usize {
        self.word_memory.bytes()
    }

    fn release_memory(&self) {
        self.word_memory.release();
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

    fn now_ms(&self) -> i64 {
        self.database.options().clock.now_ms()
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

    fn upkeep(&self) -> Option<&dyn Upkeep> {
        Some(self)
    }

    fn transfer(&self) -> Option<&dyn Transfer> {
        Some(self)
    }

    fn legacy_import(&self) -> Option<&dyn LegacyImport> {
        Some(self)
    }
}

/// A transaction. [`ReadTx`] and [`WriteTx`] are its two kinds; a writer can do everything that a reader can.
///
/// Dropped without commit, a writer's changes are undone.
#[derive(Debug)]
pub(crate) struct SqliteTx<'s, C: Deref<Target = Connection>> {
    pub(crate) store: &'s SqliteStore,
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
pub(crate) type SqliteReadTx<'s> = SqliteTx<'s, Pooled<'s>>;

/// Changes that happen together or not at all.
pub(crate) type SqliteWriteTx<'s> = SqliteTx<'s, WriterGuard<'s>>;

impl<'s, C: Deref<Target = Connection>> SqliteTx<'s, C> {
    fn begin(store: &'s SqliteStore, connection: C, statement: &str) -> Result<Self, Error> {
        let tx = Self::begun(store, connection);
        tx.connection.prepare_cached(statement)?.execute([])?;
        tx.fix_view()?;
        Ok(tx)
    }

    /// The transaction that the connection is in.
    fn begun(store: &'s SqliteStore, connection: C) -> Self {
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
        Some(self.connection())
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
        let options = self.store.database.options();
        self.with_words(|index| words_before_commit(&index, options.secure_delete))?;
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

impl<C: Deref<Target = Connection>> Drop for SqliteTx<'_, C> {
    fn drop(&mut self) {
        if self.open && !self.connection.is_autocommit() {
            // Nothing can be done about a failed rollback here; the next writer sees the state and retries.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}
