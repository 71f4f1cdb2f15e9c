//! What a transaction took out of the file, derived from what SQLite did.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use rusqlite::hooks::Action;

use crate::Error;

/// Vectors removed since the watch began, also by triggers and by foreign keys. No operation has to report what it removes,
/// so none can forget to. Words need no watch: `word_pending` names the entries whose words are to leave the index.
///
/// SQLite calls the hook for each changed row of a table with row numbers, but not for a `DELETE` without a condition on a
/// table without triggers, nor for a row that `INSERT OR REPLACE` replaces. `embedding` is safe from both: it has triggers,
/// and nothing in this crate replaces rows.
#[derive(Debug, Default)]
pub(crate) struct Removals {
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
        if table == "embedding" && matches!(action, Action::SQLITE_DELETE | Action::SQLITE_UPDATE) {
            self.vectors.store(true, Ordering::Relaxed);
        }
    }

    /// Whether vectors were deleted or overwritten.
    pub(crate) fn vectors(&self) -> bool {
        self.vectors.load(Ordering::Relaxed)
    }
}
