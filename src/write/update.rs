//! Changing an entry: only texts that changed are embedded.

use std::ops::ControlFlow;

use rekall_core::{LogPosition, NewVector, Space, SpaceId, StoredVector, WriteTx};
use rekall_model::Embeddings;

use super::MAX_ATTEMPTS;
use super::postponed::{Embedding, mark_unembeddable, postpone};
use crate::event::Event;
use crate::models::Models;
use crate::models::pieces::{self, Piece};
use crate::retry::{Attempt, retry};
use crate::{Entry, EntryId, EntryPatch, Error, Rekall};

impl Rekall {
    /// Changes an entry and gives it as it is now. Only texts that changed are embedded again.
    ///
    /// When no model is available now the old vectors of changed texts are removed: words find the entry, meaning
    /// does not until it is embedded. An [`Event::NotEmbedded`] says so.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{EntryPatch, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let id = rekall.remember(NewEntry::new("Disk full").project("ci"))?;
    /// let entry = rekall.update(id, &EntryPatch::new().title("Disk full again").project(None))?;
    /// assert_eq!((entry.title.as_str(), entry.project), ("Disk full again", None));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] for an unknown id and for values that [`remember`](Self::remember) would refuse;
    /// [`Error::Model`] when the model fails on the text. Nothing is changed then.
    pub fn update(&self, id: EntryId, patch: &EntryPatch) -> Result<Entry, Error> {
        if !patch.changes_text() {
            return self.write(|tx| Ok(tx.update(id, patch)?.1));
        }
        retry(1, |attempt| {
            let plan = self.plan_update(id, patch)?;
            let written = self.try_write(|tx| {
                let plan = match plan.is_outdated(tx, id)? {
                    false => plan,
                    true if attempt < MAX_ATTEMPTS => return Ok(Attempt::Outdated(attempt + 1)),
                    // While this transaction is open nobody else writes, so this plan stays true.
                    true => self.plan_update_with(&self.models.load(), id, patch)?,
                };
                let (row, entry) = tx.update(id, patch)?;
                let event = plan.write_vectors(tx, id, row)?;
                Ok(Attempt::Done((entry, event)))
            })?;
            Ok(written.map(|(entry, event)| {
                event.iter().for_each(|event| self.opening.events.send(event));
                entry
            }))
        })
    }

    /// Changes an entry, perhaps in nothing, and gives it this vector, of any length but zero, in the place
    /// of those that it had; see [`remember_with_vector`](Self::remember_with_vector).
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{EntryPatch, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("host's model", 2).open()?;
    /// let id = rekall.remember_with_vector(NewEntry::new("disk full"), &[0.6, 0.8])?;
    /// rekall.update_with_vector(id, &EntryPatch::new().content("since Monday"), &[1.0, 0.0])?;
    /// assert_eq!(rekall.recall_vector(&[1.0, 0.0]).run()?[0].score, 1.0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] for an unknown id and for values that [`remember`](Self::remember) would refuse;
    /// [`Error::VectorLength`], [`Error::VectorValue`], [`Error::ModelMismatch`]. Nothing is changed then.
    pub fn update_with_vector(
        &self,
        id: EntryId,
        patch: &EntryPatch,
        vector: &[f32],
    ) -> Result<Entry, Error> {
        let (fingerprint, dimensions) = self.models.load().identity()?;
        let unit = pieces::normalized(vector, dimensions)?;
        self.write(|tx| {
            let space = self.own_space(tx, &fingerprint, dimensions)?.id;
            let (row, entry) = tx.update(id, patch)?;
            tx.set_vectors(row, space, &[], &[pieces::host_vector((&entry).into(), space, &unit)])?;
            Ok(entry)
        })
    }

    fn plan_update(&self, id: EntryId, patch: &EntryPatch) -> Result<UpdatePlan, Error> {
        let read = self.read_for_update(id, patch)?;
        let embedded = self.with_models(|models| self.embed_changed(models, &read));
        read.plan(embedded)
    }

    /// The same without waiting for a change of model, which may itself wait for the caller's transaction.
    fn plan_update_with(
        &self,
        models: &Models,
        id: EntryId,
        patch: &EntryPatch,
    ) -> Result<UpdatePlan, Error> {
        let read = self.read_for_update(id, patch)?;
        let embedded = self.embed_changed(models, &read);
        read.plan(embedded)
    }

    fn read_for_update(&self, id: EntryId, patch: &EntryPatch) -> Result<ReadForUpdate, Error> {
        let tx = self.store.read()?;
        let (row, mut after) = tx.locate(id)?;
        patch.apply(&mut after)?;
        Ok(ReadForUpdate {
            row,
            newest_change: tx.newest_change(row)?,
            after,
            space: tx.active_space()?,
            stored: if tx.is_pending(row)? { Vec::new() } else { tx.stored_vectors(row)? },
        })
    }

    fn embed_changed(&self, models: &Models, read: &ReadForUpdate) -> Result<ChangedVectors, Error> {
        let mut kept = read.stored.clone();
        // Without a space nothing was ever embedded: the entry waits with the others.
        let space = read.space.as_ref().ok_or(Error::NoModel)?;
        let lease = models.lease(None)?;
        self.check_model(space, lease.fingerprint().as_str())?;
        let mut pieces = pieces::pieces((&read.after).into());
        let entry = (read.row, (&read.after).into());
        pieces::reuse_unchanged(entry, space.id, &mut kept, &mut pieces);
        let wanted: Vec<&Piece> = pieces.iter().collect();
        let new = pieces::embed(&wanted, &*lease, |_| ControlFlow::Continue(()))?;
        Ok(ChangedVectors { space: space.id, pieces, kept, new })
    }
}

/// What an update is worked out from.
struct ReadForUpdate {
    row: i64,
    newest_change: LogPosition,
    /// The entry as it will be.
    after: Entry,
    space: Option<Space>,
    /// Its vectors, unless it waits for others.
    stored: Vec<StoredVector>,
}

impl ReadForUpdate {
    fn plan(self, embedded: Result<ChangedVectors, Error>) -> Result<UpdatePlan, Error> {
        Ok(UpdatePlan {
            newest_change: self.newest_change,
            space: self.space.map(|space| space.id),
            vectors: Embedding::of(embedded)?,
        })
    }
}

/// An update that is worked out and not yet written.
struct UpdatePlan {
    /// Of the entry and its vectors. The entry itself does not say enough: two changes within a millisecond,
    /// or one there and back, leave it as it was, and perhaps not its vectors.
    newest_change: LogPosition,
    /// The active space then.
    space: Option<SpaceId>,
    vectors: Embedding<ChangedVectors>,
}

/// The vectors of the texts that an update changes.
struct ChangedVectors {
    space: SpaceId,
    /// Those that have a row in `new`.
    pieces: Vec<Piece>,
    /// Vectors of texts that stay as they are.
    kept: Vec<StoredVector>,
    new: Embeddings,
}

impl UpdatePlan {
    /// Whether somebody changed the entry, its vectors or the file's model while its texts were embedded
    /// without a lock.
    fn is_outdated(&self, tx: &dyn WriteTx, id: EntryId) -> Result<bool, Error> {
        Ok(tx.newest_change(tx.row_of(id)?)? != self.newest_change
            || tx.active_space()?.map(|space| space.id) != self.space)
    }

    /// Writes the vectors, and gives the event for an entry that has none.
    fn write_vectors(self, tx: &mut dyn WriteTx, id: EntryId, row: i64) -> Result<Option<Event>, Error> {
        let ChangedVectors { space, pieces, kept, new } = match self.vectors {
            Embedding::Made(vectors) => vectors,
            Embedding::Postponed { reason } => {
                postpone(tx, row)?;
                return Ok(Some(Event::NotEmbedded { id, reason }));
            }
        };
        let new: Vec<NewVector<'_>> = pieces
            .iter()
            .enumerate()
            .filter_map(|(at, piece)| new.row(at).map(|values| piece.vector(space, values)))
            .collect();
        let kept: Vec<_> = kept.iter().map(|stored| stored.key).collect();
        tx.set_vectors(row, space, &kept, &new)?;
        match kept.is_empty() && new.is_empty() {
            true => mark_unembeddable(tx, (id, row), space).map(Some),
            false => Ok(None),
        }
    }
}
