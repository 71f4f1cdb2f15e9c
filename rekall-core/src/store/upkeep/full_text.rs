//! The full-text index against the entries.
//!
//! FTS5's own `integrity-check` compares them, too, but wants the write lock for it, does not work on a
//! read-only file, and does not say which entry differs.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use rusqlite::Connection;

use super::watched::Count;
use crate::Error;

/// Entries indexed once more at a time, in memory.
const BATCH: usize = 500;

/// Calls `differs` with the row number of each entry whose words in the index are not those of its text, and
/// of each row in the index that is no entry. Needs a transaction, writes to temporary tables only. Memory: 16
/// bytes an entry. Counts the entries.
pub(super) fn compare(
    connection: &Connection,
    count: &mut Count<'_>,
    mut differs: impl FnMut(i64),
) -> Result<(), Error> {
    connection.execute_batch(&format!(
        "CREATE VIRTUAL TABLE temp.stored_words USING fts5vocab ('main', 'entry_fts', 'instance');
         CREATE VIRTUAL TABLE temp.again USING fts5 (title, content, tags, context, content = '', {TOKENIZER});
         CREATE VIRTUAL TABLE temp.again_words USING fts5vocab ('temp', 'again', 'instance');"
    ))?;
    let mut stored = words(connection, "stored_words")?;
    let mut last = i64::MIN;
    loop {
        let batch = rows_after(connection, last)?;
        let Some(&highest) = batch.last() else { break };
        connection
            .prepare_cached(
                "INSERT INTO temp.again (rowid, title, content, tags, context)
                 SELECT id, title, content, tags, context FROM entry_text WHERE id > ?1 AND id <= ?2",
            )?
            .execute((last, highest))?;
        let again = words(connection, "again_words")?;
        count.add(batch.len() as u64)?;
        for row in batch {
            if stored.remove(&row) != again.get(&row).copied() {
                differs(row);
            }
        }
        connection.execute("INSERT INTO temp.again (again) VALUES ('delete-all')", [])?;
        last = highest;
    }
    let mut left: Vec<i64> = stored.into_keys().collect();
    left.sort_unstable();
    left.into_iter().for_each(differs);
    Ok(())
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

/// Makes the index anew from the entries.
pub(super) fn rebuild(connection: &Connection) -> Result<(), Error> {
    connection.execute("INSERT INTO entry_fts (entry_fts) VALUES ('rebuild')", [])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_told_apart_as_in_the_schema() {
        assert!(include_str!("../../schema.sql").contains(TOKENIZER));
    }
}
