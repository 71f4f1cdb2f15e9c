//! Writing a set of index blocks in short transactions, beside the set that is in use.

use super::{SqliteStore, SqliteWriteTx};
use crate::BlockWriter;
use crate::Error;
use crate::id::random;
use crate::store::ReadChanges;
use crate::store::ReadSpaces;
use crate::store::WriteBlocks;
use crate::store::{LogPosition, Space, SpaceId};

/// Blocks dropped in one transaction: some megabytes.
const DROPPED_AT_ONCE: usize = 8;

/// A set of index blocks under way.
#[derive(Debug)]
pub(super) struct IndexBlockWriter<'s> {
    store: &'s SqliteStore,
    space: Space,
    kind: &'static str,
    /// Random, so that a process which begins a set at the same time writes another one.
    set: String,
    position: LogPosition,
    count: usize,
}

impl SqliteStore {
    /// Begins a set of blocks that stand for `position`, for the active space. `None`: another space is active, an older
    /// state was put into the file since, or another process has begun a set less than `patience` changes of the log before, and is left to it; with a patience
    /// of 0 the other one's is dropped.
    ///
    /// As [`begin_index_blocks`](crate::Store::begin_index_blocks).
    pub(super) fn begin_block_set(
        &self,
        space: &Space,
        kind: &'static str,
        position: LogPosition,
        patience: i64,
    ) -> Result<Option<IndexBlockWriter<'_>>, Error> {
        let tx = self.begin_read()?;
        if tx.active_space()?.as_ref() != Some(space) || !position.same_history(tx.position()?) {
            return Ok(None);
        }
        let number = position.number();
        let in_use = tx.sealed_set(space.id, kind)?.map(|(set, _)| set);
        let mut others = tx.block_sets(space.id, kind)?;
        others.retain(|set| Some(set) != in_use.as_ref());
        for set in &others {
            if tx.begun_at(space.id, set)?.is_some_and(|begun| (number - patience..=number).contains(&begun))
                && patience > 0
            {
                return Ok(None);
            }
        }
        drop(tx);
        for set in others {
            self.drop_block_set(space.id, kind, &set)?;
        }
        let set = format!("{kind}/{:016x}", random(64)?);
        Ok(Some(IndexBlockWriter { store: self, space: space.clone(), kind, set, position, count: 0 }))
    }

    /// Drops a set that no process reads, some blocks a transaction. A set that its writer has sealed since is in use, and stays.
    fn drop_block_set(&self, space: SpaceId, kind: &str, set: &str) -> Result<(), Error> {
        loop {
            let tx = self.begin_write()?;
            if tx.sealed_set(space, kind)?.is_some_and(|(in_use, _)| in_use == set) {
                return Ok(());
            }
            // A seal goes first: what is left never passes for a whole set.
            let dropped = tx
                .connection
                .prepare_cached(
                    "DELETE FROM index_block WHERE rowid IN (SELECT rowid FROM index_block
                         WHERE space_id = ?1 AND kind = ?2 ORDER BY number DESC LIMIT ?3)",
                )?
                .execute((tx.stored(space.0), set, DROPPED_AT_ONCE as i64))?;
            tx.finish()?;
            if dropped < DROPPED_AT_ONCE {
                return Ok(());
            }
        }
    }
}

impl<C: std::ops::Deref<Target = rusqlite::Connection>> super::SqliteTx<'_, C> {
    /// The position that an unsealed set is written for.
    fn begun_at(&self, space: SpaceId, set: &str) -> Result<Option<i64>, Error> {
        let sql = "SELECT max(CAST(seq AS INTEGER)) FROM index_block WHERE space_id = ?1 AND kind = ?2";
        Ok(self.connection.prepare_cached(sql)?.query_row((self.stored(space.0), set), |row| row.get(0))?)
    }
}

impl BlockWriter for IndexBlockWriter<'_> {
    fn put(&mut self, data: &[u8]) -> Result<bool, Error> {
        let Some(mut tx) = self.begin()? else { return Ok(false) };
        tx.put_index_block(self.space.id, &self.set, self.count, self.position, data)?;
        tx.finish()?;
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
            tx.connection
                .prepare_cached(
                    "DELETE FROM index_block WHERE space_id = ?1 AND kind = ?2 AND number =
                         (SELECT max(number) FROM index_block WHERE space_id = ?1 AND kind = ?2)",
                )?
                .execute((tx.stored(self.space.id.0), set))?;
        }
        tx.finish()?;
        if let Some((set, _)) = &in_use {
            self.store.drop_block_set(self.space.id, self.kind, set)?;
        }
        Ok(true)
    }
}

impl IndexBlockWriter<'_> {
    /// A transaction in which the set is as this writer left it.
    fn begin(&self) -> Result<Option<SqliteWriteTx<'_>>, Error> {
        let tx = self.store.begin_write()?;
        let count: i64 = tx
            .connection
            .prepare_cached("SELECT count(*) FROM index_block WHERE space_id = ?1 AND kind = ?2")?
            .query_row((tx.stored(self.space.id.0), &self.set), |row| row.get(0))?;
        let is_ours = usize::try_from(count).is_ok_and(|count| count == self.count)
            && tx.active_space()?.as_ref() == Some(&self.space)
            && self.position.same_history(tx.position()?);
        Ok(is_ours.then_some(tx))
    }
}

#[cfg(test)]
mod tests {
    use crate::store::ReadBlocks;
    use crate::store::Store;
    use crate::store::WriteSpaces;
    use std::ops::ControlFlow;

    use super::*;
    use crate::StoreOptions;

    const KIND: &str = "kind";

    /// A file whose log has come to some position.
    fn file() -> (tempfile::TempDir, SqliteStore, Space, [LogPosition; 3]) {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("a.db"), &StoreOptions::default()).unwrap();
        let mut tx = store.begin_write().unwrap();
        let space = tx.ensure_active_space("test", 2).unwrap();
        tx.connection().execute("INSERT INTO change (seq, entry_id) VALUES (1000, 7)", []).unwrap();
        tx.finish().unwrap();
        let at =
            [1000, 999, 998].map(|number| store.begin_read().unwrap().position_numbered(number).unwrap());
        (folder, store, space, at)
    }

    fn read(store: &SqliteStore, space: &Space) -> Option<(LogPosition, Vec<u8>)> {
        let tx = store.begin_read().unwrap();
        let position = tx.index_position(space.id, KIND).unwrap()?;
        let mut bytes = Vec::new();
        let whole = tx.each_index_block(space.id, KIND, &mut |data| {
            bytes.extend_from_slice(data);
            ControlFlow::Continue(())
        });
        assert!(whole.unwrap());
        Some((position, bytes))
    }

    fn count(store: &SqliteStore) -> i64 {
        let tx = store.begin_read().unwrap();
        tx.connection().query_row("SELECT count(*) FROM index_block", [], |row| row.get(0)).unwrap()
    }

    fn lay_by(store: &SqliteStore, space: &Space, position: LogPosition, bytes: &[u8]) -> bool {
        let mut writer = store.begin_index_blocks(space, KIND, position, 0).unwrap().unwrap();
        bytes.iter().all(|byte| writer.put(&[*byte]).unwrap()) && writer.finish().unwrap()
    }

    #[test]
    fn the_set_in_use_stays_until_the_new_one_is_whole() {
        let (_folder, store, space, [_, earlier, first_of_all]) = file();
        assert!(lay_by(&store, &space, first_of_all, b"old"));
        let mut writer = store.begin_index_blocks(&space, KIND, earlier, 0).unwrap().unwrap();
        for (put, byte) in b"newer".iter().enumerate() {
            assert_eq!(read(&store, &space), Some((first_of_all, b"old".to_vec())), "after {put} blocks");
            assert!(writer.put(&[*byte]).unwrap());
            // Other writers come in between.
            store.begin_write().unwrap().finish().unwrap();
        }
        assert!(writer.finish().unwrap());
        assert_eq!(read(&store, &space), Some((earlier, b"newer".to_vec())));
        assert_eq!(count(&store), 6, "five blocks and a seal");
    }

    #[test]
    fn what_was_left_half_done_goes_with_the_next_one() {
        let (_folder, store, space, [now, ..]) = file();
        let mut killed = store.begin_index_blocks(&space, KIND, now, 0).unwrap().unwrap();
        for _ in 0..30 {
            killed.put(b"x").unwrap();
        }
        assert_eq!(read(&store, &space), None);
        assert!(lay_by(&store, &space, now, b"ab"));
        assert_eq!(read(&store, &space), Some((now, b"ab".to_vec())));
        assert_eq!(count(&store), 3);
        // It was not killed, only slow: it notices.
        assert!(!killed.put(b"x").unwrap());
        assert!(!killed.finish().unwrap());
        assert_eq!(count(&store), 3);
    }

    #[test]
    fn who_comes_second_gives_way_unless_the_first_is_long_gone() {
        let (_folder, store, space, [now, ..]) = file();
        let far =
            [100, 95].map(|back| store.begin_read().unwrap().position_numbered(now.number() - back).unwrap());
        let mut first = store.begin_index_blocks(&space, KIND, far[0], 10).unwrap().unwrap();
        first.put(b"x").unwrap();
        assert!(store.begin_index_blocks(&space, KIND, far[1], 10).unwrap().is_none());
        let mut second = store.begin_index_blocks(&space, KIND, now, 10).unwrap().unwrap();
        assert!(second.put(b"y").unwrap());
        assert!(!first.put(b"x").unwrap());
        assert!(second.finish().unwrap());
    }

    #[test]
    fn an_older_set_does_not_take_the_place_of_a_newer_one() {
        let (_folder, store, space, [now, earlier, _]) = file();
        let mut old = store.begin_index_blocks(&space, KIND, earlier, 10).unwrap().unwrap();
        let mut new = store.begin_index_blocks(&space, KIND, now, 10).unwrap().unwrap();
        assert!(old.put(b"o").unwrap() && new.put(b"n").unwrap());
        assert!(new.finish().unwrap());
        assert!(!old.finish().unwrap());
        assert_eq!(read(&store, &space), Some((now, b"n".to_vec())));
    }

    #[test]
    fn a_set_that_was_sealed_since_somebody_meant_to_drop_it_stays() {
        let (_folder, store, space, [now, ..]) = file();
        let mut writer = store.begin_block_set(&space, KIND, now, 0).unwrap().unwrap();
        let blocks = vec![b'x'; 2 * DROPPED_AT_ONCE];
        assert!(blocks.iter().all(|block| writer.put(&[*block]).unwrap()));
        let set = writer.set.clone();
        assert!(Box::new(writer).finish().unwrap());
        store.drop_block_set(space.id, KIND, &set).unwrap();
        assert_eq!(read(&store, &space), Some((now, blocks)));
    }

    #[test]
    fn another_space_ends_it() {
        let (_folder, store, space, [now, ..]) = file();
        let mut writer = store.begin_index_blocks(&space, KIND, now, 0).unwrap().unwrap();
        assert!(writer.put(b"x").unwrap());
        let mut tx = store.begin_write().unwrap();
        let other = tx.add_space("other", 2, crate::SpaceState::Building).unwrap();
        tx.activate_space(other.id).unwrap();
        tx.finish().unwrap();
        assert!(!writer.put(b"x").unwrap());
        assert!(!writer.finish().unwrap());
        assert!(store.begin_index_blocks(&space, KIND, now, 0).unwrap().is_none());
    }

    #[test]
    fn another_history_of_the_file_ends_it() {
        let (_folder, store, space, [now, ..]) = file();
        let mut writer = store.begin_index_blocks(&space, KIND, now, 0).unwrap().unwrap();
        assert!(writer.put(b"x").unwrap());
        // As a restored copy does.
        store.compact().unwrap();
        assert!(!writer.put(b"x").unwrap());
        assert!(!writer.finish().unwrap());
        assert!(store.begin_index_blocks(&space, KIND, now, 0).unwrap().is_none());
    }
}
