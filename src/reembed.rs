//! Making vectors later, or anew with another model.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use rekall_core::{EntryText, NewVector, Role, Space, SpaceId, SpaceState};
use rekall_model::{Embedder, LoadOptions, ModelSource};

use crate::embedding::{self, Piece};
use crate::engine::same_space;
use crate::models::{Lease, ModelChoice, Models};
use crate::{Entry, Error, Rekall, Watch};

/// Entries embedded between two transactions: what is lost when the process dies in the middle.
const BATCH: usize = 128;

/// What [`Rekall::reembed`] or [`Rekall::embed_pending`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Embedded {
    /// Entries that got vectors.
    pub entries: usize,
    /// Vectors made for them.
    pub vectors: usize,
    /// Entries of which the model knows no word: words find them, meaning does not.
    pub without_meaning: usize,
}

impl Rekall {
    /// Makes the vectors that are missing: of entries remembered or changed while no model was at hand, also
    /// by another program. In batches, each one transaction; a call that was stopped goes on where it was.
    ///
    /// # Errors
    /// [`Error::NoModel`], [`Error::Model`]; [`Error::ModelMismatch`] when the file's vectors are another
    /// model's; [`Error::Interrupted`]; [`Error::Core`].
    pub fn embed_pending(&self, mut watch: Watch<'_>) -> Result<Embedded, Error> {
        let lease = self.models.load().lease(None)?;
        let fingerprint = lease.fingerprint().as_str();
        let mut tx = self.store.write()?;
        let space = self.own_space(&mut tx, fingerprint, lease.dimensions())?;
        tx.commit()?;
        let total = self.pending_rows(space.id, 0, usize::MAX)?.len();
        let mut done = Embedded::default();
        let mut after = 0;
        loop {
            watch.check_cancelled()?;
            let rows = self.pending_rows(space.id, after, BATCH)?;
            let Some(&last) = rows.last() else { break };
            after = last;
            done.add(self.fill(&space, &*lease, &rows, &watch)?);
            watch.tell((done.entries + done.without_meaning).min(total), total);
        }
        self.after_write();
        Ok(done)
    }

    /// Makes all vectors anew with another model, beside the old ones: searches and writes of all processes go
    /// on with the old model until one transaction switches to the new one, for which this memory then uses
    /// `source`. Entries written meanwhile are in the new space, too, before it takes over. The old vectors
    /// are dropped afterwards.
    ///
    /// A call that was stopped or killed is resumed by calling again with the same model. Memories opened
    /// with the old model, in this process or others, find [`Error::ModelMismatch`] after the switch.
    ///
    /// # Errors
    /// [`Error::Model`], [`Error::Interrupted`], [`Error::Core`]. Searches then use the old space as before.
    pub fn reembed(
        &self,
        source: ModelSource,
        options: LoadOptions,
        watch: Watch<'_>,
    ) -> Result<Embedded, Error> {
        self.reembed_with(ModelChoice::Source(source, Box::new(options)), watch)
    }

    /// As [`reembed`](Self::reembed), with the host's own model.
    ///
    /// # Errors
    /// As [`reembed`](Self::reembed).
    pub fn reembed_with_embedder(
        &self,
        embedder: Arc<dyn Embedder>,
        watch: Watch<'_>,
    ) -> Result<Embedded, Error> {
        self.reembed_with(ModelChoice::Own(embedder), watch)
    }

    fn reembed_with(&self, choice: ModelChoice, mut watch: Watch<'_>) -> Result<Embedded, Error> {
        let models = Models::new(choice, &self.settings, &self.events)?;
        let lease = models.lease(None)?;
        let mut done = Embedded::default();
        if let Some(space) = self.building_space(&lease)? {
            let total = self.store.read()?.without_vectors(space.id, 0, usize::MAX)?.len();
            let mut hopeless = HashSet::new();
            let mut after = 0;
            loop {
                watch.check_cancelled()?;
                let rows = self.store.read()?.without_vectors(space.id, after, BATCH)?;
                if rows.is_empty() {
                    if self.switch(&space, &hopeless)? {
                        break;
                    }
                    // Entries came or changed meanwhile.
                    after = 0;
                    continue;
                }
                after = rows[rows.len() - 1];
                let rows: Vec<i64> = rows.into_iter().filter(|row| !hopeless.contains(row)).collect();
                let filled = self.fill(&space, &*lease, &rows, &watch)?;
                if filled.without_meaning > 0 {
                    let tx = self.store.read()?;
                    for row in rows {
                        if tx.vectors_of(&space, &[row])?.keys.is_empty() {
                            hopeless.insert(row);
                        }
                    }
                }
                done.add(filled);
                watch.tell((done.entries + done.without_meaning).min(total), total);
            }
        }
        self.drop_leaving()?;
        drop(lease);
        self.models.store(Arc::new(models));
        self.queries.clear();
        self.after_write();
        Ok(done)
    }

    /// The space to fill for this model: one begun earlier, or a new one; `None` when the active one is its own.
    fn building_space(&self, lease: &Lease) -> Result<Option<Space>, Error> {
        let fingerprint = lease.fingerprint().as_str();
        let mut tx = self.store.write()?;
        let spaces = tx.spaces()?;
        let own = |space: &&Space| same_space(&space.fingerprint, fingerprint);
        if spaces.iter().filter(own).any(|space| space.state == SpaceState::Active) {
            return Ok(None);
        }
        let begun = spaces.iter().filter(own).find(|space| space.state == SpaceState::Building);
        let space = match begun {
            Some(space) => space.clone(),
            None => tx.add_space(fingerprint, lease.dimensions(), SpaceState::Building)?,
        };
        tx.commit()?;
        Ok(Some(space))
    }

    /// Makes the filled space the active one, if it really is filled: looked at in the transaction that
    /// switches, so nothing can slip in between.
    fn switch(&self, space: &Space, hopeless: &HashSet<i64>) -> Result<bool, Error> {
        let mut tx = self.store.write()?;
        let missing = tx.without_vectors(space.id, 0, hopeless.len() + 1)?;
        if missing.iter().any(|row| !hopeless.contains(row)) {
            return Ok(false);
        }
        tx.activate_space(space.id)?;
        tx.clear_all_pending()?;
        tx.commit()?;
        Ok(true)
    }

    /// Drops what a switch replaced, also one that was killed before it came to that.
    fn drop_leaving(&self) -> Result<(), Error> {
        let mut tx = self.store.write()?;
        for space in tx.spaces()? {
            if space.state == SpaceState::Leaving {
                tx.drop_space(space.id)?;
            }
        }
        Ok(tx.commit()?)
    }

    fn pending_rows(&self, space: SpaceId, after: i64, limit: usize) -> Result<Vec<i64>, Error> {
        Ok(self.store.read()?.pending(space, after, limit)?)
    }

    /// Embeds some entries and stores their vectors in one transaction. Entries that changed meanwhile are
    /// left for the next round.
    fn fill(
        &self,
        space: &Space,
        embedder: &dyn Embedder,
        rows: &[i64],
        watch: &Watch<'_>,
    ) -> Result<Embedded, Error> {
        let entries = self.store.read()?.entries(rows)?;
        let mut pieces = Vec::with_capacity(entries.len());
        for (_, entry) in &entries {
            pieces.push(embedding::pieces(EntryText::from(entry), embedder)?);
        }
        let flat: Vec<&Piece> = pieces.iter().flatten().collect();
        let vectors = embedding::embed(&flat, embedder, |_| match watch.check_cancelled() {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        })?;
        let mut done = Embedded::default();
        let mut number = 0;
        let mut tx = self.store.write()?;
        for ((row, entry), pieces) in entries.iter().zip(&pieces) {
            let new: Vec<NewVector<'_>> = pieces
                .iter()
                .enumerate()
                .filter_map(|(at, piece)| Some(piece.vector(space.id, vectors.row(number + at)?)))
                .collect();
            number += pieces.len();
            let unchanged = tx.entries(&[*row])?.first().is_some_and(|(_, now)| same_text(now, entry));
            if !unchanged {
                continue;
            }
            if space.state == SpaceState::Active {
                tx.set_vectors(*row, space.id, &[], &new)?;
            } else {
                tx.insert_vectors(*row, &new)?;
            }
            done.entries += usize::from(!new.is_empty());
            done.without_meaning += usize::from(new.is_empty());
            done.vectors += new.len();
        }
        tx.commit()?;
        Ok(done)
    }
}

impl Embedded {
    fn add(&mut self, more: Self) {
        self.entries += more.entries;
        self.vectors += more.vectors;
        self.without_meaning += more.without_meaning;
    }
}

fn same_text(a: &Entry, b: &Entry) -> bool {
    Role::ALL.into_iter().all(|role| EntryText::from(a).role(role) == EntryText::from(b).role(role))
}
