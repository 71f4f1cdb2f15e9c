//! What a transaction took out of the file, derived from what SQLite did.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use rusqlite::hooks::Action;

use crate::Error;

/// Rows removed since the watch began, also by triggers, by foreign keys, and inside of FTS5. No operation has to report
/// what it removes, so none can forget to.
///
/// SQLite calls the hook for each changed row of a table with row numbers, but not for a `DELETE` without a condition on a
/// table without triggers, nor for a row that `INSERT OR REPLACE` replaces. The tables watched here are safe from both:
/// `embedding` has triggers, and FTS5 empties `entry_fts_docsize` as a whole only to rebuild the index, which leaves nothing
/// to purge; nothing in this crate replaces rows.
#[derive(Debug, Default)]
pub(crate) struct Removals {
    words: AtomicBool,
    vectors: AtomicBool,
}

impl Removals {
    /// Watches the connection from now on, in place of an earlier watch. Costs a function call a changed row.
    pub(crate) fn watch(connection: &mut Connection) -> Result<Arc<Self>, Error> {
        let removals = Arc::new(Self::default());
        let seen = Arc::clone(&removals);
        let hook = move |action, _: &str, table: &str, _| seen.note(action, table);
        connection.update_hook(Some(hook))?;
        Ok(removals)
    }

    fn note(&self, action: Action, table: &str) {
        match (table, action) {
            // FTS5 keeps a row here for each text that it indexes, and deletes it with the text's words.
            ("entry_fts_docsize", Action::SQLITE_DELETE) => self.words.store(true, Ordering::Relaxed),
            ("embedding", Action::SQLITE_DELETE | Action::SQLITE_UPDATE) => {
                self.vectors.store(true, Ordering::Relaxed);
            }
            _ => {}
        }
    }

    /// Whether words left the full-text index.
    pub(crate) fn words(&self) -> bool {
        self.words.load(Ordering::Relaxed)
    }

    /// Whether vectors were deleted or overwritten.
    pub(crate) fn vectors(&self) -> bool {
        self.vectors.load(Ordering::Relaxed)
    }
}
