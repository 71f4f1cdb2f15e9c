//! Changing an entry: only texts that changed are embedded.

use std::ops::ControlFlow;

use rekall_core::{LogPosition, NewVector, Space, SpaceId, StoredVector};

use super::remember::{WORDLESS, postponable};
use crate::event::Event;
use crate::models::Models;
use crate::models::pieces::{self, Piece};
use crate::{Entry, EntryId, EntryPatch, Error, Rekall};

/// How often an update begins anew because others changed the entry meanwhile, before it makes them wait while it embeds.
const PATIENCE: usize = 8;

impl Rekall {
    /// Changes an entry and gives it as it is now. Only texts that changed are embedded anew.
    ///
    /// When no model is at hand the old vectors of changed texts are removed: words find the entry, meaning
    /// does not until it is embedded. An [`Event::NotEmbedded`] says so.
    ///
    /// # Errors
    /// [`Error::Core`] for an unknown id and for values that [`remember`](Self::remember) would refuse;
    /// [`Error::Model`] when the model fails on the text. Nothing is changed then.
    pub fn update(&self, id: EntryId, patch: &EntryPatch) -> Result<Entry, Error> {
        if !patch.changes_text() {
            let mut tx = self.store.write()?;
            let (_, entry) = tx.update(id, patch)?;
            tx.commit()?;
            return Ok(entry);
        }
        let mut tries = 0;
        loop {
            tries += 1;
            let mut plan = self.plan_update(id, patch)?;
            let mut tx = self.store.write()?;
            // Embedding took a while, without a lock: if somebody changed the entry meanwhile, or its vectors, or the file's
            // model, start over.
            let outdated = tx.newest_change(tx.row_of(id)?)? != plan.newest_change
                || tx.active_space()?.map(|space| space.id) != plan.space;
            if outdated && tries < PATIENCE {
                continue;
            }
            if outdated {
                // Others were faster again and again. Now they wait: nobody else writes, so the plan stays true.
                plan = self.plan_update_with(&self.models.load(), id, patch)?;
            }
            let (row, entry) = tx.update(id, patch)?;
            match plan.vectors {
                Planned::Vectors { space, pieces, kept, fresh } => {
                    let new: Vec<NewVector<'_>> = pieces
                        .iter()
                        .enumerate()
                        .filter_map(|(at, piece)| fresh.row(at).map(|row| piece.vector(space, row)))
                        .collect();
                    let kept: Vec<_> = kept.iter().map(|stored| stored.key).collect();
                    tx.set_vectors(row, space, &kept, &new)?;
                    let wordless = kept.is_empty() && new.is_empty();
                    if wordless {
                        tx.mark_wordless(row, space)?;
                    }
                    tx.commit()?;
                    if wordless {
                        self.events.send(&Event::NotEmbedded { id, reason: WORDLESS.to_owned() });
                    }
                }
                Planned::Later { reason } => {
                    if let Some(space) = tx.active_space()? {
                        // Vectors of a text that is gone would answer for the new one.
                        tx.set_vectors(row, space.id, &[], &[])?;
                        tx.mark_pending(row)?;
                    }
                    tx.commit()?;
                    self.events.send(&Event::NotEmbedded { id, reason });
                }
            }
            self.after_write();
            return Ok(entry);
        }
    }

    /// Changes an entry, perhaps in nothing, and gives it this vector, of any length but zero, in the place of those that
    /// it had; see [`remember_with_vector`](Self::remember_with_vector).
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
        let mut tx = self.store.write()?;
        let space = self.own_space(&mut tx, &fingerprint, dimensions)?.id;
        let (row, entry) = tx.update(id, patch)?;
        tx.set_vectors(row, space, &[], &[pieces::given((&entry).into(), space, &unit)])?;
        tx.commit()?;
        self.after_write();
        Ok(entry)
    }

    fn plan_update(&self, id: EntryId, patch: &EntryPatch) -> Result<Plan, Error> {
        let read = self.read_for_update(id, patch)?;
        let planned = self.with_models(|models| self.plan_vectors(models, &read));
        read.plan(planned)
    }

    /// The same without waiting for a change of model that may itself wait for the caller's transaction.
    fn plan_update_with(&self, models: &Models, id: EntryId, patch: &EntryPatch) -> Result<Plan, Error> {
        let read = self.read_for_update(id, patch)?;
        let planned = self.plan_vectors(models, &read);
        read.plan(planned)
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
            stored: tx.stored_vectors(row)?,
        })
    }

    fn plan_vectors(&self, models: &Models, read: &ReadForUpdate) -> Result<Planned, Error> {
        let mut stored = read.stored.clone();
        // Without a space nothing was ever embedded: the entry waits with the others.
        let space = read.space.as_ref().ok_or(Error::NoModel)?;
        let lease = models.lease(None)?;
        self.check_model(space, lease.fingerprint().as_str())?;
        let mut pieces = pieces::pieces((&read.after).into(), &*lease)?;
        pieces::keep_what_fits(read.row, space.id, &mut stored, &mut pieces);
        let wanted: Vec<&Piece> = pieces.iter().collect();
        let fresh = pieces::embed(&wanted, &*lease, |_| ControlFlow::Continue(()))?;
        Ok(Planned::Vectors { space: space.id, pieces, kept: stored, fresh })
    }
}

/// What an update is worked out from.
struct ReadForUpdate {
    row: i64,
    newest_change: LogPosition,
    /// The entry as it will be.
    after: Entry,
    space: Option<Space>,
    stored: Vec<StoredVector>,
}

impl ReadForUpdate {
    fn plan(self, planned: Result<Planned, Error>) -> Result<Plan, Error> {
        let vectors = match planned {
            Ok(vectors) => vectors,
            Err(error) if postponable(&error) => Planned::Later { reason: error.to_string() },
            Err(error) => return Err(error),
        };
        Ok(Plan { newest_change: self.newest_change, space: self.space.map(|space| space.id), vectors })
    }
}

/// An update that is worked out and not yet written.
struct Plan {
    /// Of the entry and its vectors. Whatever the entry looks like: two changes of one millisecond, or one there and back,
    /// leave it as it was, and its vectors perhaps not.
    newest_change: LogPosition,
    /// The active space then.
    space: Option<SpaceId>,
    vectors: Planned,
}

enum Planned {
    Vectors { space: SpaceId, pieces: Vec<Piece>, kept: Vec<StoredVector>, fresh: rekall_model::Embeddings },
    Later { reason: String },
}
