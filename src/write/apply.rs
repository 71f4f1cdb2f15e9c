//! Applying a batch: its texts are worked out and embedded without a lock, then all of it is written.

use std::ops::ControlFlow;

use rekall_core::{Draft, NewVector, Role, StoredVector, WriteTx};
use rekall_model::Embeddings;

use super::MAX_ATTEMPTS;
use super::batch::{Batch, Operation};
use super::batch_plan::{BatchPlan, PlannedEntry, of_operation};
use super::postponed::{Embedding, mark_unembeddable, postpone};
use crate::event::Event;
use crate::long_call::Watch;
use crate::models::Models;
use crate::models::pieces::{self, Piece};
use crate::retry::{Attempt, retry};
use crate::{EntryId, Error, LongCall, Rekall};

impl Rekall {
    /// An id for an entry to be remembered in a [`Batch`]. Ids made here only grow; entries are listed by id,
    /// so one that is remembered long after its id was made is listed before others that are older than it.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Batch, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// let id = rekall.new_id()?;
    /// let mut batch = Batch::new();
    /// batch.remember(id, NewEntry::new("disk full"));
    /// rekall.apply(&batch).run()?;
    /// assert_eq!(rekall.get(id)?.title, "disk full");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] when the system has no random bits to give.
    pub fn new_id(&self) -> Result<EntryId, Error> {
        Ok(self.store.new_id()?)
    }

    /// Does all operations of a batch in one transaction: all of them or none. Each sees what those before it
    /// did.
    ///
    /// The model works before the transaction begins: no lock is held meanwhile, and other writers go on.
    /// When another writer changed one of the batch's entries by then, or the file's model, the work on the
    /// texts is done once more. Each entry is embedded once, as it is after the last operation. Progress
    /// counts entries embedded. When no model is available now, or it knows no word of a text, words find the
    /// entry and meaning does not; an [`Event::NotEmbedded`] says so.
    ///
    /// ```
    /// # use rekall::{Batch, NewEntry, Rekall};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// # let bug = rekall.remember(NewEntry::new("Upload fails"))?;
    /// # let guess = rekall.remember(NewEntry::new("It is the proxy"))?;
    /// let fix = rekall.new_id()?;
    /// let mut batch = Batch::new();
    /// batch
    ///     .remember(fix, NewEntry::new("Raise client_max_body_size"))
    ///     .link(fix, bug, "solves", None)
    ///     .supersede_entry(guess, fix);
    /// rekall.apply(&batch).run()?;
    /// assert_eq!(rekall.get(guess)?.superseded_by, Some(fix));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Operation`] names the one that failed, with what the function of its name on this type fails
    /// with, and for an id that is there already; what the model fails with; [`Error::ModelMismatch`] and
    /// [`Error::NoModel`] for vectors that are given; [`Error::Interrupted`].
    pub fn apply<'a>(&'a self, batch: &'a Batch) -> LongCall<'a, ()> {
        LongCall::new(|watch| self.apply_watched(batch, watch))
    }

    pub(super) fn apply_watched(&self, batch: &Batch, watch: &mut Watch<'_>) -> Result<(), Error> {
        self.apply_if(batch, watch, |_| Ok(true)).map(drop)
    }

    /// The same if `holds`, which is asked in the transaction, before anything is written; `None`: it did not.
    pub(super) fn apply_if(
        &self,
        batch: &Batch,
        watch: &mut Watch<'_>,
        holds: impl Fn(&dyn WriteTx) -> Result<bool, Error>,
    ) -> Result<Option<()>, Error> {
        self.apply_within(batch, watch, holds, |_| Ok(()))
    }

    /// The same, and then `also`, in the same transaction.
    pub(crate) fn apply_within(
        &self,
        batch: &Batch,
        watch: &mut Watch<'_>,
        holds: impl Fn(&dyn WriteTx) -> Result<bool, Error>,
        also: impl Fn(&mut dyn WriteTx) -> Result<(), Error>,
    ) -> Result<Option<()>, Error> {
        retry(1, |attempt| {
            watch.check_cancelled()?;
            let plan = self.plan_batch(batch)?;
            let embedded = self.with_models(|models| self.embed_batch(models, &plan, watch));
            let embedded = Embedding::of(embedded)?;
            watch.check_cancelled()?;
            let written = self.try_write(|tx| {
                if !holds(tx)? {
                    return Ok(Attempt::Done(None));
                }
                let (plan, embedded) = match plan.is_outdated(tx)? {
                    false => (plan, embedded),
                    true if attempt < MAX_ATTEMPTS => return Ok(Attempt::Outdated(attempt + 1)),
                    // While this transaction is open nobody else writes, so this plan stays true. Waiting for
                    // a change of model is no way out: that may itself wait for this transaction.
                    true => {
                        let plan = self.plan_batch(batch)?;
                        let embedded = self.embed_batch(&self.models.load(), &plan, watch);
                        (plan, Embedding::of(embedded)?)
                    }
                };
                for (number, operation) in batch.operations.iter().enumerate() {
                    watch.check_cancelled()?;
                    perform(tx, operation).map_err(|error| of_operation(number, error.into()))?;
                }
                let events = self.write_vectors(tx, &plan, &embedded)?;
                also(tx)?;
                Ok(Attempt::Done(Some(events)))
            })?;
            Ok(written.map(|events| {
                events
                    .map(|events: Vec<Event>| events.iter().for_each(|event| self.opening.events.send(event)))
            }))
        })
    }

    /// Embeds all texts in one call.
    fn embed_batch(
        &self,
        models: &Models,
        plan: &BatchPlan,
        watch: &mut Watch<'_>,
    ) -> Result<BatchEmbeddings, Error> {
        let mut embeddings = BatchEmbeddings::default();
        let wanted: Vec<&PlannedEntry> = plan.embedded().collect();
        if wanted.is_empty() {
            return Ok(embeddings);
        }
        let lease = models.lease(None)?;
        if let Some(space) = &plan.space {
            self.check_model(space, lease.fingerprint().as_str())?;
        }
        for planned in &wanted {
            watch.check_cancelled()?;
            let mut pieces = pieces::pieces((&planned.entry).into());
            let mut kept = planned.stored.clone();
            match (planned.row, &plan.space) {
                (Some(row), Some(space)) => {
                    let entry = (row, (&planned.entry).into());
                    pieces::reuse_unchanged(entry, space.id, &mut kept, &mut pieces);
                }
                _ => kept.clear(),
            }
            let keeps_host_vector = planned.keeps_host_vector();
            if keeps_host_vector {
                pieces.retain(|piece| piece.role != Role::Summary);
            }
            embeddings.entries.push(EntryPieces { kept, pieces, keeps_host_vector });
        }
        let flat: Vec<&Piece> = embeddings.entries.iter().flat_map(|entry| &entry.pieces).collect();
        // Pieces are what the model counts; callers think in entries.
        let (entries, pieces) = (wanted.len(), flat.len().max(1));
        embeddings.vectors = pieces::embed(&flat, &*lease, |done| {
            watch.report(done * entries / pieces, entries);
            match watch.check_cancelled() {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })?;
        embeddings.fingerprint = lease.fingerprint().as_str().to_owned();
        Ok(embeddings)
    }

    /// Gives the entries their vectors. Returns the events to be sent after the commit.
    fn write_vectors(
        &self,
        tx: &mut dyn WriteTx,
        plan: &BatchPlan,
        embedded: &Embedding<BatchEmbeddings>,
    ) -> Result<Vec<Event>, Error> {
        let mut events = Vec::new();
        // Rows of the embeddings and their entries, in the order of the plan.
        let (mut vector_row, mut entry_number) = (0, 0);
        for planned in &plan.entries {
            let (id, row) = (planned.entry.id, tx.row_of(planned.entry.id)?);
            if !planned.is_embedded {
                let space = self.host_space(tx, plan)?;
                let new: Vec<NewVector<'_>> = planned.host_vector(space).into_iter().collect();
                tx.set_vectors(row, space, &[], &new)?;
                continue;
            }
            let embeddings = match embedded {
                Embedding::Made(embeddings) => embeddings,
                Embedding::Postponed { reason } => {
                    postpone(tx, row)?;
                    events.push(Event::NotEmbedded { id, reason: reason.clone() });
                    continue;
                }
            };
            let Some(EntryPieces { kept, pieces, keeps_host_vector }) = embeddings.entries.get(entry_number)
            else {
                continue;
            };
            entry_number += 1;
            let space = self.own_space(tx, &embeddings.fingerprint, embeddings.vectors.dimensions)?.id;
            let mut new: Vec<NewVector<'_>> = Vec::new();
            new.extend(planned.host_vector(space).filter(|_| *keeps_host_vector));
            for piece in pieces {
                new.extend(embeddings.vectors.row(vector_row).map(|values| piece.vector(space, values)));
                vector_row += 1;
            }
            let kept: Vec<_> = kept.iter().map(|stored| stored.key).collect();
            tx.set_vectors(row, space, &kept, &new)?;
            if kept.is_empty() && new.is_empty() {
                events.push(mark_unembeddable(tx, (id, row), space)?);
            }
        }
        Ok(events)
    }
}

fn perform(tx: &mut dyn WriteTx, operation: &Operation) -> Result<(), rekall_core::Error> {
    match operation {
        Operation::Remember { id, entry, origin, .. } => {
            tx.insert(&[Draft::new(entry).id(*id).origin(origin)]).map(drop)
        }
        Operation::Update { id, patch, .. } => tx.update(*id, patch).map(drop),
        Operation::Forget { id } => tx.delete(*id),
        Operation::Supersede { old, new } => tx.supersede(*old, *new).map(drop),
        Operation::NameSuccessor { of, new } => tx.name_successor(*of, *new),
        Operation::Link { source, target, relation, reason, created_at } => {
            tx.link_made_at(*source, *target, relation, reason.as_deref(), *created_at)
        }
        Operation::Unlink { source, target, relation } => tx.unlink(*source, *target, relation).map(drop),
    }
}

/// The vectors of a batch's texts, for one entry after the other.
#[derive(Default)]
struct BatchEmbeddings {
    fingerprint: String,
    entries: Vec<EntryPieces>,
    /// Of all entries' pieces together.
    vectors: Embeddings,
}

struct EntryPieces {
    /// Vectors that stay.
    kept: Vec<StoredVector>,
    /// Pieces that get new ones.
    pieces: Vec<Piece>,
    keeps_host_vector: bool,
}
