//! The whole word index, made again from the entries.

use super::WordTables;
use super::persist::persist;
use crate::Error;

/// Makes the index where its tables are empty, or hold nothing worth keeping. Memory is bounded; O(entries). `each` is called with the
/// row number of each entry and the number of its passages.
///
/// # Errors
/// What the engine or `each` fails with.
pub fn rebuild_words(
    tables: &dyn WordTables,
    each: &mut dyn FnMut(i64, usize) -> Result<(), Error>,
) -> Result<(), Error> {
    tables.delete_segments()?;
    tables.let_all_wait()?;
    persist(tables, None, each)?;
    Ok(())
}
