//! The whole word index of a file, made again.

use rusqlite::Connection;

use super::SqliteWords;
use crate::Error;
use crate::sqlite::scopes;
use crate::words::stored::rebuild_words;

/// As [`rebuild_words`], of all memories of the file; `each` gets stored numbers of rows.
pub(crate) fn from_entries(
    connection: &Connection,
    each: &mut dyn FnMut(i64, usize) -> Result<(), Error>,
) -> Result<(), Error> {
    for reach in scopes::reaches(connection)? {
        let tables = SqliteWords::new(connection, reach);
        rebuild_words(&tables, &mut |row, passages| each(reach.stored(row), passages))?;
    }
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
