//! Making the vectors that are missing.

use super::Lease;
use super::fill::{BATCH, EmbedReport, Filling, PATIENT_ROUNDS};
use crate::long_call::Watch;
use crate::retry::{Attempt, retry};
use crate::{Error, LongCall, Rekall};

impl Rekall {
    /// Makes the vectors that are missing: of entries remembered or changed while no model was available,
    /// also by another program. In batches, each one transaction; a call that was stopped goes on where it
    /// was. Entries of which the model knows no word are noted as such and not tried again before their text
    /// or the model changes. Entries that cannot be read are left out and reported.
    ///
    /// ```
    /// # #[cfg(feature = "bundled-model")]
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.db");
    /// let words_only = Rekall::builder(&path).without_model().open()?;
    /// words_only.remember(NewEntry::new("disk full"))?;
    ///
    /// let rekall = Rekall::builder(&path).open()?;
    /// let report = rekall.embed_pending().run()?;
    /// assert_eq!((report.entries, report.unreadable.len()), (1, 0));
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "bundled-model"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// [`Error::NoModel`], [`Error::Model`]; [`Error::ModelMismatch`] when the file's vectors are another
    /// model's; [`Error::Interrupted`]; [`Error::Core`].
    pub fn embed_pending(&self) -> LongCall<'_, EmbedReport> {
        LongCall::new(|watch| {
            let done = self.with_models(|models| self.embed_waiting(&models.lease(None)?, watch))?;
            self.drop_leaving(watch);
            Ok(done)
        })
    }

    /// Gives vectors to the entries that wait for them, if the active space is this model's.
    pub(super) fn embed_waiting(&self, lease: &Lease, watch: &mut Watch<'_>) -> Result<EmbedReport, Error> {
        let mut done = EmbedReport::default();
        retry((), |()| {
            let fingerprint = lease.fingerprint().as_str();
            let space = self.write(|tx| self.own_space(tx, fingerprint, lease.dimensions()))?;
            Ok(match self.fill_active(&mut Filling::new(self, space, &**lease), watch, &mut done)? {
                true => Attempt::Done(()),
                false => Attempt::Outdated(()),
            })
        })?;
        Ok(done)
    }

    /// Gives vectors to the entries that have none in the active space. `false`: that space is no longer the
    /// active one.
    fn fill_active(
        &self,
        filling: &mut Filling<'_>,
        watch: &mut Watch<'_>,
        done: &mut EmbedReport,
    ) -> Result<bool, Error> {
        let space = filling.space.id;
        let waiting = |after, limit| self.store.read()?.pending(space, after, limit);
        let total = done.entries + done.without_meaning + waiting(0, usize::MAX)?.len();
        for _ in 0..PATIENT_ROUNDS {
            let (mut after, mut left) = (0, 0);
            loop {
                watch.check_cancelled()?;
                let rows = waiting(after, BATCH)?;
                let Some(&last) = rows.last() else { break };
                after = last;
                let Some(filled) = filling.fill(&rows, watch)? else { return Ok(false) };
                done.add(&filled.report);
                left += filled.left;
                watch.report(done.entries_seen().min(total), total);
                if rows.len() < BATCH {
                    // What others write meanwhile is not waited for: they may never stop.
                    break;
                }
            }
            watch.check_cancelled()?;
            // Entries that were changed while they were embedded are looked at once more. If others change
            // them without a pause they are left to the next call.
            if left == 0 {
                break;
            }
        }
        Ok(true)
    }
}
