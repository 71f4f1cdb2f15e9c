//! The whole word index, made again from the entries.

use rusqlite::Connection;

use super::{pending, persist::persist};
use crate::Error;

/// Makes the index of a file whose tables are empty, or of one that has none worth keeping. Memory is bounded; O(file). `each`
/// is called with the row number of each entry and the number of its passages.
pub(crate) fn from_entries(
    connection: &Connection,
    each: &mut dyn FnMut(i64, usize) -> Result<(), Error>,
) -> Result<(), Error> {
    connection.execute_batch("DELETE FROM word_page; DELETE FROM word_segment;")?;
    pending::all(connection)?;
    persist(connection, each)?;
    Ok(())
}

/// For a file of an older version, whose vectors are of other passages: marks entries longer than one as waiting for
/// vectors. A host's own vectors stand for whole entries, and nobody here could make others.
pub(crate) fn mark_long_entries(
    connection: &Connection,
) -> Result<impl FnMut(i64, usize) -> Result<(), Error> + use<'_>, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM space WHERE state = 'active' AND fingerprint LIKE 'external;%')";
    let are_the_hosts: bool = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(move |row, passages| {
        if passages > 1 && !are_the_hosts {
            let sql = "INSERT OR IGNORE INTO pending (entry_id) VALUES (?1)";
            connection.prepare_cached(sql)?.execute([row])?;
        }
        Ok(())
    })
}
