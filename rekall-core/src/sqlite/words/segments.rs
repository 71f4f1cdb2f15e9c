//! The rows of `word_segment`.

use rusqlite::{Connection, OptionalExtension};

use crate::Error;

/// A segment, without what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) id: i64,
    /// The first of the numbers that it stands for: of itself, or of the oldest of those that were merged into it.
    pub(crate) oldest: i64,
    /// The last of them. The greater, the newer: of two segments that name an entry the newer one is right.
    pub(crate) newest: i64,
    pub(crate) passages: u64,
    pub(crate) pages: u64,
}

/// What a segment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It is searched.
    Ready,
    /// It is being merged, see [`super::merge`].
    Building,
    /// It has been replaced, and is deleted piece by piece.
    Leaving,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Building => "building",
            Self::Leaving => "leaving",
        }
    }
}

/// The segments in a state, from the oldest to the newest. A few small reads: there are few, and what is in them is not read.
pub(crate) fn in_state(connection: &Connection, state: State) -> Result<Vec<Segment>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT id, oldest, newest, passages, pages FROM word_segment WHERE state = ?1 ORDER BY newest, id",
    )?;
    let segments = statement.query_map([state.name()], |row| {
        let number = |column| Ok::<i64, rusqlite::Error>(row.get_ref(column)?.as_i64().unwrap_or_default());
        let count = |column| Ok::<u64, rusqlite::Error>(u64::try_from(number(column)?).unwrap_or_default());
        Ok(Segment {
            id: row.get(0)?,
            oldest: number(1)?,
            newest: number(2)?,
            passages: count(3)?,
            pages: count(4)?,
        })
    })?;
    Ok(segments.collect::<Result<_, _>>()?)
}

/// The table of a segment's passages, as it stands in the file; `None`: the segment is not there.
pub(crate) fn docs(connection: &Connection, segment: i64) -> Result<Option<Vec<u8>>, Error> {
    let mut statement = connection.prepare_cached("SELECT docs FROM word_segment WHERE id = ?1")?;
    let docs = statement
        .query_row([segment], |row| Ok(row.get_ref(0)?.as_bytes().unwrap_or_default().to_vec()))
        .optional()?;
    Ok(docs)
}

/// Number of pages that the segment has.
pub(crate) fn count_pages(connection: &Connection, segment: i64) -> Result<u64, Error> {
    let sql = "SELECT count(*) FROM word_page WHERE segment_id = ?1";
    Ok(connection.prepare_cached(sql)?.query_row([segment], |row| row.get(0))?)
}

/// A segment that is to be added.
#[derive(Debug)]
pub(crate) struct NewSegment<'a> {
    pub(crate) state: State,
    /// The numbers that it stands for; `None`: it is the newest of all.
    pub(crate) range: Option<(i64, i64)>,
    pub(crate) passages: usize,
    /// Pages that it has, or will have.
    pub(crate) pages: usize,
    /// The table of its passages.
    pub(crate) docs: &'a [u8],
}

impl NewSegment<'_> {
    /// Adds its row, and gives its id. Its pages are written by the caller.
    pub(crate) fn insert(&self, connection: &Connection) -> Result<i64, Error> {
        let (oldest, newest) = match self.range {
            Some(range) => range,
            None => {
                let sql = "SELECT ifnull(max(newest), 0) + 1 FROM word_segment";
                let next: i64 = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
                (next, next)
            }
        };
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let (passages, pages) = (count(self.passages), count(self.pages));
        connection
            .prepare_cached(
                "INSERT INTO word_segment (state, oldest, newest, passages, pages, docs)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute((self.state.name(), oldest, newest, passages, pages, self.docs))?;
        Ok(connection.last_insert_rowid())
    }
}

pub(crate) fn set_state(connection: &Connection, segment: i64, state: State) -> Result<(), Error> {
    connection
        .prepare_cached("UPDATE word_segment SET state = ?2 WHERE id = ?1")?
        .execute((segment, state.name()))?;
    Ok(())
}

/// A segment of which every page is written is searched from now on.
pub(crate) fn finish(connection: &Connection, segment: i64) -> Result<(), Error> {
    let sql = "UPDATE word_segment SET state = 'ready',
        pages = (SELECT count(*) FROM word_page WHERE segment_id = word_segment.id) WHERE id = ?1";
    connection.prepare_cached(sql)?.execute([segment])?;
    Ok(())
}

/// Deletes up to so many pages of a segment, and the segment itself when none is left; how many there were.
pub(crate) fn delete(connection: &Connection, segment: i64, pages: usize) -> Result<usize, Error> {
    let deleted = connection
        .prepare_cached(
            "DELETE FROM word_page WHERE rowid IN
                 (SELECT rowid FROM word_page WHERE segment_id = ?1 LIMIT ?2)",
        )?
        .execute((segment, i64::try_from(pages).unwrap_or(i64::MAX)))?;
    if deleted == pages {
        return Ok(deleted);
    }
    connection.prepare_cached("DELETE FROM word_segment WHERE id = ?1")?.execute([segment])?;
    Ok(deleted)
}
