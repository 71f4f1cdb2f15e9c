//! Blocks that an index has persisted, so that the next process need not read every vector.
//!
//! A set of blocks has the numbers 0, 1, 2 … without a gap, and after the last of them a *seal*, which says how many they
//! are: a lost block would otherwise be lost rows, unnoticed. A kind of index has one sealed set; another one may be
//! written beside it, under a name of its own ([`IndexBlockWriter`](super::IndexBlockWriter)).

use super::{SqliteTx, SqliteWriteTx};
use crate::Error;
use crate::engine::seal;
use crate::store::ReadBlocks;
use crate::store::ReadChanges;
use crate::store::WriteBlocks;
use crate::store::{LogPosition, SpaceId};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::ops::{ControlFlow, Deref};

impl<C: Deref<Target = Connection>> ReadBlocks for SqliteTx<'_, C> {
    fn index_position(&self, space: SpaceId, kind: &str) -> Result<Option<LogPosition>, Error> {
        let number = self.sealed_set(space, kind)?.map(|(_, number)| number);
        number.map(|number| self.position_numbered(number)).transpose()
    }

    fn each_index_block(
        &self,
        space: SpaceId,
        kind: &str,
        each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<bool, Error> {
        match self.sealed_set(space, kind)? {
            Some((set, _)) => self.blocks_of(space, &set, each),
            None => Ok(false),
        }
    }
}

impl<C: Deref<Target = Connection>> SqliteTx<'_, C> {
    /// The newest sealed set of a kind, by name, and the number of its position.
    pub(super) fn sealed_set(&self, space: SpaceId, kind: &str) -> Result<Option<(String, i64)>, Error> {
        let mut newest: Option<(String, i64)> = None;
        for set in self.block_sets(space, kind)? {
            let position = self.seal_of(space, &set)?;
            if let Some(position) = position.filter(|&at| newest.as_ref().is_none_or(|(_, best)| at > *best))
            {
                newest = Some((set, position));
            }
        }
        Ok(newest)
    }

    /// The names of all sets of a kind, sealed or not: the kind itself, and the kind with `/` and something after it.
    pub(super) fn block_sets(&self, space: SpaceId, kind: &str) -> Result<Vec<String>, Error> {
        // One step in the key for each set, not one for each block; '0' comes right after '/'.
        let sql = "SELECT min(kind) FROM index_block WHERE space_id = ?1 AND kind > ?2
                   AND kind >= ?3 AND kind < ?3 || '0' AND (kind = ?3 OR kind > ?3 || '/')";
        let mut statement = self.connection.prepare_cached(sql)?;
        let (mut sets, mut last) = (Vec::new(), String::new());
        while let Some(set) =
            statement.query_row((self.stored(space.0), &last, kind), |row| row.get::<_, Option<String>>(0))?
        {
            last.clone_from(&set);
            sets.push(set);
        }
        Ok(sets)
    }

    /// The number of the position that a set's seal names; `None` where it has none, or an impossible one.
    fn seal_of(&self, space: SpaceId, set: &str) -> Result<Option<i64>, Error> {
        let sql = "SELECT number, seq, data FROM index_block
                   WHERE space_id = ?1 AND kind = ?2 ORDER BY number DESC LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query((self.stored(space.0), set))?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let sealed = row.get_ref(0)?.as_i64().is_ok_and(|number| is_seal(row.get_ref(2), number));
        let position = row.get_ref(1)?.as_i64().ok().filter(|_| sealed);
        let now = self.position()?.number();
        Ok(position.filter(|position| (0..=now).contains(position)))
    }

    fn blocks_of(
        &self,
        space: SpaceId,
        set: &str,
        each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<bool, Error> {
        let sql =
            "SELECT number, seq, data FROM index_block WHERE space_id = ?1 AND kind = ?2 ORDER BY number";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query((self.stored(space.0), set))?;
        let (mut next, mut position) = (0, None);
        while let Some(row) = rows.next()? {
            // Whatever another program wrote there: no number, and so no block of this set.
            let number = |column| row.get_ref(column).map(|value| value.as_i64().ok());
            let seq = number(1)?;
            if number(0)? != Some(next) || seq.is_none() || (next > 0 && seq != position) {
                return Ok(false);
            }
            position = seq;
            if is_seal(row.get_ref(2), next) {
                return Ok(rows.next()?.is_none());
            }
            next += 1;
            if each(row.get_ref(2)?.as_blob().unwrap_or_default()).is_break() {
                return Ok(false);
            }
        }
        Ok(false)
    }
}

impl<C: Deref<Target = Connection>> SqliteTx<'_, C> {
    /// Sets of blocks that no search uses, in words. O(blocks).
    pub(super) fn unusable_blocks(&self) -> Result<Vec<String>, Error> {
        let sql = format!(
            "SELECT DISTINCT space_id, kind FROM index_block{} ORDER BY space_id, kind",
            self.reach.only("space_id")
        );
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let Ok(kind) = row.get_ref(1)?.as_str() else {
                found.push("blocks of an index without a name".to_owned());
                continue;
            };
            let space = SpaceId(self.row(row.get(0)?));
            let is_whole = self.blocks_of(space, kind, &mut |_| ControlFlow::Continue(()))?;
            if !is_whole && self.is_under_way(space, kind)? {
                continue;
            }
            if !is_whole {
                found.push(format!("the blocks of {kind} of space {} are not whole", space.0));
            } else if self.seal_of(space, kind)?.is_none() {
                found
                    .push(format!("the blocks of {kind} of space {} are of no position of the log", space.0));
            }
        }
        Ok(found)
    }
}

impl<C: Deref<Target = Connection>> SqliteTx<'_, C> {
    /// Whether a set has no seal because it is being written, or was replaced and is being dropped. One that was left so
    /// goes with the next that is written.
    fn is_under_way(&self, space: SpaceId, set: &str) -> Result<bool, Error> {
        let sql = "SELECT number, data FROM index_block WHERE space_id = ?1 AND kind = ?2
                   ORDER BY number DESC LIMIT 1";
        let sealed = self.connection.prepare_cached(sql)?.query_row((self.stored(space.0), set), |row| {
            Ok(row.get_ref(0)?.as_i64().is_ok_and(|number| is_seal(row.get_ref(1), number)))
        })?;
        let kind = set.split_once('/').map(|(kind, _)| kind);
        Ok(!sealed && (kind.is_some() || self.sealed_set(space, set)?.is_some()))
    }
}

fn is_seal(data: rusqlite::Result<ValueRef<'_>>, blocks: i64) -> bool {
    data.is_ok_and(|data| data.as_blob().is_ok_and(|data| data == seal(blocks)))
}

impl WriteBlocks for SqliteWriteTx<'_> {
    fn replace_index_blocks(
        &mut self,
        space: SpaceId,
        kind: &str,
        position: LogPosition,
        blocks: &mut dyn Iterator<Item = Vec<u8>>,
    ) -> Result<(), Error> {
        self.drop_index_blocks(space, kind)?;
        let mut count = 0;
        for data in blocks {
            self.put_index_block(space, kind, count, position, &data)?;
            count += 1;
        }
        self.seal_index_blocks(space, kind, count, position)
    }

    fn put_index_block(
        &mut self,
        space: SpaceId,
        kind: &str,
        number: usize,
        position: LogPosition,
        data: &[u8],
    ) -> Result<(), Error> {
        if !position.same_history(self.position()?) {
            return Err(Error::OutOfRange {
                field: "position",
                expected: "one of the file's present history",
                got: format!("{} of another", position.number()),
            });
        }
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO index_block (space_id, kind, number, seq, data) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        statement.execute((self.stored(space.0), kind, number as i64, position.number(), data))?;
        Ok(())
    }

    fn seal_index_blocks(
        &mut self,
        space: SpaceId,
        kind: &str,
        count: usize,
        position: LogPosition,
    ) -> Result<(), Error> {
        self.put_index_block(space, kind, count, position, &seal(count as i64))
    }

    fn drop_index_blocks(&mut self, space: SpaceId, kind: &str) -> Result<(), Error> {
        for set in self.block_sets(space, kind)? {
            self.connection
                .prepare_cached("DELETE FROM index_block WHERE space_id = ?1 AND kind = ?2")?
                .execute((self.stored(space.0), set))?;
        }
        Ok(())
    }

    fn drop_index_blocks_of_kind(&mut self, kind: &str) -> Result<(), Error> {
        // With the sets that are being written; '0' comes right after '/'.
        let sql = format!(
            "DELETE FROM index_block WHERE (kind = ?1 OR kind > ?1 || '/' AND kind < ?1 || '0'){}",
            self.reach.and("space_id")
        );
        self.connection.prepare_cached(&sql)?.execute([kind])?;
        Ok(())
    }

    fn drop_all_index_blocks(&mut self) -> Result<(), Error> {
        let sql = format!("DELETE FROM index_block{}", self.reach.only("space_id"));
        self.connection.prepare_cached(&sql)?.execute([])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::store::{ReadBlocks, ReadChanges, WriteBlocks, WriteSpaces};
    use std::ops::ControlFlow;

    use crate::{LogPosition, SqliteStore, StoreOptions};

    #[test]
    fn a_set_with_anything_missing_is_not_whole() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("a.db"), &StoreOptions::default()).unwrap();
        let mut tx = store.begin_write().unwrap();
        let space = tx.ensure_active_space("test", 2).unwrap().id;
        let position = tx.position().unwrap();
        tx.finish().unwrap();
        let read = || {
            let tx = store.begin_read().unwrap();
            let mut blocks = Vec::new();
            let whole = tx.each_index_block(space, "kind", &mut |data| {
                blocks.push(data.to_vec());
                ControlFlow::Continue(())
            });
            let position = tx.index_position(space, "kind").unwrap();
            (position.map(LogPosition::number), whole.unwrap(), blocks.len())
        };
        let lay_by = |count: u8| {
            let mut tx = store.begin_write().unwrap();
            tx.replace_index_blocks(space, "kind", position, &mut (0..count).map(|n| vec![n; 10])).unwrap();
            tx.finish().unwrap();
        };
        assert_eq!(read(), (None, false, 0), "nothing there");
        for count in [0, 1, 3] {
            lay_by(count);
            assert_eq!(read(), (Some(position.number()), true, usize::from(count)));
        }
        for damage in [
            "DELETE FROM index_block WHERE number = 0",
            "DELETE FROM index_block WHERE number = 1",
            "DELETE FROM index_block WHERE number = 2",
            "DELETE FROM index_block WHERE number = 3",
            "DELETE FROM index_block WHERE number >= 2",
            "UPDATE index_block SET seq = 6 WHERE number = 0",
            "UPDATE index_block SET seq = 6 WHERE number = 2",
            "UPDATE index_block SET seq = 'six' WHERE number = 1",
            "UPDATE index_block SET number = 9 WHERE number = 1",
            // A seal for fewer blocks than were written.
            "DELETE FROM index_block WHERE number < 3; UPDATE index_block SET number = 0",
            "DELETE FROM index_block WHERE number = 2; UPDATE index_block SET number = 2 WHERE number = 3",
            "UPDATE index_block SET data = x'524b4c5345414c01' WHERE number = 3",
            // Of a position that the log never had.
            "UPDATE index_block SET seq = 9223372036854775807",
            "UPDATE index_block SET seq = seq + 1",
            "UPDATE index_block SET seq = -1",
            "UPDATE index_block SET seq = 'six'",
        ] {
            lay_by(3);
            let tx = store.begin_write().unwrap();
            tx.connection().execute_batch(damage).unwrap();
            assert!(tx.connection().changes() > 0, "{damage}");
            tx.finish().unwrap();
            let (position, whole, _) = read();
            assert!(position.is_none() || !whole, "{damage}");
        }
    }

    #[test]
    fn what_was_made_in_another_history_is_not_persisted() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("a.db"), &StoreOptions::default()).unwrap();
        let mut tx = store.begin_write().unwrap();
        let space = tx.ensure_active_space("test", 2).unwrap().id;
        tx.finish().unwrap();
        let before = store.begin_read().unwrap().position().unwrap();
        store.compact().unwrap();
        let mut tx = store.begin_write().unwrap();
        let refused =
            tx.replace_index_blocks(space, "kind", before, &mut std::iter::once(vec![1])).unwrap_err();
        assert!(matches!(refused, crate::Error::OutOfRange { field: "position", .. }), "{refused}");
        let now = tx.position().unwrap();
        tx.replace_index_blocks(space, "kind", now, &mut std::iter::once(vec![1])).unwrap();
    }
}
