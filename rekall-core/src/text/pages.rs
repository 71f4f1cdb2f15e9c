//! Whether a search by words finds every page of the full-text index.
//!
//! FTS5 keeps sorted words in *segments* of numbered pages (`entry_fts_data`), the list of segments in row 10 there, and in
//! `entry_fts_idx` the first word of each page but the first: a word is looked up there. Pages that are not listed are not
//! searched, without a word from SQLite. <https://sqlite.org/fts5.html#fts5_data_structures>

use rusqlite::{Connection, OptionalExtension};

use super::averages::{Averages, varint};
use crate::Error;

/// Row of the list of segments.
const LIST: i64 = 10;

/// Marks a list in which more is said of each segment.
const LONG_LIST: [u8; 4] = [0xff, 0, 0, 1];

/// Bits of a page's number, and how far a segment's number stands to the left of them in the row's.
const PAGE_BITS: u32 = 31;
const SEGMENT_SHIFT: u32 = PAGE_BITS + 6;

/// A segment: its number, first and last page.
#[derive(Debug, PartialEq, Eq)]
struct Segment {
    number: i64,
    first: i64,
    last: i64,
}

/// What a search by words misses, seen at a glance: O(segments), and a count of the entries. `None`: nothing.
pub(crate) fn glance(connection: &Connection, entries: u64) -> Result<Option<String>, Error> {
    let indexed = Averages::read(connection)?.map(|averages| averages.rows);
    // An index that never held anything says nothing.
    if indexed.unwrap_or(0) != entries {
        let indexed = indexed.map_or_else(|| "an unknown number".to_owned(), |rows| rows.to_string());
        return Ok(Some(format!("{indexed} of {entries} entries are in the index of words")));
    }
    let Some(segments) = segments(connection)? else { return Ok(Some(UNREADABLE.to_owned())) };
    let listed = "SELECT EXISTS (SELECT 1 FROM entry_fts_idx WHERE segid = ?1)";
    for segment in segments.iter().filter(|segment| segment.last > segment.first) {
        if !connection.prepare_cached(listed)?.query_row([segment.number], |row| row.get(0))? {
            return Ok(Some("pages of the index of words are not listed".to_owned()));
        }
    }
    Ok(None)
}

const UNREADABLE: &str = "the list of the index's parts cannot be read";

/// What is wrong with the lists of pages. O(pages of the index).
pub(crate) fn faults(connection: &Connection) -> Result<Vec<String>, Error> {
    let Some(segments) = segments(connection)? else { return Ok(vec![UNREADABLE.to_owned()]) };
    let mut found = Vec::new();
    for Segment { number, first, last } in segments {
        let mut statement =
            connection.prepare_cached("SELECT pgno >> 1 FROM entry_fts_idx WHERE segid = ?1 ORDER BY 1")?;
        let listed: Vec<i64> = statement.query_map([number], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut statement = connection.prepare_cached(
            "SELECT id, length(block), substr(block, 3, 2) FROM entry_fts_data WHERE id BETWEEN ?1 AND ?2",
        )?;
        let row = |page: i64| number << SEGMENT_SHIFT | page;
        let (mut pages, mut unlisted) = (0, 0);
        let mut rows = statement.query((row(first), row(last)))?;
        while let Some(found) = rows.next()? {
            let page = found.get::<_, i64>(0)? & ((1 << PAGE_BITS) - 1);
            pages += 1;
            // After the words it says where each of them begins, if a word begins on this page at all.
            let words_end = match found.get_ref(2)?.as_blob() {
                Ok(&[high, low]) => i64::from(u16::from_be_bytes([high, low])),
                _ => 0,
            };
            let begins_words = words_end < found.get::<_, i64>(1)?;
            if page > first && begins_words && listed.binary_search(&page).is_err() {
                unlisted += 1;
            }
        }
        if pages != last - first + 1 {
            found.push(format!(
                "part {number} of the index must have {} pages, got {pages}",
                last - first + 1
            ));
        }
        if unlisted > 0 {
            found.push(format!("{unlisted} pages of part {number} of the index are not listed"));
        }
    }
    Ok(found)
}

fn segments(connection: &Connection) -> Result<Option<Vec<Segment>>, Error> {
    let mut statement = connection.prepare_cached("SELECT block FROM entry_fts_data WHERE id = ?1")?;
    let list = statement.query_row([LIST], |row| Ok(row.get_ref(0)?.as_blob().ok().and_then(parse)));
    Ok(list.optional()?.flatten())
}

/// The list: a cookie of four bytes, then varints.
fn parse(list: &[u8]) -> Option<Vec<Segment>> {
    let (_, rest) = list.split_at_checked(4)?;
    let (is_long, mut rest) = match rest.strip_prefix(&LONG_LIST) {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let mut next = || {
        let (number, length) = varint(rest)?;
        rest = &rest[length..];
        Some(number)
    };
    let (levels, count) = (next()?, next()?);
    // The number of writes so far.
    next()?;
    let mut segments = Vec::new();
    for _ in 0..levels {
        // How many of them are being merged.
        next()?;
        for _ in 0..next()? {
            let [number, first, last] = [next()?, next()?, next()?].map(i64::try_from);
            let segment = Segment { number: number.ok()?, first: first.ok()?, last: last.ok()? };
            let in_range =
                segment.number < 1 << 16 && segment.first <= segment.last && segment.last < 1 << PAGE_BITS;
            if !in_range {
                return None;
            }
            for _ in 0..if is_long { 5 } else { 0 } {
                next()?;
            }
            // One that is merged away whole has no page left.
            if segment.first > 0 {
                segments.push(segment);
            } else if segment.last > 0 {
                return None;
            }
        }
    }
    (segments.len() as u64 <= count).then_some(segments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_as_fts5_writes_it() {
        let segment = |number, first, last| Segment { number, first, last };
        // Two levels, the first with one segment, the second with two, of which one has no page left.
        let list = [0, 0, 0, 9, 2, 3, 200, 0, 1, 5, 1, 0x81, 0x00, 0, 2, 6, 1, 1, 7, 0, 0];
        assert_eq!(parse(&list), None, "200 goes on in the next byte");
        let list = [0, 0, 0, 9, 2, 3, 20, 0, 1, 5, 1, 0x81, 0x00, 0, 2, 6, 1, 1, 7, 0, 0];
        assert_eq!(parse(&list), Some(vec![segment(5, 1, 128), segment(6, 1, 1)]));
        let long = [0, 0, 0, 9, 0xff, 0, 0, 1, 1, 1, 20, 0, 1, 5, 1, 2, 0, 0, 0, 0, 0];
        assert_eq!(parse(&long), Some(vec![segment(5, 1, 2)]));
        for length in 0..list.len() {
            assert_eq!(parse(&list[..length]), None);
        }
        assert_eq!(parse(&[0, 0, 0, 9, 1, 1, 20, 0, 1, 5, 3, 2]), None, "backwards");
        // Counts without pages to support them are not believed.
        assert_eq!(parse(&[0, 0, 0, 9, 0xff, 0xff, 0xff, 0x7f, 1, 20, 0, 0]), None);
    }

    #[test]
    fn pages_that_are_not_listed_are_noticed() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE VIRTUAL TABLE entry_fts USING fts5 (title);
                 INSERT INTO entry_fts (entry_fts, rank) VALUES ('pgsz', 64);
                 WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
                     INSERT INTO entry_fts (title) SELECT printf('w%d x%d all', i, i % 9) FROM n;",
            )
            .unwrap();
        let sound = |entries| {
            (glance(&connection, entries).unwrap().is_none(), faults(&connection).unwrap().is_empty())
        };
        assert_eq!(sound(500), (true, true));
        assert_eq!(sound(499), (false, true));
        for (change, times) in [
            ("DELETE FROM entry_fts WHERE rowid % 3 = 0", 1),
            // Parts that are half merged lack their first pages.
            ("INSERT INTO entry_fts (entry_fts, rank) VALUES ('merge', -3)", 1),
            ("INSERT INTO entry_fts (entry_fts, rank) VALUES ('merge', 3)", 40),
            ("INSERT INTO entry_fts (entry_fts) VALUES ('optimize')", 1),
        ] {
            for _ in 0..times {
                connection.execute_batch(change).unwrap();
                assert_eq!(sound(334), (true, true), "{change}");
            }
        }
        for (damage, at_a_glance) in [
            ("DELETE FROM entry_fts_idx WHERE pgno = (SELECT max(pgno) FROM entry_fts_idx)", false),
            ("DELETE FROM entry_fts_idx", true),
            ("UPDATE entry_fts_idx SET segid = segid + 1", true),
            (
                "DELETE FROM entry_fts_data WHERE id = (SELECT max(id) FROM entry_fts_data WHERE id >> 36 & 1 = 0)",
                false,
            ),
            ("DELETE FROM entry_fts_data WHERE id = 10", true),
            ("UPDATE entry_fts_data SET block = x'00000000ffffffff7f' WHERE id = 10", true),
        ] {
            connection.execute_batch(&format!("SAVEPOINT damage; {damage}")).unwrap();
            assert_eq!(sound(334), (!at_a_glance, false), "{damage}");
            connection.execute_batch("ROLLBACK TO damage; RELEASE damage").unwrap();
        }
    }
}
