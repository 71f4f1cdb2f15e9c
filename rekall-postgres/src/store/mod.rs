//! The store: one memory on a server, and transactions on it.

mod block_writer;
mod blocks;
mod changes;
mod entries;
mod expiry;
mod facets;
mod filter;
mod hits;
mod legacy_rows;
mod links;
mod listing;
mod many;
mod matching;
mod pending;
mod pushed;
mod rows;
mod scope;
mod scopes;
mod sources;
mod spaces;
mod stats;
mod supersede;
#[cfg(test)]
#[cfg(unix)]
mod tests;
mod times;
mod transfer;
mod turn;
mod tx;
mod usage;
mod values;
mod vectors;
mod word_tables;
mod words;

use std::borrow::Cow;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rekall_core::engine::{Ids, WordMemory};
use rekall_core::store::{HitParts, HitRows, PushedVectors, ReadHits, ReadVectors, Scopes, Transfer};
use rekall_core::{
    BlockWriter, Entry, EntryId, LogPosition, ReadTx, ScopeName, Space, Store, VectorBatch, VectorKey,
    WallClock, WriteTx,
};

use crate::client::{Client, Mode, Statement};
use crate::schema::{self, Access};
use crate::url::Address;
use crate::{Error, PostgresOptions};
use scope::Scope;
use tokio_postgres::Row;
use turn::Turns;
use tx::Tx;
use values::text;
use vectors::AtKeys;

/// The engine's name.
pub(crate) const ENGINE: &str = "PostgreSQL";

/// A memory that is kept in a schema of a PostgreSQL database. `Send + Sync`: any number of threads, and any number of processes, may
/// use one memory at once.
///
/// Readers never wait for writers nor writers for readers; one writer at a time, others wait up to
/// [`PostgresOptions::busy_timeout`]. The store has one thread, which sleeps while nothing is asked of the server, and ends with it.
///
/// Each transaction begins with one round trip to the server, and each of its operations takes one more, or a few.
pub struct PostgresStore {
    client: Client,
    clock: Arc<dyn WallClock>,
    access: Access,
    /// Shared by all that are bound to scopes of one store: they write to one memory.
    turns: Arc<Turns>,
    /// What it is bound to, and under which name.
    scope: Scope,
    name: Option<ScopeName>,
    /// What asks for the log's position, and whether the scope is there.
    position: Cow<'static, str>,
    /// The same, the state of the data, and whether some entry waits for vectors: what a view begins with.
    first_look: String,
    /// The life of the memory and the state of its data in which none did when it was looked last.
    none_waited: Mutex<String>,
    /// Whether searches by words were made.
    searches_words: AtomicBool,
    ids: Ids,
    /// Where the change log stood after this store's last commit.
    last_commit: Mutex<Option<LogPosition>>,
    /// What searches by words keep.
    word_memory: WordMemory,
    /// Where pgvector was found.
    extension: Mutex<Option<pushed::Extension>>,
}

impl PostgresStore {
    /// Opens a memory, or makes it. Connects once, and makes tables only where there are none.
    ///
    /// ```no_run
    /// use rekall_postgres::{PostgresOptions, PostgresStore};
    ///
    /// # fn main() -> Result<(), rekall_postgres::Error> {
    /// let url = "postgres://ann@db.example/team?schema=notes&sslmode=verify-full";
    /// let store = PostgresStore::open(url, &PostgresOptions::default())?;
    /// assert_eq!(store.server(), "db.example:5432/team, schema notes");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::BadUrl`]; what connecting fails with ([`Error::Unreachable`], [`Error::Refused`], [`Error::Tls`]);
    /// [`Error::NotFound`] if there is no memory and none is to be made; [`Error::NotAMemory`], [`Error::NewerVersion`],
    /// [`Error::Unfit`]; [`Error::ReadOnly`] if the user may not do what is needed.
    pub fn open(url: &str, options: &PostgresOptions) -> Result<Self, Error> {
        let client = Client::start(Address::parse(url)?, options.settings())?;
        schema::open(&client, options.access())?;
        Ok(Self {
            client,
            clock: Arc::clone(&options.clock),
            access: options.access(),
            turns: Arc::default(),
            scope: Scope::UNNAMED,
            name: None,
            position: Cow::Borrowed(schema::POSITION),
            first_look: first_look(Scope::UNNAMED, schema::POSITION),
            none_waited: Mutex::default(),
            searches_words: AtomicBool::default(),
            ids: Ids::default(),
            last_commit: Mutex::default(),
            word_memory: WordMemory::default(),
            extension: Mutex::default(),
        })
    }

    /// Where the memory is, without user and password.
    #[must_use]
    pub fn server(&self) -> String {
        self.client.address().to_string()
    }

    fn begin_read(&self) -> Result<Tx<'_>, rekall_core::Error> {
        Tx::read(self)
    }

    fn begin_write(&self) -> Result<Tx<'_>, rekall_core::Error> {
        self.check_may_write()?;
        Tx::write(self)
    }

    /// As [`Tx::write_derived`].
    fn begin_derived(&self, also: &[Statement<'_>]) -> Result<(Tx<'_>, Vec<Vec<Row>>), rekall_core::Error> {
        self.check_may_write()?;
        Tx::write_derived(self, also)
    }

    fn check_may_write(&self) -> Result<(), rekall_core::Error> {
        match self.access {
            Access::Read => Err(rekall_core::Error::ReadOnly { what: "the store".to_owned() }),
            _ => Ok(()),
        }
    }

    /// The log's position, from the answer to [`position`](Self::position).
    ///
    /// # Errors
    /// [`ScopeNotFound`](rekall_core::Error::ScopeNotFound) when the scope was removed.
    fn position_in(&self, rows: &[Vec<Row>]) -> Result<LogPosition, rekall_core::Error> {
        let gone = |name: &ScopeName| rekall_core::Error::ScopeNotFound { name: name.clone() };
        match (schema::position(tx::only(rows)?)?, &self.name) {
            (Some(position), _) => Ok(position),
            (None, Some(name)) => Err(gone(name)),
            (None, None) => Err(Error::Corrupt { detail: "the log has no position".to_owned() }.into()),
        }
    }

    fn note_commit(&self) -> MutexGuard<'_, Option<LogPosition>> {
        self.last_commit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks for what a view begins with, by what asks for the position: two columns more. In the state $1 no entry waits: the rows of those that
/// waited in a bulk load are gone through otherwise, each time until the table is vacuumed. A standby does not name each state by a text of its own.
fn first_look(scope: Scope, position: &str) -> String {
    let of_scope = scope.range("entry_id");
    format!(
        "SELECT number, life, state, CASE WHEN life || ' ' || state = $1 AND NOT pg_is_in_recovery() THEN false
            ELSE EXISTS (SELECT FROM pending WHERE {of_scope}) END
        FROM ({position}) AS position, CAST(pg_current_snapshot() AS text) AS state"
    )
}

impl Store for PostgresStore {
    fn engine(&self) -> &'static str {
        ENGINE
    }

    fn location(&self) -> String {
        self.server()
    }

    fn scope(&self) -> Option<&ScopeName> {
        self.name.as_ref()
    }

    fn read(&self) -> Result<Box<dyn ReadTx + '_>, rekall_core::Error> {
        Ok(Box::new(self.begin_read()?))
    }

    fn read_with_hits(
        &self,
        wanted: &HitRows<'_>,
        cancel: Option<&Arc<AtomicBool>>,
    ) -> Result<(Box<dyn ReadTx + '_>, HitParts), rekall_core::Error> {
        if hits::fits(wanted) {
            let (tx, found) = hits::read(self.scope, wanted, |asked| Tx::read_and(self, asked, cancel))?;
            return Ok((Box::new(tx), found));
        }
        let (tx, _) = Tx::read_and(self, &[], cancel)?;
        let found = tx.read_hits(wanted)?;
        Ok((Box::new(tx), found))
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn write(&self) -> Result<Box<dyn WriteTx + '_>, rekall_core::Error> {
        Ok(Box::new(self.begin_write()?))
    }

    fn data_version(&self) -> Result<i64, rekall_core::Error> {
        // It names the transactions that have ended: any that ends, of whatever kind, is another one.
        let (_, rows) =
            self.client.begin(Mode::Read, &[("SELECT pg_current_snapshot()::text", &[])], None)?;
        let snapshot: &str = tx::only(&rows)?.try_get(0).map_err(Error::from)?;
        Ok(schema::number_of(snapshot))
    }

    fn last_commit(&self) -> Option<LogPosition> {
        *self.note_commit()
    }

    fn new_id(&self) -> Result<EntryId, rekall_core::Error> {
        self.ids.next(None, self.now_ms())
    }

    fn get(&self, id: EntryId) -> Result<Entry, rekall_core::Error> {
        let ulid = id.to_string();
        let (sql, id_of) = (rows::by_ulid(self.scope), [text(&ulid)]);
        // Whether a scope is there shows by its position.
        let statements: [Statement<'_>; 2] = [(&sql, &id_of), (&self.position, &[])];
        let asked = if self.name.is_some() { &statements[..] } else { &statements[..1] };
        let (_, rows) = self.client.begin(Mode::Read, asked, None)?;
        if self.name.is_some() {
            self.position_in(&rows[1..])?;
        }
        match rows.first().and_then(|rows| rows.first()) {
            Some(row) => Ok(rows::entry(row, self.scope)?.1),
            None => Err(rekall_core::Error::EntryNotFound { id }),
        }
    }

    fn vectors_as_of(
        &self,
        position: LogPosition,
        space: &Space,
        keys: &[VectorKey],
    ) -> Result<Option<VectorBatch>, rekall_core::Error> {
        let now = keys.len().min(vectors::AT_ONCE);
        let asked = AtKeys::new(self.scope, space.id, &keys[..now], vectors::VECTOR);
        let (tx, rows) = Tx::read_with(self, None, (&asked.sql, &asked.values()))?;
        if !tx.unchanged_since(position, keys)? {
            return Ok(None);
        }
        let mut batch = VectorBatch::new(space.dimensions);
        vectors::read_at(&keys[..now], &rows, self.scope, &mut batch)?;
        if now < keys.len() {
            let rest = tx.vectors_at(space, &keys[now..])?;
            batch.keys.extend(rest.keys);
            batch.rows.extend(rest.rows);
            batch.unusable.extend(rest.unusable);
        }
        Ok(Some(batch))
    }

    fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    fn begin_index_blocks(
        &self,
        space: &Space,
        kind: &'static str,
        position: LogPosition,
        patience: i64,
    ) -> Result<Option<Box<dyn BlockWriter + '_>>, rekall_core::Error> {
        let begun = self.begin_block_set(space, kind, position, patience)?;
        Ok(begun.map(|writer| Box::new(writer) as Box<dyn BlockWriter>))
    }

    fn word_memory_bytes(&self) -> usize {
        self.word_memory.bytes()
    }

    fn scopes(&self) -> Option<&dyn Scopes> {
        self.name.is_none().then_some(self)
    }

    fn pushed_vectors(&self) -> Option<&dyn PushedVectors> {
        Some(self)
    }

    fn transfer(&self) -> Option<&dyn Transfer> {
        Some(self)
    }

    fn release_memory(&self) {
        self.word_memory.release();
        self.client.release();
    }
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore")
            .field("server", &self.server())
            .field("scope", &self.name)
            .finish_non_exhaustive()
    }
}
