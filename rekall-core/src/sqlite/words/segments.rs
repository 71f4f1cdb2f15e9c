//! The rows of `word_segment`.

use rusqlite::{Connection, OptionalExtension};

use crate::Error;
use crate::sqlite::reach::{Numbered, Reach, next_number};
use crate::words::stored::{NewWordSegment, SegmentState, WordSegment};

/// The segments in a state, from the oldest to the newest. A few small reads: there are few, and what is in them is not read.
pub(super) fn in_state(
    connection: &Connection,
    reach: Reach,
    state: SegmentState,
) -> Result<Vec<WordSegment>, Error> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT id, oldest, newest, passages, pages FROM word_segment WHERE state = ?1{} ORDER BY newest, id",
        reach.and("id")
    ))?;
    let segments = statement.query_map([state.name()], |row| {
        let number = |column| Ok::<i64, rusqlite::Error>(row.get_ref(column)?.as_i64().unwrap_or_default());
        let count = |column| Ok::<u64, rusqlite::Error>(u64::try_from(number(column)?).unwrap_or_default());
        Ok(WordSegment {
            id: reach.row(row.get(0)?),
            oldest: number(1)?,
            newest: number(2)?,
            passages: count(3)?,
            pages: count(4)?,
        })
    })?;
    Ok(segments.collect::<Result<_, _>>()?)
}

/// The table of a segment's passages, as it stands in the file; empty: the segment is not there.
pub(super) fn table(connection: &Connection, segment: i64) -> Result<Vec<u8>, Error> {
    let mut statement = connection.prepare_cached("SELECT docs FROM word_segment WHERE id = ?1")?;
    let docs = statement
        .query_row([segment], |row| Ok(row.get_ref(0)?.as_bytes().unwrap_or_default().to_vec()))
        .optional()?;
    Ok(docs.unwrap_or_default())
}

/// Number of pages that the segment has.
pub(super) fn count_pages(connection: &Connection, segment: i64) -> Result<u64, Error> {
    let sql = "SELECT count(*) FROM word_page WHERE segment_id = ?1";
    Ok(connection.prepare_cached(sql)?.query_row([segment], |row| row.get(0))?)
}

/// Adds a segment's row, and gives its id.
pub(super) fn insert(
    connection: &Connection,
    reach: Reach,
    segment: &NewWordSegment<'_>,
) -> Result<i64, Error> {
    let (oldest, newest) = match segment.range {
        Some(range) => range,
        None => {
            let sql = format!("SELECT ifnull(max(newest), 0) + 1 FROM word_segment{}", reach.only("id"));
            let next: i64 = connection.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
            (next, next)
        }
    };
    let number = next_number(connection, reach, Numbered::Segment)?;
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let (passages, pages) = (count(segment.passages), count(segment.pages));
    connection
        .prepare_cached(
            "INSERT INTO word_segment (id, state, oldest, newest, passages, pages, docs)
             VALUES (?7, ?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((segment.state.name(), oldest, newest, passages, pages, segment.table, number))?;
    Ok(reach.row(connection.last_insert_rowid()))
}

pub(super) fn set_state(connection: &Connection, segment: i64, state: SegmentState) -> Result<(), Error> {
    connection
        .prepare_cached("UPDATE word_segment SET state = ?2 WHERE id = ?1")?
        .execute((segment, state.name()))?;
    Ok(())
}

/// A segment of which every page is written is searched from now on.
pub(super) fn finish(connection: &Connection, segment: i64) -> Result<(), Error> {
    let sql = "UPDATE word_segment SET state = 'ready',
        pages = (SELECT count(*) FROM word_page WHERE segment_id = word_segment.id) WHERE id = ?1";
    connection.prepare_cached(sql)?.execute([segment])?;
    Ok(())
}

/// Deletes up to so many pages of a segment, and the segment itself when none is left; how many there were.
pub(super) fn delete(connection: &Connection, segment: i64, pages: usize) -> Result<usize, Error> {
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

/// Deletes all segments, and all pages.
pub(super) fn delete_all(connection: &Connection, reach: Reach) -> Result<(), Error> {
    let (pages, segments) = (reach.only("segment_id"), reach.only("id"));
    Ok(connection
        .execute_batch(&format!("DELETE FROM word_page{pages}; DELETE FROM word_segment{segments};"))?)
}
