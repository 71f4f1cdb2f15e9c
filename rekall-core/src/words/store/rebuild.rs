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
/// vectors.
pub(crate) fn mark_long_entries(
    connection: &Connection,
) -> impl FnMut(i64, usize) -> Result<(), Error> + use<'_> {
    |row, passages| {
        if passages > 1 {
            let sql = "INSERT OR IGNORE INTO pending (entry_id) VALUES (?1)";
            connection.prepare_cached(sql)?.execute([row])?;
        }
        Ok(())
    }
}
