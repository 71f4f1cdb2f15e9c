//! Entries that are stored now and embedded later.

use rekall_core::{SpaceId, WriteTx};

use crate::event::Event;
use crate::{EntryId, Error, ErrorKind};

/// Why an entry has no vectors although the model was available.
const NO_KNOWN_WORD: &str = "it holds no word that the model knows";

/// What embedding came to.
pub(super) enum Embedding<T> {
    Made(T),
    /// What is wrong is the model and not the text, and may pass: the entry waits for vectors.
    Postponed {
        reason: String,
    },
}

impl<T> Embedding<T> {
    pub(super) fn of(result: Result<T, Error>) -> Result<Self, Error> {
        match result {
            Ok(made) => Ok(Self::Made(made)),
            Err(error) if is_the_models(&error) => Ok(Self::Postponed { reason: error.to_string() }),
            Err(error) => Err(error),
        }
    }
}

fn is_the_models(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::ModelUnavailable | ErrorKind::ModelMismatch)
}

/// Takes an entry's vectors away and marks it as waiting for new ones: those of a text that is gone would
/// answer for the new one. Without a space every entry waits, whether it is marked or not.
pub(super) fn postpone(tx: &mut dyn WriteTx, row: i64) -> Result<(), Error> {
    if let Some(space) = tx.active_space()? {
        tx.set_vectors(row, space.id, &[], &[])?;
        tx.mark_pending(row)?;
    }
    Ok(())
}

/// Marks an entry as one of which the model knows no word, and gives the event that says so.
pub(super) fn mark_unembeddable(
    tx: &mut dyn WriteTx,
    (id, row): (EntryId, i64),
    space: SpaceId,
) -> Result<Event, Error> {
    tx.mark_wordless(row, space)?;
    Ok(Event::NotEmbedded { id, reason: NO_KNOWN_WORD.to_owned() })
}
