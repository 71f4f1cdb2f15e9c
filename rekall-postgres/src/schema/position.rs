//! Moments of the change log.

use rekall_core::{LogPosition, TextDigest};
use tokio_postgres::Row;

use crate::Error;

/// Asks for the log's position. The two columns are for [`position`].
///
/// The number is that of the newest row, which is never removed. What surrounds it names the life of the memory: the tables' files are
/// other ones after they were restored from a copy, cut to nothing or compacted, and the server's life is another one after it was
/// put back to an earlier moment. An ordinary write changes none of that.
pub(crate) const POSITION: &str = "SELECT coalesce((SELECT max(seq) FROM change), 0),
        concat_ws(' ', (SELECT value FROM meta WHERE key = 'life'), server_life(),
            pg_relation_filenode('entry'), pg_relation_filenode('embedding'), pg_relation_filenode('change'))";

/// Reads it.
///
/// # Errors
/// [`Error::Corrupt`] for columns of another kind.
pub(crate) fn position(row: &Row) -> Result<LogPosition, Error> {
    let (number, life): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
    // Six bytes: hosts may keep it as a number of JavaScript's.
    Ok(LogPosition::new(number_of(&life), number))
}

/// A number that stands for a text: six bytes, because hosts may keep it as a number of JavaScript's.
pub(crate) fn number_of(text: &str) -> i64 {
    let digest = TextDigest::of(text);
    digest.as_bytes()[..6].iter().fold(0, |number, &byte| number << 8 | i64::from(byte))
}
