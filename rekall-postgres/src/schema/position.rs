//! Moments of the change log.

use rekall_core::{LogPosition, TextDigest};
use tokio_postgres::Row;

use crate::Error;

/// Asks for the log's position. The two columns are for [`position`].
///
/// What stands beside the number names the life of the memory: it is another one after tables were restored from a copy, cut to nothing
/// or compacted, and after the server was put back to an earlier moment. An ordinary write does not change it.
pub(crate) const POSITION: &str = "SELECT number, life FROM log_position()";

/// The same for a scope. Its own newest change gives the number, so a write in another scope is no news.
pub(crate) fn scope_position(scope: i64) -> String {
    format!("SELECT number, life FROM scope_position({scope})")
}

/// Reads it; `None`: the scope is not there.
///
/// # Errors
/// [`Error::Corrupt`] for columns of another kind.
pub(crate) fn position(row: &Row) -> Result<Option<LogPosition>, Error> {
    let Some(number) = row.try_get(0)? else { return Ok(None) };
    let life: String = row.try_get(1)?;
    Ok(Some(LogPosition::new(number_of(&life), number)))
}

/// A number that stands for a text: six bytes, because hosts may keep it as a number of JavaScript's.
pub(crate) fn number_of(text: &str) -> i64 {
    let digest = TextDigest::of(text);
    digest.as_bytes()[..6].iter().fold(0, |number, &byte| number << 8 | i64::from(byte))
}
