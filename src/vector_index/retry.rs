//! Searching until a search has seen one moment: what to do when the file changed meanwhile, or the index proves damaged.

use rekall_core::LogPosition;
use rekall_index::Error as IndexError;

use super::keeper::VectorIndexKeeper;
use super::snapshot::Snapshot;
use super::stored_rows::is_stale;
use crate::retry::{Attempt, retry};
use crate::{CancelToken, Error};

/// How often a search may start over before it searches the rows themselves: in all, and while nothing is written at all. The
/// first bound is for writers who never pause, the second for what a new view does not mend.
const MAX_FAILURES: usize = 16;
const MAX_FAILURES_AT_REST: usize = 5;
/// Failures at rest up to which rows that cannot be read are left out of the index as it is.
const MAX_REREADS: usize = 4;

/// How often a search had to start over.
#[derive(Default)]
struct Failures {
    all: usize,
    /// Those at `position`.
    at_rest: usize,
    position: Option<LogPosition>,
}

impl Failures {
    fn count(&mut self, position: LogPosition) {
        self.all += 1;
        self.at_rest = if self.position == Some(position) { self.at_rest + 1 } else { 1 };
        self.position = Some(position);
    }

    fn are_too_many(&self, position: LogPosition) -> bool {
        self.all >= MAX_FAILURES || self.at_rest >= MAX_FAILURES_AT_REST && self.position == Some(position)
    }
}

impl VectorIndexKeeper {
    /// Searches over a consistent snapshot. Starts over when a row that the search wanted was changed meanwhile, without what
    /// is persisted in the file when that turns out to be damaged, and without a row that turns out to be. Ends in any case:
    /// when that does not help, the rows themselves are searched, in the snapshot's own transaction. The token stops
    /// the search's statements, in their middle; not the making of a view, which is of use to the next search.
    pub(crate) fn consistently<T>(
        &self,
        cancel: Option<&CancelToken>,
        search: impl FnMut(&Snapshot<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.consistently_from(None, cancel, search)
    }

    /// The same, beginning with this snapshot.
    pub(crate) fn consistently_from<T>(
        &self,
        mut first: Option<Snapshot<'_>>,
        cancel: Option<&CancelToken>,
        mut search: impl FnMut(&Snapshot<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        retry(Failures::default(), |mut failures| {
            let mut snapshot = first.take().map_or_else(|| self.snapshot(), Ok)?;
            snapshot.by_rows = failures.are_too_many(snapshot.view.position);
            if let Some(token) = cancel {
                snapshot.tx.stop_when(token.shared_flag())?;
            }
            let error = match search(&snapshot) {
                Err(Error::Index(error)) if !snapshot.by_rows => error,
                result => return result.map(Attempt::Done),
            };
            let Snapshot { view, tx, .. } = snapshot;
            drop(tx);
            failures.count(view.position);
            match error {
                error if is_stale(&error) => self.discard(&view),
                // What read it has remembered that it is damaged, so the next view does without.
                IndexError::Corrupt { .. } => self.discard(&view),
                IndexError::MissingRow { key } if failures.at_rest < MAX_REREADS => {
                    // Where there is a second one there may be hundreds: one look at all of them, or each would take a search.
                    self.reread(&view, key.entry, failures.at_rest > 1)?;
                }
                IndexError::MissingRow { .. } => {
                    // Rows that went without a trace in the log: everything is read again.
                    if let Some(space) = &view.space {
                        self.persistence.distrust(&self.file, space)?;
                    }
                    self.discard(&view);
                }
                error => return Err(error.into()),
            }
            Ok(Attempt::Outdated(failures))
        })
    }
}
