//! Entries that wait to be moved into a segment: the rows of `word_pending`.

use rusqlite::Connection;

use crate::Error;
use crate::sqlite::reach::Reach;

/// How many entries wait, and how many characters they have, counted up to so many entries.
pub(super) fn count(connection: &Connection, reach: Reach, most: usize) -> Result<(usize, f64), Error> {
    let sql = format!(
        "SELECT count(*), total(characters) FROM (SELECT characters FROM word_pending{} LIMIT ?1)",
        reach.only("entry_id")
    );
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    Ok(connection.prepare_cached(&sql)?.query_row([most], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Row numbers of the first entries that wait after `after`: at most so many, and no more once they hold so many characters.
pub(super) fn batch(
    connection: &Connection,
    reach: Reach,
    after: i64,
    entries: usize,
    characters: i64,
) -> Result<Vec<i64>, Error> {
    let ours = reach.and("entry_id");
    let sql = format!(
        "SELECT entry_id, characters FROM word_pending WHERE entry_id > ?1{ours} ORDER BY entry_id LIMIT ?2"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows =
        statement.query((reach.stored_after(after), i64::try_from(entries).unwrap_or(i64::MAX)))?;
    let (mut batch, mut held) = (Vec::new(), 0_i64);
    while held < characters
        && let Some(row) = rows.next()?
    {
        batch.push(reach.row(row.get(0)?));
        held = held.saturating_add(row.get_ref(1)?.as_i64().unwrap_or_default());
    }
    Ok(batch)
}

/// All entries that wait, in order, each with the position of its newest change: one that has the same position as before is
/// as it was. O(entries that wait).
pub(super) fn with_changes(connection: &Connection, reach: Reach) -> Result<Vec<(i64, Option<i64>)>, Error> {
    let sql = format!(
        "SELECT word_pending.entry_id, change.seq FROM word_pending
         LEFT JOIN change ON change.entry_id = word_pending.entry_id{} ORDER BY word_pending.entry_id",
        reach.only("word_pending.entry_id")
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([], |row| Ok((reach.row(row.get(0)?), row.get_ref(1)?.as_i64().ok())))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// These entries, the first that wait after `after`, wait no longer.
pub(super) fn done(connection: &Connection, reach: Reach, after: i64, last: i64) -> Result<(), Error> {
    let sql =
        format!("DELETE FROM word_pending WHERE entry_id > ?1 AND entry_id <= ?2{}", reach.and("entry_id"));
    connection.prepare_cached(&sql)?.execute((reach.stored_after(after), reach.stored_after(last)))?;
    Ok(())
}

/// Every entry waits, and no other.
pub(super) fn all(connection: &Connection, reach: Reach) -> Result<(), Error> {
    connection.execute_batch(&format!(
        "DELETE FROM word_pending{};
         INSERT INTO word_pending (entry_id, characters) SELECT id,
             length(title) + length(content) + length(tags) + ifnull(length(context), 0) FROM entry{}",
        reach.only("entry_id"),
        reach.only("id")
    ))?;
    Ok(())
}
