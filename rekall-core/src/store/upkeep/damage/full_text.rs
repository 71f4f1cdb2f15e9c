//! The full-text index against the entries.
//!
//! FTS5's own `integrity-check` compares them, too, but wants the write lock for it, does not work on a
//! read-only file, and does not say which entry differs.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use rusqlite::Connection;

use crate::Error;
use crate::store::forward::Forward;
use crate::store::upkeep::progress::Count;
use crate::text::averages::{Averages, numbers};
use crate::text::pages;

/// Entries indexed once more at a time, in memory.
const BATCH: usize = 500;

/// Something in which the index and the entries differ.
pub(super) struct Difference {
    /// Row number of an entry, or of a row in the index that is no entry; `None`: it is about the whole index.
    pub(super) row: Option<i64>,
    pub(super) detail: String,
}

/// Calls `differs` for each entry whose words in the index, or their number, are not those of its text, for each row in the
/// index that is no entry, and for what is wrong with the index itself. Needs a transaction, writes to temporary tables only.
/// Memory: 16 bytes an entry. Counts the entries.
pub(super) fn compare(
    connection: &Connection,
    count: &mut Count<'_>,
    mut differs: impl FnMut(Difference),
) -> Result<(), Error> {
    connection.execute_batch(&format!(
        "CREATE VIRTUAL TABLE temp.stored_words USING fts5vocab ('main', 'entry_fts', 'instance');
         CREATE VIRTUAL TABLE temp.again USING fts5 (title, content, tags, context, content = '', {TOKENIZER});
         CREATE VIRTUAL TABLE temp.again_words USING fts5vocab ('temp', 'again', 'instance');"
    ))?;
    let mut of = |row, detail: &str| differs(Difference { row, detail: detail.to_owned() });
    for fault in pages::faults(connection)? {
        of(None, &fault);
    }
    let mut stored = words(connection, "stored_words")?;
    let mut expected = Averages { rows: 0, tokens: vec![0; 4] };
    let mut walk = Forward::after("row numbers of entries", None);
    let mut last = i64::MIN;
    loop {
        let batch = rows_after(connection, last)?;
        batch.iter().try_for_each(|&row| walk.step(row))?;
        let Some(&highest) = batch.last() else { break };
        connection
            .prepare_cached(
                "INSERT INTO temp.again (rowid, title, content, tags, context)
                 SELECT id, title, content, tags, context FROM entry_text WHERE id > ?1 AND id <= ?2",
            )?
            .execute((last, highest))?;
        let again = words(connection, "again_words")?;
        let sizes = sizes(connection, "temp.again_docsize", last, highest)?;
        let mut stored_sizes = self::sizes(connection, "main.entry_fts_docsize", last, highest)?;
        count.add(batch.len() as u64)?;
        for row in batch {
            if stored.remove(&row) != again.get(&row).copied() {
                of(Some(row), "the full-text index does not say what the entry says");
            }
            let size = sizes.get(&row).map(Vec::as_slice).unwrap_or_default();
            if stored_sizes.remove(&row).as_deref() != Some(size) {
                of(Some(row), "the full-text index does not say how long the entry is");
            }
            expected.rows += 1;
            let tokens = numbers(size).unwrap_or_default();
            expected.tokens.iter_mut().zip(tokens).for_each(|(sum, tokens)| *sum += tokens);
        }
        stored_sizes
            .into_keys()
            .for_each(|row| of(Some(row), "the full-text index has a length of no entry"));
        connection.execute("INSERT INTO temp.again (again) VALUES ('delete-all')", [])?;
        last = highest;
    }
    let mut left: Vec<i64> = stored.into_keys().collect();
    left.sort_unstable();
    left.into_iter().for_each(|row| of(Some(row), "the full-text index has words of no entry"));
    sizes(connection, "main.entry_fts_docsize", last, i64::MAX)?
        .into_keys()
        .for_each(|row| of(Some(row), "the full-text index has a length of no entry"));
    // An index that never held anything has no record.
    let averages = Averages::read(connection)?.filter(|found| found.rows > 0 || !found.tokens.is_empty());
    if averages.as_ref() != Some(&expected) && (averages.is_some() || expected.rows > 0) {
        let found = averages
            .map_or_else(|| "nothing".to_owned(), |found| format!("{} {:?}", found.rows, found.tokens));
        of(
            None,
            &format!("the full-text index must count {} {:?}, got {found}", expected.rows, expected.tokens),
        );
    }
    Ok(())
}

/// How many words each column of each row above `low`, up to `high`, has, as FTS5 writes it.
fn sizes(connection: &Connection, table: &str, low: i64, high: i64) -> Result<HashMap<i64, Vec<u8>>, Error> {
    let sql = format!("SELECT id, sz FROM {table} WHERE id > ?1 AND id <= ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let sizes = statement.query_map((low, high), |row| {
        Ok((row.get(0)?, row.get_ref(1)?.as_bytes().unwrap_or_default().to_vec()))
    })?;
    Ok(sizes.collect::<Result<_, _>>()?)
}

/// As in the schema; a test compares.
const TOKENIZER: &str = "tokenize = 'porter unicode61 remove_diacritics 2'";

/// A sum over each row's words and their places.
fn words(connection: &Connection, table: &str) -> Result<HashMap<i64, u64>, Error> {
    let mut sums = HashMap::new();
    let mut statement =
        connection.prepare_cached(&format!("SELECT doc, term, col, offset FROM temp.{table}"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let mut hasher = DefaultHasher::new();
        row.get_ref(1)?.as_bytes().unwrap_or_default().hash(&mut hasher);
        row.get_ref(2)?.as_bytes().unwrap_or_default().hash(&mut hasher);
        row.get_ref(3)?.as_i64().unwrap_or_default().hash(&mut hasher);
        let sum: &mut u64 = sums.entry(row.get(0)?).or_default();
        *sum = sum.wrapping_add(hasher.finish());
    }
    Ok(sums)
}

fn rows_after(connection: &Connection, row: i64) -> Result<Vec<i64>, Error> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM entry WHERE id > ?1 ORDER BY id LIMIT ?2")?;
    let rows = statement.query_map((row, BATCH as i64), |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_told_apart_as_in_the_schema() {
        assert!(include_str!("../../../schema/schema.sql").contains(TOKENIZER));
    }
}
