//! Making all vectors with another model.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use rekall_core::{Space, SpaceState};
use rekall_model::{Embedder, LoadOptions, ModelSource, Precision};

use super::fill::{BATCH, EmbedReport, Filling, PATIENT_ROUNDS, Texts};
use super::{Lease, ModelChoice, Models, same_space};
use crate::long_call::Watch;
use crate::retry::Attempt;
use crate::{Error, LongCall, Rekall};

/// Entries that may be missing still when a filled space takes over: they are embedded in the transaction
/// that switches, because a writer that never pauses would put it off forever.
const LAST: usize = 64;

/// How long that may take, as writers wait meanwhile.
const LAST_TIME: Duration = Duration::from_millis(50);

/// Vectors dropped in one transaction: some tens of milliseconds, for which writers wait.
const DROPPED_AT_ONCE: usize = 1024;

impl<T> LongCall<'_, T, LoadOptions> {
    /// How the model is loaded. Default: [`LoadOptions::default`] with the memory's own [`precision`](Rekall::precision), unless the
    /// model is a built-in one, which has none.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")]
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{ModelSource, NewEntry, Rekall, model::LoadOptions};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall = Rekall::builder(&path).without_model().open()?;
    /// rekall.reembed(ModelSource::Bundled).load_options(LoadOptions::new().offline(true)).run()?;
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "bundled-model"))]
    /// # fn main() {}
    /// ```
    pub fn load_options(mut self, options: LoadOptions) -> Self {
        self.options = options;
        self
    }
}

impl Rekall {
    /// Makes all vectors with another model, beside the old ones: searches and writes of all processes
    /// go on with the old model until one transaction switches to the new one, for which this memory then
    /// uses `source`. Entries written meanwhile are in the new space, too, before it takes over. The old
    /// vectors are dropped afterwards, in short transactions; what fails or is killed there is made up for by
    /// the next call of this or of [`embed_pending`](Self::embed_pending), or by [`compact`](Self::compact).
    /// Entries that cannot be read are left out and reported; they are without vectors until they are
    /// repaired and embedded.
    ///
    /// A call that was stopped or killed is resumed by calling again with the same model; calling with a
    /// third one gives up what was made until then. Two processes may do it at once with the same model; with
    /// two models the one that began last goes on and the other fails. Memories opened with the old model in
    /// other processes find [`Error::ModelMismatch`] after the switch, and what they remember then waits for
    /// vectors.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")]
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{ModelSource, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let rekall = Rekall::builder(&path).vectors_of("host's model", 2).open()?;
    /// rekall.remember_with_vector(NewEntry::new("disk full"), &[0.6, 0.8])?;
    /// let report = rekall.reembed(ModelSource::Bundled).progress(|at| eprintln!("{} of {}", at.done, at.total)).run()?;
    /// assert_eq!(report.entries, 1);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "bundled-model"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// [`Error::Model`], [`Error::Interrupted`], [`Error::Core`], of kind `NotFound` when a change to another
    /// model was begun meanwhile. Searches then use the old space as before.
    pub fn reembed(&self, source: ModelSource) -> LongCall<'_, EmbedReport, LoadOptions> {
        LongCall::with_options(self.load_options_of(&source), |options, watch| {
            self.reembed_with(ModelChoice::Source(source, Box::new(options)), watch)
        })
    }

    /// As [`reembed`](Self::reembed), with the host's own model.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")]
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{ModelSource, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// use rekall::model::{LoadOptions, load};
    ///
    /// let rekall = Rekall::builder(&path).without_model().open()?;
    /// rekall.remember(NewEntry::new("disk full"))?;
    /// let model = load(&ModelSource::Bundled, &LoadOptions::new())?;
    /// assert_eq!(rekall.reembed_with_embedder(model).run()?.entries, 1);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "bundled-model"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// As [`reembed`](Self::reembed).
    pub fn reembed_with_embedder(&self, embedder: Arc<dyn Embedder>) -> LongCall<'_, EmbedReport> {
        LongCall::new(|watch| self.reembed_with(ModelChoice::Own(embedder), watch))
    }

    /// How a model is loaded that is named without a word about it.
    fn load_options_of(&self, source: &ModelSource) -> LoadOptions {
        match source {
            ModelSource::Bundled | ModelSource::BundledV1 => LoadOptions::default(),
            _ => LoadOptions::default().precision(self.precision()).model_host(self.opening.model_host),
        }
    }

    /// What the numbers of a model are loaded as, unless options say otherwise: as the memory was opened.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Rekall, model::Precision};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).without_model().open()?;
    /// assert_eq!(rekall.precision(), Precision::F32);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.opening.precision
    }

    fn reembed_with(&self, choice: ModelChoice, watch: &mut Watch<'_>) -> Result<EmbedReport, Error> {
        let models = Arc::new(Models::new(choice, &self.opening.settings, &self.opening.events)?);
        let lease = models.lease(None)?;
        let mut done = EmbedReport::default();
        match self.building_space(&lease)? {
            Some(space) => {
                let mut filling = Filling::new(self, space, &*lease);
                self.fill_and_switch(&mut filling, &models, watch, &mut done)?;
            }
            None => self.install(&models),
        }
        // The model is changed. What is left to do can be done later as well, so it fails without failing the
        // call.
        match self.embed_waiting(&lease, watch) {
            Ok(waited) => done.add(&waited),
            Err(error) => tracing::warn!(%error, "entries wait for vectors of the new model"),
        }
        self.drop_leaving(watch);
        Ok(done)
    }

    /// The space to fill for this model: one begun earlier, or a new one; `None` when the active one is its
    /// own. What was begun with other models is given up.
    fn building_space(&self, lease: &Lease) -> Result<Option<Space>, Error> {
        let fingerprint = lease.fingerprint().as_str();
        self.write(|tx| {
            let spaces = tx.spaces()?;
            let own = |space: &&Space| same_space(&space.fingerprint, fingerprint);
            let active = spaces.iter().filter(own).any(|space| space.state == SpaceState::Active);
            let begun =
                spaces.iter().filter(own).find(|space| space.state == SpaceState::Building && !active);
            for space in spaces.iter().filter(|space| space.state == SpaceState::Building) {
                if begun != Some(space) {
                    tx.abandon_space(space.id)?;
                }
            }
            Ok(match begun {
                _ if active => None,
                Some(space) => Some(space.clone()),
                None => Some(tx.add_space(fingerprint, lease.dimensions(), SpaceState::Building)?),
            })
        })
    }

    /// Fills the space in rounds, each with what was written during the one before, until it can take over.
    fn fill_and_switch(
        &self,
        filling: &mut Filling<'_>,
        models: &Arc<Models>,
        watch: &mut Watch<'_>,
        done: &mut EmbedReport,
    ) -> Result<(), Error> {
        let missing = |id, after, limit| self.store.read()?.without_vectors(id, after, limit);
        let total = missing(filling.space.id, 0, usize::MAX)?.len();
        for round in 1.. {
            let mut after = 0;
            // A round ends at what was the last entry when it began, or it would run after writers faster
            // than the model works.
            let end = missing(filling.space.id, 0, usize::MAX)?.last().copied().unwrap_or(0);
            loop {
                watch.check_cancelled()?;
                let mut rows = missing(filling.space.id, after, BATCH)?;
                rows.retain(|&row| row <= end);
                let Some(&last) = rows.last() else { break };
                after = last;
                // What became of the space, the switch will find.
                let Some(filled) = filling.fill(&rows, watch)? else { break };
                done.add(&filled.report);
                watch.report(done.entries_seen().min(total), total);
                if rows.len() < BATCH {
                    break;
                }
            }
            // A caller that is notified of the last entries can still stop.
            watch.check_cancelled()?;
            let most = if round < PATIENT_ROUNDS { filling.pieces_within(LAST_TIME) } else { usize::MAX };
            // From then on each round takes twice as many into the switch, so it comes to an end however fast
            // others writes.
            let entries = LAST << round.saturating_sub(PATIENT_ROUNDS).min(20);
            if let Some(last) = self.switch(filling, (entries, most), models, watch)? {
                done.add(&last);
                break;
            }
        }
        watch.report(total, total);
        Ok(())
    }

    /// Makes the filled space the active one and its model that of this memory, if all is there that must be:
    /// looked at in the transaction that switches, so nothing can slip in between. Up to so many entries and
    /// pieces that are missing still are made there and then. `None`: too much is missing.
    fn switch(
        &self,
        filling: &mut Filling<'_>,
        (most_entries, most_pieces): (usize, usize),
        models: &Arc<Models>,
        watch: &Watch<'_>,
    ) -> Result<Option<EmbedReport>, Error> {
        // An operation whose model is not the file's waits for this lock before it believes it.
        let switching = self.switching.write().unwrap_or_else(PoisonError::into_inner);
        let switched = self.try_write_then(
            |tx| {
                match filling.state(tx)? {
                    Some(SpaceState::Building) => {}
                    // Another process filled it as well, and was faster.
                    Some(SpaceState::Active) => return Ok(Attempt::Done(EmbedReport::default())),
                    _ => return Err(rekall_core::Error::SpaceNotFound { id: filling.space.id.0 }.into()),
                }
                let mut done = EmbedReport::default();
                // Entries that could not be read have no vectors and do not count, unless they can be read by
                // now.
                let most_rows = most_entries + filling.unreadable.len();
                let rows = tx.without_vectors(filling.space.id, 0, most_rows + 1)?;
                if !rows.is_empty() {
                    let missing = rows.iter().filter(|row| !filling.unreadable.contains(row)).count();
                    if missing > most_entries {
                        return Ok(Attempt::Outdated(()));
                    }
                    // Nobody else writes now, so a reader sees the very same rows.
                    let texts = Texts::of(&*self.store.read()?, &rows)?;
                    if texts.len() > most_pieces {
                        return Ok(Attempt::Outdated(()));
                    }
                    let vectors = filling.embed(&texts, watch)?;
                    done = texts.write(&vectors, tx, &filling.space)?.report;
                    texts.mark_unreadable_as_pending(tx)?;
                }
                tx.activate_space(filling.space.id)?;
                tx.settle_pending(filling.space.id)?;
                Ok(Attempt::Done(done))
            },
            || {
                self.install(models);
                drop(switching);
            },
        )?;
        Ok(switched.done())
    }

    pub(super) fn install(&self, models: &Arc<Models>) {
        self.models.store(Arc::clone(models));
        self.queries.clear();
    }

    /// Drops what a switch replaced and what was given up, also by one that was killed before it came to
    /// that. A part at a time, so that writers need not wait long. Nobody searches there: that it fails is no
    /// error of the caller's.
    pub(super) fn drop_leaving(&self, watch: &Watch<'_>) {
        if let Err(error) = self.try_drop_leaving(watch) {
            tracing::warn!(%error, "vectors of an older model are still in the file");
        }
    }

    fn try_drop_leaving(&self, watch: &Watch<'_>) -> Result<(), Error> {
        let spaces = self.store.read()?.spaces()?;
        for space in spaces.iter().filter(|space| space.state == SpaceState::Leaving) {
            let mut more = true;
            while more {
                watch.check_cancelled()?;
                more = self.write(|tx| Ok(tx.thin_space(space.id, DROPPED_AT_ONCE)?))?;
            }
        }
        Ok(())
    }
}
