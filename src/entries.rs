//! Reading, changing, linking and forgetting entries.

use std::ops::ControlFlow;

use rekall_core::{Link, LogPosition, NewVector, Relation, Space, SpaceId, StoredVector};

use crate::embedding::{self, Piece};
use crate::event::Event;
use crate::models::Models;
use crate::remember::{WORDLESS, postponable};
use crate::{Entry, EntryId, EntryPatch, Error, Rekall};

/// How often an update begins anew because others changed the entry meanwhile, before it makes them wait while it embeds.
const PATIENCE: usize = 8;

impl Rekall {
    /// The entry with this id. Costs tens of microseconds and takes no write lock.
    ///
    /// # Errors
    /// [`Error::Core`], kind `NotFound`.
    pub fn get(&self, id: EntryId) -> Result<Entry, Error> {
        Ok(self.store.get(id)?)
    }

    /// The entries with these ids, all of one moment, in the order given; `None` where no entry has the id. An id that is
    /// given twice is answered twice. Tens of microseconds an entry; takes no write lock.
    ///
    /// ```
    /// # use rekall::{NewEntry, Rekall};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let (kept, gone) = (rekall.remember(NewEntry::new("kept"))?, rekall.remember(NewEntry::new("gone"))?);
    /// rekall.forget(gone)?;
    /// let entries = rekall.get_many(&[gone, kept])?;
    /// assert!(entries[0].is_none());
    /// assert_eq!(entries[1].as_ref().map(|entry| entry.title.as_str()), Some("kept"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`]. An id that no entry has is no error.
    pub fn get_many(&self, ids: &[EntryId]) -> Result<Vec<Option<Entry>>, Error> {
        Ok(self.store.read()?.get_many(ids)?)
    }

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
        let unit = embedding::normalized(vector, dimensions)?;
        let mut tx = self.store.write()?;
        let space = self.own_space(&mut tx, &fingerprint, dimensions)?.id;
        let (row, entry) = tx.update(id, patch)?;
        tx.set_vectors(row, space, &[], &[embedding::given((&entry).into(), space, &unit)])?;
        tx.commit()?;
        self.after_write();
        Ok(entry)
    }

    /// Puts an entry in the place of an older one, in one transaction: the older one becomes obsolete, so that searches
    /// leave it out unless asked, and names the new one in `superseded_by`. Gives the older one as it is now.
    ///
    /// A patch with [`superseded_by`](EntryPatch::superseded_by) alone sets the reference and leaves the status as it is.
    /// Not to be confused with [`Recall::supersede`](crate::Recall::supersede), which is about searches.
    ///
    /// ```
    /// # use rekall::{NewEntry, Rekall, Status};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let old = rekall.remember(NewEntry::new("The build takes 40 minutes"))?;
    /// let new = rekall.remember(NewEntry::new("The build takes 12 minutes"))?;
    /// let replaced = rekall.supersede_entry(old, new)?;
    /// assert_eq!((replaced.status, replaced.superseded_by), (Status::Obsolete, Some(new)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`]: kind `NotFound` for either id; kind `InvalidInput` for an entry in its own place, and for one that
    /// the older one replaces, directly or by way of others.
    pub fn supersede_entry(&self, old: EntryId, new: EntryId) -> Result<Entry, Error> {
        let mut tx = self.store.write()?;
        let (_, entry) = tx.supersede(old, new)?;
        tx.commit()?;
        self.after_write();
        Ok(entry)
    }

    /// Forgets an entry with all that hangs on it: vectors, tags, links. References to it are cleared.
    ///
    /// # Errors
    /// [`Error::Core`], kind `NotFound`.
    pub fn forget(&self, id: EntryId) -> Result<(), Error> {
        let mut tx = self.store.write()?;
        tx.delete(id)?;
        tx.commit()?;
        self.after_write();
        Ok(())
    }

    /// Links two entries; a link of the same relation that is already there gets the new reason.
    ///
    /// # Errors
    /// [`Error::Core`] for an unknown id, an entry linked to itself, or a blank relation.
    pub fn link(
        &self,
        source: EntryId,
        target: EntryId,
        relation: impl Into<Relation>,
        reason: Option<&str>,
    ) -> Result<(), Error> {
        let mut tx = self.store.write()?;
        tx.link(source, target, &relation.into(), reason)?;
        Ok(tx.commit()?)
    }

    /// Removes a link; says whether there was one.
    ///
    /// # Errors
    /// [`Error::Core`] for an unknown id.
    pub fn unlink(
        &self,
        source: EntryId,
        target: EntryId,
        relation: impl Into<Relation>,
    ) -> Result<bool, Error> {
        let mut tx = self.store.write()?;
        let removed = tx.unlink(source, target, &relation.into())?;
        tx.commit()?;
        Ok(removed)
    }

    /// The links that start or end at an entry, oldest first.
    ///
    /// # Errors
    /// [`Error::Core`] for an unknown id.
    pub fn links(&self, id: EntryId) -> Result<Vec<Link>, Error> {
        Ok(self.store.read()?.links(id)?)
    }

    /// The entries within `depth` links of an entry, nearest first, with their distance.
    ///
    /// # Errors
    /// [`Error::Core`] for an unknown id.
    pub fn neighbours(&self, id: EntryId, depth: usize) -> Result<Vec<(EntryId, usize)>, Error> {
        Ok(self.store.read()?.neighbours(id, depth)?)
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
        let mut pieces = embedding::pieces((&read.after).into(), &*lease)?;
        embedding::keep_what_fits(read.row, space.id, &mut stored, &mut pieces);
        let wanted: Vec<&Piece> = pieces.iter().collect();
        let fresh = embedding::embed(&wanted, &*lease, |_| ControlFlow::Continue(()))?;
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
