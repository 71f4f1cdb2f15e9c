//! Filling a pushed table, and keeping it in step with the change log.
//!
//! One process at a time has the memory's lock for that (`BUILDING`) while it makes a table, or drops them all; those who bring one up to date share it. So nobody waits in the
//! writers' turn for a graph that is being made.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rekall_core::store::{ReadChanges, ReadSpaces, WriteBlocks};
use rekall_core::{Changes, Error, LogPosition, PUSHED_KIND, PushedState, ReadTx, Space};

use super::super::PostgresStore;
use super::super::tx::{Tx, column};
use super::super::values::text;
use super::table::Table;
use crate::client::Mode;

/// The lock of those who make or drop tables of a memory, for as long as their view is open.
const BUILDING: &str = "SELECT pg_try_advisory_xact_lock(1380666419, hashtext($1))";

/// The same, waited for: as long as `lock_timeout` says.
const WAITING: &str = "SELECT pg_advisory_xact_lock(1380666419, hashtext($1)) IS NOT NULL";

/// The same, shared by those who bring it up to date.
const FOLLOWING: &str = "SELECT pg_try_advisory_xact_lock_shared(1380666419, hashtext($1))";

/// Vectors that are read, and written, at a time.
const BATCH_ROWS: usize = 2_048;

/// Entries that may have changed while a table was made to be taken in by the transaction that puts it into use: others wait for it.
const LAST_ENTRIES: usize = 256;

impl PostgresStore {
    /// As [`build_pushed`](rekall_core::PushedVectors::build_pushed).
    pub(super) fn build(
        &self,
        graph: bool,
        wait: bool,
        cancel: Option<&Arc<AtomicBool>>,
    ) -> Result<bool, Error> {
        // Its view is what the table is filled from, and it keeps the lock until the end.
        let mut source = self.begin_read()?;
        if let Some(cancel) = cancel {
            source.stop_when(cancel)?;
        }
        let Some(space) = source.active_space()? else { return Ok(false) };
        let table = self.pushed_table(&space, graph)?;
        if !source.locks_building(wait)? {
            return Ok(false);
        }
        let mut tx = self.begin_write()?;
        // In the transaction that takes the table away: it stands for nothing any more.
        tx.drop_index_blocks_of_kind(PUSHED_KIND)?;
        tx.drop_pushed_tables(None)?;
        tx.make_pushed(&table)?;
        tx.finish_unseen()?;

        let mut rows = 0;
        let reader: &dyn ReadTx = &source;
        reader.vectors(&space, BATCH_ROWS, |batch| {
            let tx = self.begin_write()?;
            rows += tx.add_pushed(&table, batch)?;
            tx.finish_unseen()
        })?;
        if graph {
            // Not in the writers' turn: nobody else writes to this table yet.
            let (transaction, _) = self.client.begin(Mode::Write, &[], cancel)?;
            transaction.batch(&table.graph())?;
            transaction.commit(None)?;
        }
        self.put_into_use(&source, &table, rows, graph)
    }

    /// Takes in what changed since the view was begun, in several transactions if that is much, and seals in the last one.
    fn put_into_use(
        &self,
        source: &Tx<'_>,
        table: &Table,
        mut rows: u64,
        graph: bool,
    ) -> Result<bool, Error> {
        let mut filled_to = source.log_position()?;
        loop {
            // The lock is held as long as this is answered.
            source.query_one("SELECT 1", &[])?;
            let mut tx = self.begin_write()?;
            if tx.active_space()?.as_ref() != Some(&table.space) {
                return Ok(false);
            }
            let Changes::Entries { position, entries, .. } = tx.changes_since(filled_to)? else {
                return Ok(false);
            };
            let is_last = entries.len() <= LAST_ENTRIES;
            let mut parts = entries.chunks(LAST_ENTRIES);
            let (gone, added) = tx.refresh_pushed(table, parts.next().unwrap_or_default())?;
            rows = rows - gone.min(rows) + added;
            if is_last {
                tx.seal_pushed(table, rows, graph)?;
                tx.finish_unseen()?;
                return Ok(true);
            }
            tx.finish_unseen()?;
            for entries in parts {
                let tx = self.begin_write()?;
                let (gone, added) = tx.refresh_pushed(table, entries)?;
                rows = rows - gone.min(rows) + added;
                tx.finish_unseen()?;
            }
            filled_to = position;
        }
    }

    /// As [`discard_pushed`](rekall_core::PushedVectors::discard_pushed).
    pub(super) fn discard(&self) -> Result<(), Error> {
        // Not while somebody makes one.
        let source = self.begin_read()?;
        source.locks_building(true)?;
        let mut tx = self.begin_write()?;
        tx.drop_index_blocks_of_kind(PUSHED_KIND)?;
        tx.drop_pushed_tables(None)?;
        tx.finish_unseen()
    }

    /// As [`follow_pushed`](rekall_core::PushedVectors::follow_pushed).
    pub(super) fn follow(&self, space: &Space, filled_to: LogPosition) -> Result<bool, Error> {
        let table = self.pushed_table(space, false)?;
        let mut tx = self.begin_write()?;
        if !tx.locks(FOLLOWING)? || tx.active_space()?.as_ref() != Some(space) {
            return Ok(false);
        }
        let Some(state) = PushedState::read(&tx, space.id)?.filter(|state| state.position == filled_to)
        else {
            return Ok(false);
        };
        let Changes::Entries { entries, .. } = tx.changes_since(filled_to)? else { return Ok(false) };
        let (gone, added) = tx.refresh_pushed(&table, &entries)?;
        tx.seal_pushed(&table, state.rows - gone.min(state.rows) + added, state.graph)?;
        tx.finish_unseen()?;
        Ok(true)
    }
}

impl Tx<'_> {
    /// Takes the lock of those who make tables; waits for it as long as others are waited for.
    fn locks_building(&self, wait: bool) -> Result<bool, Error> {
        let patience = self.store.client.settings().busy_timeout.as_millis().clamp(1, i32::MAX as u128);
        self.query_one(&format!("SELECT set_config('lock_timeout', '{patience}', true)"), &[])?;
        self.locks(if wait { WAITING } else { BUILDING })
    }

    /// Takes a lock on the tables of this memory, if nobody is in the way, until the transaction ends.
    fn locks(&self, lock: &str) -> Result<bool, Error> {
        let name = format!("{}/{}", self.schema(), self.scope().number());
        column(&self.query_one(lock, &[text(&name)])?, 0)
    }
}
