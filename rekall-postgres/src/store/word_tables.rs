//! The tables of the word index. What is done with them is the library's, and the same as in a file.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use rekall_core::engine::{
    NewWordSegment, NewWords, SegmentState, StoredText, WordPage, WordSegment, WordTables,
};
use rekall_core::{Error, LogPosition};
use tokio_postgres::Row;

use super::scope::{Numbering, Scope};
use super::tx::{Tx, column};
use super::values::{byte_lists, bytes, int, ints, limit, text};

/// Pages that are read with the one that is asked for, where they are read one after the other.
const READ_AHEAD: i64 = 16;

/// Entries whose texts are read in one round trip.
const TEXTS_AT_ONCE: usize = 256;

/// The pages at these terms in these segments. Most terms lie in a page with others.
const PAGES_AT: &str = "SELECT page.segment_id, page.first_term, page.docs, page.places
    FROM (SELECT DISTINCT segment.id, nearest.first_term
        FROM unnest($1::bigint[]) AS segment (id) CROSS JOIN unnest($2::bytea[]) AS wanted (term)
        CROSS JOIN LATERAL (SELECT first_term FROM word_page WHERE segment_id = segment.id AND first_term <= wanted.term
            ORDER BY first_term DESC LIMIT 1) AS nearest) AS found
    JOIN word_page AS page ON page.segment_id = found.id AND page.first_term = found.first_term";

/// Asks for the segments that are searched.
pub(super) fn ready_segments(scope: Scope) -> String {
    segments_in(scope, SegmentState::Ready)
}

fn segments_in(scope: Scope, state: SegmentState) -> String {
    let (name, of_scope) = (state.name(), scope.range("id"));
    format!(
        "SELECT id, oldest, newest, passages, pages FROM word_segment WHERE state = '{name}' AND {of_scope}
        ORDER BY newest, id"
    )
}

/// The tables, by a transaction.
pub(super) struct Words<'t, 's>(pub(super) &'t Tx<'s>);

impl Words<'_, '_> {
    fn scope(&self) -> Scope {
        self.0.scope()
    }
}

impl WordTables for Words<'_, '_> {
    fn position(&self) -> Result<LogPosition, Error> {
        self.0.log_position()
    }

    fn segments(&self, state: SegmentState) -> Result<Vec<WordSegment>, Error> {
        let segment = |row: &Row| {
            let count = |at| Ok::<_, Error>(u64::try_from(column::<i64>(row, at)?).unwrap_or_default());
            let (id, oldest, newest) = (self.scope().row(column(row, 0)?), column(row, 1)?, column(row, 2)?);
            Ok(WordSegment { id, oldest, newest, passages: count(3)?, pages: count(4)? })
        };
        match self.0.learned_segments() {
            Some(rows) if state == SegmentState::Ready => rows.iter().map(segment).collect(),
            _ => {
                let sql = segments_in(self.scope(), state);
                self.0.query(&sql, &[])?.iter().map(segment).collect()
            }
        }
    }

    fn tables(&self, segments: &[i64]) -> Result<Vec<Vec<u8>>, Error> {
        if segments.is_empty() {
            return Ok(Vec::new());
        }
        let segments = self.scope().stored_all(segments);
        let rows =
            self.0.query("SELECT id, docs FROM word_segment WHERE id = ANY ($1)", &[ints(&segments)])?;
        let mut found: HashMap<i64, Vec<u8>> =
            rows.iter().map(|row| Ok((column(row, 0)?, column(row, 1)?))).collect::<Result<_, Error>>()?;
        Ok(segments.iter().map(|segment| found.remove(segment).unwrap_or_default()).collect())
    }

    fn count_pages(&self, segments: &[i64]) -> Result<Vec<u64>, Error> {
        let sql = "SELECT segment.id, (SELECT count(*) FROM word_page WHERE segment_id = segment.id)
            FROM unnest($1::bigint[]) AS segment (id)";
        let stored = self.scope().stored_all(segments);
        let rows = self.0.query(sql, &[ints(&stored)])?;
        let found: HashMap<i64, i64> =
            rows.iter().map(|row| Ok((column(row, 0)?, column(row, 1)?))).collect::<Result<_, Error>>()?;
        Ok(stored.iter().map(|segment| found.get(segment).map_or(0, |pages| pages.unsigned_abs())).collect())
    }

    fn page_at(&self, segment: i64, term: &[u8]) -> Result<Option<WordPage>, Error> {
        let sql = "SELECT first_term, docs, places FROM word_page WHERE segment_id = $1 AND first_term <= $2
            ORDER BY first_term DESC LIMIT 1";
        let segment = self.scope().stored(segment);
        self.0.query_opt(sql, &[int(&segment), bytes(&term)])?.map(|row| page(&row, 0)).transpose()
    }

    fn pages_after(&self, segment: i64, term: &[u8]) -> Result<Vec<WordPage>, Error> {
        let sql = "SELECT first_term, docs, places FROM word_page WHERE segment_id = $1 AND first_term > $2
            ORDER BY first_term LIMIT $3";
        let segment = self.scope().stored(segment);
        let rows = self.0.query(sql, &[int(&segment), bytes(&term), int(&READ_AHEAD)])?;
        rows.iter().map(|row| page(row, 0)).collect()
    }

    fn last_page(&self, segment: i64) -> Result<Option<WordPage>, Error> {
        let sql = "SELECT first_term, docs, places FROM word_page WHERE segment_id = $1
            ORDER BY first_term DESC LIMIT 1";
        let segment = self.scope().stored(segment);
        self.0.query_opt(sql, &[int(&segment)])?.map(|row| page(&row, 0)).transpose()
    }

    fn pages_at(&self, segments: &[i64], terms: &[&[u8]]) -> Result<Option<Vec<(i64, WordPage)>>, Error> {
        if segments.is_empty() || terms.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let segments = self.scope().stored_all(segments);
        let rows = self.0.query(PAGES_AT, &[ints(&segments), byte_lists(&terms)])?;
        let pages = rows.iter().map(|row| Ok((self.scope().row(column(row, 0)?), page(row, 1)?)));
        Ok(Some(pages.collect::<Result<_, Error>>()?))
    }

    fn waiting(&self) -> Result<Vec<(i64, Option<i64>)>, Error> {
        let sql = format!(
            "SELECT entry_id, change.seq FROM word_pending LEFT JOIN change USING (entry_id) WHERE {} ORDER BY entry_id",
            self.scope().range("entry_id")
        );
        let rows = self.0.query(&sql, &[])?;
        rows.iter().map(|row| Ok((self.scope().row(column(row, 0)?), column(row, 1)?))).collect()
    }

    fn texts(
        &self,
        rows: &[i64],
        each: &mut dyn FnMut(i64, Option<StoredText>) -> Result<ControlFlow<()>, Error>,
    ) -> Result<(), Error> {
        let sql = "SELECT given.id, entry.id IS NOT NULL, title, content, tags, context
            FROM unnest($1::bigint[]) WITH ORDINALITY AS given (id, number) LEFT JOIN entry USING (id) ORDER BY number";
        let mut hand_on = |found: &[Row]| {
            for row in found {
                let stored = match column(row, 1)? {
                    true => Some(StoredText::new(
                        column(row, 2)?,
                        column(row, 3)?,
                        column(row, 4)?,
                        column(row, 5)?,
                    )),
                    false => None,
                };
                if each(self.scope().row(column(row, 0)?), stored)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok::<_, Error>(ControlFlow::Continue(()))
        };
        // While the server reads the next ones, those before are handed on.
        let mut found = Vec::new();
        for rows in rows.chunks(TEXTS_AT_ONCE) {
            let stored = self.scope().stored_all(rows);
            let (next, handed_on) = self.0.query_while(sql, &[ints(&stored)], || hand_on(&found))?;
            if handed_on?.is_break() {
                return Ok(());
            }
            found = next;
        }
        hand_on(&found).map(drop)
    }

    fn new_words(&self) -> Option<NewWords> {
        self.0.kept_words()
    }

    fn count_waiting(&self, most: usize) -> Result<(usize, f64), Error> {
        let sql = format!(
            "SELECT count(*), coalesce(sum(characters), 0)::float8
            FROM (SELECT characters FROM word_pending WHERE {} LIMIT $1) AS first",
            self.scope().range("entry_id")
        );
        let row = self.0.query_one(&sql, &[int(&limit(most))])?;
        Ok((usize::try_from(column::<i64>(&row, 0)?).unwrap_or_default(), column(&row, 1)?))
    }

    fn waiting_after(&self, after: i64, entries: usize, characters: i64) -> Result<Vec<i64>, Error> {
        // Those that the ones before leave room for.
        let sql = format!(
            "SELECT entry_id FROM (
                SELECT entry_id, sum(characters) OVER (ORDER BY entry_id) - characters AS before
                FROM (SELECT entry_id, characters FROM word_pending WHERE {} ORDER BY entry_id LIMIT $2) AS next
            ) AS summed WHERE before < $3::bigint ORDER BY entry_id",
            self.scope().after("entry_id", "$1")
        );
        let after = self.scope().stored_after(after);
        self.0.rows_in(&self.0.query(&sql, &[int(&after), int(&limit(entries)), int(&characters)])?)
    }

    fn wait_no_longer(&self, after: i64, last: i64) -> Result<(), Error> {
        let sql = "DELETE FROM word_pending WHERE entry_id > $1 AND entry_id <= $2";
        let (after, last) = (self.scope().stored_after(after), self.scope().stored_after(last));
        self.0.execute_beside_the_log(sql, &[int(&after), int(&last)]).map(drop)
    }

    fn let_all_wait(&self) -> Result<(), Error> {
        let (of_waiting, of_entry) = (self.scope().range("entry_id"), self.scope().range("id"));
        self.0.execute_beside_the_log(&format!("DELETE FROM word_pending WHERE {of_waiting}"), &[])?;
        let sql = format!(
            "INSERT INTO word_pending (entry_id, characters) SELECT id,
            length(title) + length(content) + length(tags) + coalesce(length(context), 0) FROM entry WHERE {of_entry}"
        );
        self.0.execute_beside_the_log(&sql, &[]).map(drop)
    }

    fn insert_segment(&self, segment: &NewWordSegment<'_>) -> Result<i64, Error> {
        let of_scope = self.scope().range("id");
        let next = format!("SELECT coalesce(max(newest), 0) + 1 FROM word_segment WHERE {of_scope}");
        let Numbering { with, column: id, overriding, value, from } =
            self.scope().numbering("segments", "1", "1");
        let sql = format!(
            "{with}INSERT INTO word_segment ({id}state, oldest, newest, passages, pages, docs)
             {overriding}SELECT {value}new.* FROM {from}(
                VALUES ($1, coalesce($2, ({next})), coalesce($3, ({next})), $4, $5, $6)) AS new RETURNING id"
        );
        let (oldest, newest) = segment.range.unzip();
        let (passages, pages) = (limit(segment.passages), limit(segment.pages));
        let (name, table) = (segment.state.name(), segment.table);
        let values = [text(&name), int(&oldest), int(&newest), int(&passages), int(&pages), bytes(&table)];
        Ok(self.scope().row(column(&self.0.query_one(&sql, &values)?, 0)?))
    }

    fn write_pages(&self, segment: i64, pages: &[WordPage]) -> Result<(), Error> {
        if pages.is_empty() {
            return Ok(());
        }
        let terms: Vec<&[u8]> = pages.iter().map(|page| &*page.first_term).collect();
        let docs: Vec<&[u8]> = pages.iter().map(|page| &*page.docs).collect();
        let places: Vec<&[u8]> = pages.iter().map(|page| &*page.places).collect();
        let sql = "INSERT INTO word_page (segment_id, first_term, docs, places)
            SELECT $1, * FROM unnest($2::bytea[], $3::bytea[], $4::bytea[])";
        let segment = self.scope().stored(segment);
        let values = [int(&segment), byte_lists(&terms), byte_lists(&docs), byte_lists(&places)];
        self.0.execute_beside_the_log(sql, &values).map(drop)
    }

    fn set_state(&self, segment: i64, state: SegmentState) -> Result<(), Error> {
        let sql = "UPDATE word_segment SET state = $2 WHERE id = $1";
        let segment = self.scope().stored(segment);
        self.0.execute_beside_the_log(sql, &[int(&segment), text(&state.name())]).map(drop)
    }

    fn finish_segment(&self, segment: i64) -> Result<(), Error> {
        let sql = "UPDATE word_segment SET state = 'ready',
            pages = (SELECT count(*) FROM word_page WHERE segment_id = $1) WHERE id = $1";
        let segment = self.scope().stored(segment);
        self.0.execute_beside_the_log(sql, &[int(&segment)]).map(drop)
    }

    fn delete_pages(&self, segment: i64, most: usize) -> Result<usize, Error> {
        let sql = "DELETE FROM word_page WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM word_page WHERE segment_id = $1 LIMIT $2))";
        let segment = self.scope().stored(segment);
        let deleted = self.0.execute_beside_the_log(sql, &[int(&segment), int(&limit(most))])?;
        let deleted = usize::try_from(deleted).unwrap_or(usize::MAX);
        if deleted < most {
            let sql = "DELETE FROM word_segment WHERE id = $1";
            self.0.execute_beside_the_log(sql, &[int(&segment)])?;
        }
        Ok(deleted)
    }

    fn delete_segments(&self) -> Result<(), Error> {
        for (table, column) in [("word_page", "segment_id"), ("word_segment", "id")] {
            let sql = format!("DELETE FROM {table} WHERE {}", self.scope().range(column));
            self.0.execute_beside_the_log(&sql, &[])?;
        }
        Ok(())
    }

    fn begin_attempt(&self) -> Result<(), Error> {
        self.0.batch("SAVEPOINT words")
    }

    fn end_attempt(&self) -> Result<(), Error> {
        self.0.batch("RELEASE SAVEPOINT words")
    }

    fn undo_attempt(&self) -> Result<bool, Error> {
        if self.0.has_failed() {
            return Ok(false);
        }
        self.0.batch("ROLLBACK TO SAVEPOINT words; RELEASE SAVEPOINT words")?;
        Ok(true)
    }
}

/// A page, from three columns.
fn page(row: &Row, first: usize) -> Result<WordPage, Error> {
    let bytes = |at| Ok::<Arc<[u8]>, Error>(column::<&[u8]>(row, at)?.into());
    Ok(WordPage { first_term: bytes(first)?, docs: bytes(first + 1)?, places: bytes(first + 2)? })
}
