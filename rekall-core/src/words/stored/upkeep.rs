//! What each commit does for the word index.

use super::{WordIndex, WordTables, erase, merge, persist::persist};
use crate::{Error, ErrorKind};

/// From so many entries on, those that wait are moved into a segment: a search reads them itself until then, some
/// milliseconds once in each process.
const ENTRIES_DUE: usize = 256;

/// The same, in characters.
const CHARACTERS_DUE: f64 = 1e6;

/// Before the commit of every write: erases the words of what the transaction changed or deleted (`secure_delete`), and
/// moves the entries that wait into a segment when there are many. Costs a look at those that wait when nothing is due.
///
/// # Errors
/// What the engine fails with.
pub fn words_before_commit(index: &WordIndex<'_>, erases: bool) -> Result<(), Error> {
    if erases {
        erase::erase_waiting(index)?;
    }
    let (entries, characters) = index.tables.count_waiting(ENTRIES_DUE)?;
    if entries < ENTRIES_DUE && characters < CHARACTERS_DUE {
        return Ok(());
    }
    let written = persist(index.tables, index.tables.new_words(), &mut |_, _| Ok(()))?;
    merge_some(index.tables, written)
}

/// Merges for as long as the entries that were moved justify. What is damaged is not merged, and no reason not to write.
fn merge_some(tables: &dyn WordTables, written: usize) -> Result<(), Error> {
    tables.begin_attempt()?;
    match merge::work(tables, written) {
        Ok(()) => tables.end_attempt(),
        Err(error) if error.kind() == ErrorKind::Corrupt && tables.undo_attempt()? => {
            tracing::warn!(%error, "the word index was not merged");
            Ok(())
        }
        Err(error) => Err(error),
    }
}
