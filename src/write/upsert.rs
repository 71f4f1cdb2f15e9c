//! Remembering an entry, or changing the one that has its key.

use std::borrow::Borrow;

use rekall_core::Error as CoreError;
use serde::Serialize;
use serde_json::Value;

use super::MAX_ATTEMPTS;
use super::batch::Batch;
use crate::long_call::Watch;
use crate::{EntryId, EntryPatch, Error, NewEntry, Rekall};

/// What [`Rekall::upsert`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct Upserted {
    /// The entry.
    pub id: EntryId,
    /// Whether it is new; otherwise it was there, and says now what was given.
    pub is_new: bool,
}

impl Rekall {
    /// Remembers an entry, or changes the one that has its key, in one transaction. The key is what the
    /// entry's metadata has under `field`, a text or a number: the path of a file, say, or the number of a
    /// ticket.
    ///
    /// An entry that is there says afterwards what the one given says, and nothing else: title, content,
    /// kind, project, tags, confidence, memory type, context and metadata. It keeps its id, status, links and
    /// the time when it was made ([`NewEntry::id`] and [`NewEntry::created_at`] count for a new one only).
    /// Only texts that changed are embedded. Entries of any status are looked for.
    ///
    /// When several threads or processes do this with one key at once, one of them remembers the entry and
    /// the others change it. Cost: besides that of the writing, a look at the metadata of every entry, which
    /// are not indexed. Where files have many entries and this is done often, an id of the host's own
    /// ([`NewEntry::id`]) is found at once.
    ///
    /// ```
    /// # use rekall::{NewEntry, Rekall};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let note = |text: &str| NewEntry::new("Notes").content(text).metadata("path", "notes/today.md");
    /// let first = rekall.upsert("path", note("Buy milk"))?;
    /// let second = rekall.upsert("path", note("Buy milk and bread"))?;
    /// assert!(first.is_new && !second.is_new && first.id == second.id);
    /// assert_eq!(rekall.get(first.id)?.content, "Buy milk and bread");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::UpsertKey`] for an entry without a key; [`Error::AmbiguousKey`] when several entries have it;
    /// [`Error::Core`], an [unreadable entry](CoreError::UnreadableEntry), when an entry's metadata cannot be
    /// read: it may have the key. As [`remember`](Self::remember) and [`update`](Self::update) otherwise.
    /// Nothing is written then.
    pub fn upsert(&self, field: &str, entry: impl Borrow<NewEntry>) -> Result<Upserted, Error> {
        let entry = entry.borrow();
        entry.validate()?;
        let key = match entry.metadata.get(field) {
            Some(key @ (Value::String(_) | Value::Number(_))) => key,
            _ => return Err(Error::UpsertKey { field: field.to_owned() }),
        };
        let own = match entry.id {
            Some(id) => id,
            None => self.new_id()?,
        };
        for _ in 0..MAX_ATTEMPTS {
            let (position, found) = {
                let tx = self.store.read()?;
                (tx.position()?, only(field, &tx.ids_with_metadata(field, key)?)?)
            };
            let mut batch = Batch::new();
            match found {
                Some(id) => batch.update(id, EntryPatch::from(entry.clone())),
                None => batch.remember(own, entry.clone()),
            };
            let applied = self.apply_if(&batch, &mut Watch::default(), |tx| {
                // While nothing was written, nobody else got the key.
                Ok(tx.position()? == position || only(field, &tx.ids_with_metadata(field, key)?)? == found)
            });
            match applied.map_err(of_one) {
                Ok(Some(())) => return Ok(Upserted { id: found.unwrap_or(own), is_new: found.is_none() }),
                Ok(None) => {}
                // It was forgotten between the look and the work on its texts.
                Err(Error::Core(CoreError::EntryNotFound { id })) if Some(id) == found => {}
                Err(error) => return Err(error),
            }
        }
        Err(CoreError::Busy {
            detail: format!("others keep remembering and forgetting the key in {field:?}"),
        }
        .into())
    }
}

fn only(field: &str, ids: &[EntryId]) -> Result<Option<EntryId>, Error> {
    match ids {
        [] => Ok(None),
        [id] => Ok(Some(*id)),
        several => Err(Error::AmbiguousKey { field: field.to_owned(), entries: several.len() }),
    }
}

/// An error of the batch's only operation, without its number.
fn of_one(error: Error) -> Error {
    match error {
        Error::Operation { source, .. } => *source,
        other => other,
    }
}
