//! A transaction of the store's.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fmt, iter};

use rekall_core::engine::{NewWords, random_name, words_before_commit};
use rekall_core::{EntryId, Error as CoreError, LogPosition, ReadTx, Store, WriteTx};
use tokio_postgres::Row;

use super::PostgresStore;
use super::scope::Scope;
use super::turn::Turn;
use super::values::{int, text};
use super::word_tables::ready_segments;
use crate::Error;
use crate::client::{CopyRows, Mode, Statement, Transaction, Value, Witness};
use crate::schema::{self, TURN};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A consistent view of the memory, or, for a writer, changes that happen together or not at all.
pub(super) struct Tx<'s> {
    pub(super) store: &'s PostgresStore,
    transaction: Transaction,
    /// Where the change log stands; `None` since a writer wrote something.
    position: Cell<Option<LogPosition>>,
    /// What a writer has.
    writing: Option<Writing<'s>>,
    /// What a reader learned when it began.
    learned: Option<Learned>,
    /// The words of the entries that a writer wrote last, as long as nothing was written that may have changed them.
    words: RefCell<Option<NewWords>>,
}

/// What most searches ask for, answered in the round trip that begins a view, of whose moment it is.
struct Learned {
    /// Whether some entry waits for vectors.
    some_wait: bool,
    /// The life of the memory.
    life: String,
    /// The segments of the word index that are searched, if this store searches by words.
    segments: Option<Vec<Row>>,
    /// Ids that were asked for since, by row; `None`: there is no such entry. A search asks for the same ones twice.
    ids: RefCell<HashMap<i64, Option<EntryId>>>,
}

/// What a writer has. The turn is given back last, when the server knows that the transaction is over.
struct Writing<'s> {
    began_at: i64,
    witness: Witness,
    turn: Turn<'s>,
}

/// Longer lists of ids are not kept.
const MOST_LEARNED: usize = 1_000;

/// What the transaction is found by, should its commit not be confirmed.
const WITNESS: &str = "SELECT note_writer($1)";

/// Lets the commit not wait for the disk: a crash of the server may take it back.
const NO_WAIT: &str = "SELECT set_config('synchronous_commit', 'off', true)";

/// How long another writer is waited for at the server, in milliseconds.
const WAIT: &str = "SELECT set_config('lock_timeout', $1::bigint::text, true)";

impl<'s> Tx<'s> {
    /// Begins to read, with the position of the log: one round trip.
    pub(super) fn read(store: &'s PostgresStore) -> Result<Self, CoreError> {
        Ok(Self::read_and(store, &[], None)?.0)
    }

    /// The same with statements of the caller's in that round trip, whose rows are given. The flag stops statements from now on.
    pub(super) fn read_and(
        store: &'s PostgresStore,
        also: &[Statement<'_>],
        cancel: Option<&Arc<AtomicBool>>,
    ) -> Result<(Self, Vec<Vec<Row>>), CoreError> {
        let segments = ready_segments(store.scope);
        let by_words = store.searches_words.load(Ordering::Relaxed);
        let none_waited = lock(&store.none_waited).clone();
        let known = [text(&none_waited)];
        let own: [Statement<'_>; 2] = [(&store.first_look, &known), (&segments, &[])];
        let own = &own[..1 + usize::from(by_words)];
        let (transaction, mut rows) = store.client.begin(Mode::Read, &[own, also].concat(), cancel)?;
        let answers = rows.split_off(own.len().min(rows.len()));
        let segments = if by_words { rows.pop() } else { None };
        let position = store.position_in(&rows)?;
        let first = only(&rows)?;
        let (state, some_wait): (&str, bool) = (column(first, 2)?, column(first, 3)?);
        let life = column::<Option<String>>(first, 1)?.unwrap_or_default();
        let seen = format!("{life} {state}");
        if !some_wait && seen != none_waited {
            *lock(&store.none_waited) = seen;
        }
        let learned = Some(Learned { some_wait, life, segments, ids: RefCell::default() });
        let (position, words) = (Cell::new(Some(position)), RefCell::default());
        Ok((Self { store, transaction, position, writing: None, learned, words }, answers))
    }

    /// The same with statements of the caller's, in the same round trip: one that takes no view, which is run before (a lock, which a view
    /// has to be younger than), and one whose rows are given.
    pub(super) fn read_with(
        store: &'s PostgresStore,
        lock: Option<&str>,
        also: Statement<'_>,
    ) -> Result<(Self, Vec<Row>), CoreError> {
        let mut asked: Vec<Statement<'_>> = lock.iter().map(|&sql| (sql, &[][..])).collect();
        asked.extend([(&*store.position, &[][..]), also]);
        let (transaction, mut rows) = store.client.begin(Mode::Read, &asked, None)?;
        let found = rows.pop().unwrap_or_default();
        rows.drain(..usize::from(lock.is_some()));
        let (position, words) = (Cell::new(Some(store.position_in(&rows)?)), RefCell::default());
        Ok((Self { store, transaction, position, writing: None, learned: None, words }, found))
    }

    /// Begins to write: waits for the threads of this process, then for all others.
    pub(super) fn write(store: &'s PostgresStore) -> Result<Self, CoreError> {
        Ok(Self::write_with(store, &[])?.0)
    }

    /// Begins to write what can be made again from the rest, so that its commit need not wait for the disk. Statements of the caller's are
    /// asked in the same round trip, and their rows given.
    pub(super) fn write_derived(
        store: &'s PostgresStore,
        also: &[Statement<'_>],
    ) -> Result<(Self, Vec<Vec<Row>>), CoreError> {
        let asked: Vec<Statement<'_>> = iter::once((NO_WAIT, &[][..])).chain(also.iter().copied()).collect();
        let (tx, mut rows) = Self::write_with(store, &asked)?;
        rows.drain(..1);
        Ok((tx, rows))
    }

    fn write_with(
        store: &'s PostgresStore,
        also: &[Statement<'_>],
    ) -> Result<(Self, Vec<Vec<Row>>), CoreError> {
        let (turn, left) = store.turns.take(store.client.settings().busy_timeout)?;
        // Those who wait for a thread and then for a process wait no longer in all. 0 would mean: for ever.
        let wait = i64::try_from(left.as_millis()).unwrap_or(i64::MAX).clamp(1, i64::from(i32::MAX));
        let token = random_name()?;
        let (wait, name, token_of) = ([int(&wait)], [text(&store.client.address().schema)], [text(&token)]);
        let own: [Statement<'_>; 4] =
            [(WAIT, &wait), (TURN, &name), (&store.position, &[]), (WITNESS, &token_of)];
        let statements = [&own[..], also].concat();
        let (transaction, mut rows) = store.client.begin(Mode::Write, &statements, None)?;
        let answers = rows.split_off(own.len().min(rows.len()));
        let position = store.position_in(&rows[2..])?;
        let witness = Witness { server: column(only(&rows[3..])?, 0)?, token };
        let writing = Writing { began_at: position.number(), witness, turn };
        let position = Cell::new(Some(position));
        let words = RefCell::default();
        Ok((Self { store, transaction, position, writing: Some(writing), learned: None, words }, answers))
    }

    /// Which rows are the memory's own.
    pub(super) fn scope(&self) -> Scope {
        self.store.scope
    }

    /// The name of the memory.
    pub(super) fn schema(&self) -> &str {
        &self.store.client.address().schema
    }

    /// The rows of a statement that only reads.
    pub(super) fn query(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, CoreError> {
        Ok(self.transaction.query(sql, values)?)
    }

    /// The rows of statements that only read, in one round trip.
    pub(super) fn query_all(&self, statements: &[Statement<'_>]) -> Result<Vec<Vec<Row>>, CoreError> {
        Ok(self.transaction.query_all(statements)?)
    }

    /// The first row of a statement that only reads.
    pub(super) fn query_opt(&self, sql: &str, values: &[Value<'_>]) -> Result<Option<Row>, CoreError> {
        Ok(self.transaction.query_opt(sql, values)?)
    }

    /// The row of a statement that only reads and always gives one.
    pub(super) fn query_one(&self, sql: &str, values: &[Value<'_>]) -> Result<Row, CoreError> {
        Ok(self.transaction.query_one(sql, values)?)
    }

    /// Row numbers as callers have them, from the first column of each row.
    pub(super) fn rows_in(&self, rows: &[Row]) -> Result<Vec<i64>, CoreError> {
        rows.iter().map(|row| Ok(self.scope().row(column(row, 0)?))).collect()
    }

    /// A number from the only row and column of a statement.
    pub(super) fn number(&self, sql: &str, values: &[Value<'_>]) -> Result<i64, CoreError> {
        column(&self.query_one(sql, values)?, 0)
    }

    /// The rows of a statement that only reads, and what `work` gives that is done meanwhile.
    pub(super) fn query_while<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        work: impl FnOnce() -> T,
    ) -> Result<(Vec<Row>, T), CoreError> {
        Ok(self.transaction.query_while(sql, values, work)?)
    }

    /// Hands on row by row what would be much at once.
    pub(super) fn for_each(
        &self,
        sql: &str,
        values: &[Value<'_>],
        each: impl FnMut(&Row) -> Result<(), Error>,
    ) -> Result<(), CoreError> {
        Ok(self.transaction.for_each(sql, values, each)?)
    }

    /// The same after other statements, with a flag of its own.
    pub(super) fn for_each_after(
        &self,
        before: &[Statement<'_>],
        statement: Statement<'_>,
        cancel: Option<&AtomicBool>,
        each: impl FnMut(&Row) -> Result<(), Error>,
    ) -> Result<(), CoreError> {
        Ok(self.transaction.for_each_after(before, statement, cancel, each)?)
    }

    /// Runs a statement that writes; gives the number of rows that it touched.
    pub(super) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, CoreError> {
        self.position.set(None);
        self.words.take();
        Ok(self.transaction.execute(sql, values)?)
    }

    /// The same for a statement that writes nothing which the log tells of.
    pub(super) fn execute_beside_the_log(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, CoreError> {
        Ok(self.transaction.execute(sql, values)?)
    }

    /// Runs statements without values that leave the log as it is.
    pub(super) fn batch(&self, sql: &str) -> Result<(), CoreError> {
        Ok(self.transaction.batch(sql)?)
    }

    /// Whether a statement failed, so that the server does nothing any more in this transaction.
    pub(super) fn has_failed(&self) -> bool {
        self.transaction.has_failed()
    }

    /// Whether it may hold changes that nobody else sees yet.
    pub(super) fn writes(&self) -> bool {
        self.writing.is_some()
    }

    /// The rows that a statement that writes gives back.
    pub(super) fn returning(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, CoreError> {
        self.position.set(None);
        self.words.take();
        Ok(self.transaction.query(sql, values)?)
    }

    /// The same, and what `work` gives that is done meanwhile.
    pub(super) fn returning_while<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        work: impl FnOnce() -> T,
    ) -> Result<(Vec<Row>, T), CoreError> {
        self.position.set(None);
        self.words.take();
        Ok(self.transaction.query_while(sql, values, work)?)
    }

    /// The rows that statements that write give back, in one round trip.
    pub(super) fn returning_all(&self, statements: &[Statement<'_>]) -> Result<Vec<Vec<Row>>, CoreError> {
        self.position.set(None);
        self.words.take();
        Ok(self.transaction.query_all(statements)?)
    }

    /// Copies rows into a table, as [`Transaction::copy_in`].
    pub(super) fn copy_in(
        &self,
        sql: &str,
        next: impl FnMut() -> Option<CopyRows>,
        work: impl FnMut() -> bool,
    ) -> Result<u64, CoreError> {
        self.position.set(None);
        self.words.take();
        Ok(self.transaction.copy_in(sql, next, work)?)
    }

    /// Keeps the words of the entries that were written last: nothing but vectors and marks was written since.
    pub(super) fn keep_words(&self, words: NewWords) {
        self.words.replace(Some(words));
    }

    /// The words of the entries that were written last, if they are still as they were written then.
    pub(super) fn kept_words(&self) -> Option<NewWords> {
        self.words.take()
    }

    /// Where the log stands: a round trip for a writer that wrote since it was asked last.
    pub(super) fn log_position(&self) -> Result<LogPosition, CoreError> {
        if let Some(position) = self.position.get() {
            return Ok(position);
        }
        let position = self.store.position_in(&[self.query(&self.store.position, &[])?])?;
        self.position.set(Some(position));
        Ok(position)
    }

    /// What was written left the log as it was.
    pub(super) fn know_position(&self, position: LogPosition) {
        self.position.set(Some(position));
    }

    /// Whether it is known that no entry waits for vectors.
    pub(super) fn none_wait(&self) -> bool {
        self.learned.as_ref().is_some_and(|learned| !learned.some_wait)
    }

    /// The rows of [`ready_segments`], if they were asked for when the view began.
    pub(super) fn learned_segments(&self) -> Option<&[Row]> {
        self.learned.as_ref()?.segments.as_deref()
    }

    /// A number for the life of the memory and its segments of words, if they were asked for when the view began.
    pub(super) fn learned_words(&self) -> Option<i64> {
        let Learned { life, segments, .. } = self.learned.as_ref()?;
        let mut text = life.clone();
        for row in segments.as_deref()? {
            let (segment, pages): (i64, i64) = (row.try_get(0).ok()?, row.try_get(4).ok()?);
            text.push_str(&format!(" {segment} {pages}"));
        }
        Some(schema::number_of(&text))
    }

    /// The ids of these rows, if this reader asked for all of them before.
    pub(super) fn learned_ids(&self, rows: &[i64]) -> Option<HashMap<i64, EntryId>> {
        let ids = self.learned.as_ref()?.ids.borrow();
        let known: Option<Vec<_>> = rows.iter().map(|row| Some((*row, *ids.get(row)?))).collect();
        Some(known?.into_iter().filter_map(|(row, id)| Some((row, id?))).collect())
    }

    /// Keeps the ids of these rows in mind.
    pub(super) fn learn_ids(&self, rows: &[i64], found: &HashMap<i64, EntryId>) {
        if let Some(learned) = self.learned.as_ref().filter(|_| rows.len() <= MOST_LEARNED) {
            learned.ids.borrow_mut().extend(rows.iter().map(|row| (*row, found.get(row).copied())));
        }
    }

    /// Where the change log stood when a writer began.
    pub(super) fn began_at(&self) -> i64 {
        self.writing.as_ref().map_or(0, |writing| writing.began_at)
    }

    /// When an entry stamped in this transaction is stamped.
    pub(super) fn now_ms(&self) -> i64 {
        self.store.now_ms()
    }

    /// Makes the changes durable and visible to every other reader.
    pub(super) fn finish(self) -> Result<(), CoreError> {
        self.with_words(|index| words_before_commit(&index, false))?;
        let position = self.prune_changes()?;
        self.end(Some(position))
    }

    /// The same for changes that no reader of the memory sees: no words are indexed, and nobody is told.
    pub(super) fn finish_unseen(self) -> Result<(), CoreError> {
        self.end(None)
    }

    fn end(self, position: Option<LogPosition>) -> Result<(), CoreError> {
        let Self { store, transaction, writing, .. } = self;
        let Some(Writing { witness, turn, .. }) = writing else { return Ok(()) };
        transaction.commit(Some(&witness))?;
        // While no other thread of this process writes: positions of one history only grow.
        if position.is_some() {
            *store.note_commit() = position;
        }
        drop(turn);
        Ok(())
    }
}

impl ReadTx for Tx<'_> {
    fn stop_when(&mut self, cancel: &Arc<AtomicBool>) -> Result<(), CoreError> {
        self.transaction.stop_when(cancel);
        Ok(())
    }
}

impl WriteTx for Tx<'_> {
    fn commit(self: Box<Self>) -> Result<(), CoreError> {
        self.finish()
    }
}

impl fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").field("transaction", &self.transaction).finish_non_exhaustive()
    }
}

/// The first row of the first statement.
pub(super) fn only(rows: &[Vec<Row>]) -> Result<&Row, Error> {
    let none = || Error::Corrupt { detail: "a statement that gives one row gave none".to_owned() };
    rows.first().and_then(|rows| rows.first()).ok_or_else(none)
}

/// A column of a row. What is of another type there is damage.
pub(super) fn column<'r, T: tokio_postgres::types::FromSql<'r>>(
    row: &'r Row,
    column: usize,
) -> Result<T, CoreError> {
    Ok(row.try_get(column).map_err(Error::from)?)
}

/// The first column of each row.
pub(super) fn numbers(rows: &[Row]) -> Result<Vec<i64>, CoreError> {
    rows.iter().map(|row| column(row, 0)).collect()
}
