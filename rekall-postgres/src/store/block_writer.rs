//! Writing a set of index blocks in short transactions, beside the set that is in use.

use rekall_core::engine::random_name;
use rekall_core::store::{ReadSpaces, WriteBlocks};
use rekall_core::{BlockWriter, Error, LogPosition, Space, SpaceId};

use super::PostgresStore;
use super::spaces::{active_space, space};
use super::tx::{Tx, column, only};
use super::values::{int, limit, text};

/// Blocks dropped in one transaction: some megabytes.
const DROPPED_AT_ONCE: usize = 8;

/// A set of index blocks under way.
#[derive(Debug)]
pub(super) struct IndexBlockWriter<'s> {
    store: &'s PostgresStore,
    space: Space,
    kind: &'static str,
    /// Random, so that a process which begins a set at the same time writes another one.
    set: String,
    position: LogPosition,
    count: usize,
}

impl PostgresStore {
    /// As [`Store::begin_index_blocks`](rekall_core::Store::begin_index_blocks).
    pub(super) fn begin_block_set(
        &self,
        space: &Space,
        kind: &'static str,
        position: LogPosition,
        patience: i64,
    ) -> Result<Option<IndexBlockWriter<'_>>, Error> {
        let tx = self.begin_read()?;
        if tx.active_space()?.as_ref() != Some(space) || !position.same_history(tx.log_position()?) {
            return Ok(None);
        }
        let number = position.number();
        let in_use = tx.sealed_set(space.id, kind)?.map(|(set, _)| set);
        let sets = tx.block_sets(space.id, kind)?.into_iter().map(|set| set.name);
        let others: Vec<String> = sets.filter(|set| Some(set) != in_use.as_ref()).collect();
        for set in &others {
            let begun = tx.begun_at(space.id, set)?;
            if patience > 0 && begun.is_some_and(|begun| (number - patience..=number).contains(&begun)) {
                return Ok(None);
            }
        }
        drop(tx);
        for set in others {
            self.drop_block_set(space.id, kind, &set)?;
        }
        let set = format!("{kind}/{}", random_name()?);
        Ok(Some(IndexBlockWriter { store: self, space: space.clone(), kind, set, position, count: 0 }))
    }

    /// Drops a set that no process reads, some blocks a transaction. A set that its writer has sealed since is in use, and stays.
    fn drop_block_set(&self, space: SpaceId, kind: &str, set: &str) -> Result<(), Error> {
        loop {
            let (tx, _) = self.begin_derived(&[])?;
            if tx.sealed_set(space, kind)?.is_some_and(|(in_use, _)| in_use == set) {
                return Ok(());
            }
            // A seal goes first: what is left never passes for a whole set.
            let sql = "DELETE FROM index_block WHERE space_id = $1 AND kind = $2 AND number IN (
                SELECT number FROM index_block WHERE space_id = $1 AND kind = $2 ORDER BY number DESC LIMIT $3)";
            let stored = tx.scope().stored_space(space);
            let dropped = tx.execute(sql, &[int(&stored), text(&set), int(&limit(DROPPED_AT_ONCE))])?;
            tx.finish_unseen()?;
            if dropped < DROPPED_AT_ONCE as u64 {
                return Ok(());
            }
        }
    }
}

impl Tx<'_> {
    /// The position that an unsealed set is written for.
    fn begun_at(&self, space: SpaceId, set: &str) -> Result<Option<i64>, Error> {
        let sql = "SELECT max(seq) FROM index_block WHERE space_id = $1 AND kind = $2";
        column(&self.query_one(sql, &[int(&self.scope().stored_space(space)), text(&set)])?, 0)
    }
}

impl BlockWriter for IndexBlockWriter<'_> {
    fn put(&mut self, data: &[u8]) -> Result<bool, Error> {
        let Some(mut tx) = self.begin()? else { return Ok(false) };
        tx.put_index_block(self.space.id, &self.set, self.count, self.position, data)?;
        tx.finish_unseen()?;
        self.count += 1;
        Ok(true)
    }

    fn finish(self: Box<Self>) -> Result<bool, Error> {
        let Some(mut tx) = self.begin()? else { return Ok(false) };
        let in_use = tx.sealed_set(self.space.id, self.kind)?;
        if in_use.as_ref().is_some_and(|(_, number)| *number > self.position.number()) {
            return Ok(false);
        }
        tx.seal_index_blocks(self.space.id, &self.set, self.count, self.position)?;
        if let Some((set, _)) = &in_use {
            // Without its seal no process reads it; its blocks go in transactions of their own.
            let sql = "DELETE FROM index_block WHERE space_id = $1 AND kind = $2 AND number =
                (SELECT max(number) FROM index_block WHERE space_id = $1 AND kind = $2)";
            tx.execute(sql, &[int(&tx.scope().stored_space(self.space.id)), text(set)])?;
        }
        tx.finish_unseen()?;
        if let Some((set, _)) = &in_use {
            self.store.drop_block_set(self.space.id, self.kind, set)?;
        }
        Ok(true)
    }
}

impl<'s> IndexBlockWriter<'s> {
    /// A transaction in which the set is as this writer left it.
    fn begin(&self) -> Result<Option<Tx<'s>>, Error> {
        let store = self.store;
        let (stored, active) = (store.scope.stored_space(self.space.id), active_space(store.scope));
        let count_of = [int(&stored), text(&self.set)];
        let count = "SELECT count(*) FROM index_block WHERE space_id = $1 AND kind = $2";
        let (tx, rows) = store.begin_derived(&[(count, &count_of), (&active, &[])])?;
        let (count, active) = (column::<i64>(only(&rows[..1])?, 0)?, &rows[1]);
        let active = active.first().map(|row| space(row, store.scope)).transpose()?;
        let is_ours = count == limit(self.count)
            && active.as_ref() == Some(&self.space)
            && self.position.same_history(tx.log_position()?);
        Ok(is_ours.then_some(tx))
    }
}
