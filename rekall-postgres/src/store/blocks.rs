//! Blocks that an index has persisted, so that the next process need not read every vector.
//!
//! A set of blocks has the numbers 0, 1, 2 … without a gap, and after the last of them a *seal*, which says how many they
//! are. A kind of index has one sealed set; another one may be written beside it, under a name of its own
//! ([`IndexBlockWriter`](super::block_writer::IndexBlockWriter)).

use std::ops::ControlFlow;

use rekall_core::engine::seal;
use rekall_core::store::{ReadBlocks, WriteBlocks};
use rekall_core::{Error, LogPosition, SpaceId};
use tokio_postgres::Row;

use super::tx::{Tx, column};
use super::values::{bytes, int, limit, text};

/// The sets of a kind: the kind itself, and the kind with `/` and something after it; '0' comes right after '/'.
const OF_KIND: &str = "(kind = $2 OR kind > $2 || '/' AND kind < $2 || '0')";

/// All sets of a kind, sealed or not. A seal has 16 bytes: blocks are not read for it.
pub(super) const BLOCK_SETS: &str =
    "SELECT DISTINCT ON (kind) kind, number, seq, CASE WHEN octet_length(data) = 16 THEN data END
    FROM index_block WHERE space_id = $1 AND (kind = $2 OR kind > $2 || '/' AND kind < $2 || '0')
    ORDER BY kind, number DESC";

/// A set of blocks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BlockSet {
    pub(super) name: String,
    /// The number of the position that its seal names; `None` without one, or for an impossible one.
    pub(super) sealed_at: Option<i64>,
}

impl ReadBlocks for Tx<'_> {
    fn index_position(&self, space: SpaceId, kind: &str) -> Result<Option<LogPosition>, Error> {
        let number = self.sealed_set(space, kind)?.map(|(_, number)| number);
        number.map(|number| Ok(LogPosition::new(self.log_position()?.incarnation(), number))).transpose()
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

impl Tx<'_> {
    /// The newest sealed set of a kind, by name, and the number of its position.
    pub(super) fn sealed_set(&self, space: SpaceId, kind: &str) -> Result<Option<(String, i64)>, Error> {
        Ok(newest_sealed(self.block_sets(space, kind)?))
    }

    /// As [`index_position`](ReadBlocks::index_position), from the rows of [`BLOCK_SETS`].
    pub(super) fn index_position_in(&self, rows: &[Row]) -> Result<Option<LogPosition>, Error> {
        let sealed = newest_sealed(self.block_sets_in(rows)?);
        sealed.map(|(_, number)| Ok(LogPosition::new(self.log_position()?.incarnation(), number))).transpose()
    }

    /// All sets of a kind, sealed or not. One round trip.
    pub(super) fn block_sets(&self, space: SpaceId, kind: &str) -> Result<Vec<BlockSet>, Error> {
        let of_space = self.scope().stored_space(space);
        let values = [int(&of_space), text(&kind)];
        self.block_sets_in(&self.query(BLOCK_SETS, &values)?)
    }

    fn block_sets_in(&self, rows: &[Row]) -> Result<Vec<BlockSet>, Error> {
        let now = self.log_position()?.number();
        let set = |row| {
            let (number, position): (i64, i64) = (column(row, 1)?, column(row, 2)?);
            let sealed =
                column::<Option<&[u8]>>(row, 3)? == Some(&seal(number)) && (0..=now).contains(&position);
            Ok(BlockSet { name: column(row, 0)?, sealed_at: sealed.then_some(position) })
        };
        rows.iter().map(set).collect()
    }

    fn blocks_of(
        &self,
        space: SpaceId,
        set: &str,
        each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<bool, Error> {
        let sql =
            "SELECT number, seq, data FROM index_block WHERE space_id = $1 AND kind = $2 ORDER BY number";
        // What was found by the last row: `None` while nothing is decided.
        let (mut next, mut position, mut whole) = (0, None, None);
        self.for_each(sql, &[int(&self.scope().stored_space(space)), text(&set)], |row| {
            let (number, seq, data): (i64, i64, &[u8]) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            match whole {
                // Something comes after the seal.
                Some(true) => whole = Some(false),
                Some(false) => {}
                None if number != next || position.is_some_and(|position| position != seq) => {
                    whole = Some(false)
                }
                None if data == seal(next) => whole = Some(true),
                None => {
                    if each(data).is_break() {
                        whole = Some(false);
                    }
                }
            }
            (next, position) = (next + 1, Some(seq));
            Ok(())
        })?;
        Ok(whole == Some(true))
    }
}

fn newest_sealed(sets: Vec<BlockSet>) -> Option<(String, i64)> {
    let sealed = sets.into_iter().filter_map(|set| Some((set.name, set.sealed_at?)));
    sealed.max_by_key(|(_, at)| *at)
}

impl WriteBlocks for Tx<'_> {
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
        let now = self.log_position()?;
        if !position.same_history(now) {
            return Err(Error::OutOfRange {
                field: "position",
                expected: "one of the file's present history",
                got: format!("{} of another", position.number()),
            });
        }
        let sql = "INSERT INTO index_block (space_id, kind, number, seq, data) VALUES ($1, $2, $3, $4, $5)";
        let (space, number, at) = (self.scope().stored_space(space), limit(number), position.number());
        self.execute(sql, &[int(&space), text(&kind), int(&number), int(&at), bytes(&data)])?;
        // Blocks are not part of the log.
        self.know_position(now);
        Ok(())
    }

    fn seal_index_blocks(
        &mut self,
        space: SpaceId,
        kind: &str,
        count: usize,
        position: LogPosition,
    ) -> Result<(), Error> {
        self.put_index_block(space, kind, count, position, &seal(limit(count)))
    }

    fn drop_index_blocks(&mut self, space: SpaceId, kind: &str) -> Result<(), Error> {
        let sql = format!("DELETE FROM index_block WHERE space_id = $1 AND {OF_KIND}");
        self.execute(&sql, &[int(&self.scope().stored_space(space)), text(&kind)]).map(drop)
    }

    fn drop_index_blocks_of_kind(&mut self, kind: &str) -> Result<(), Error> {
        let sql = format!(
            "DELETE FROM index_block WHERE {} AND (kind = $1 OR kind > $1 || '/' AND kind < $1 || '0')",
            self.scope().range("space_id")
        );
        self.execute(&sql, &[text(&kind)]).map(drop)
    }

    fn drop_all_index_blocks(&mut self) -> Result<(), Error> {
        let sql = format!("DELETE FROM index_block WHERE {}", self.scope().range("space_id"));
        self.execute(&sql, &[]).map(drop)
    }
}
