//! Looking after the file: check, repair, backup, import, export.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rekall_core::{
    CheckReport, CompactReport, ExportReport, ImportOptions, ImportReport, RepairReport, legacy,
};

use crate::{CancelToken, Error, Progress, Rekall};

/// How a long piece of work on the file is watched and stopped. Default: neither.
#[derive(Default)]
pub struct Watch<'a> {
    progress: Option<&'a mut dyn FnMut(Progress)>,
    cancel: Option<CancelToken>,
}

impl<'a> Watch<'a> {
    /// Neither watched nor stopped.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Hears how far the work is; a total of 0 means that it is not known.
    #[must_use]
    pub fn progress(mut self, callback: &'a mut dyn FnMut(Progress)) -> Self {
        self.progress = Some(callback);
        self
    }

    /// Stops the work when the token is cancelled.
    #[must_use]
    pub fn cancel(mut self, token: &CancelToken) -> Self {
        self.cancel = Some(token.clone());
        self
    }

    pub(crate) fn tell(&mut self, done: usize, total: usize) {
        if let Some(progress) = &mut self.progress {
            progress(Progress { done, total });
        }
    }

    pub(crate) fn check_cancelled(&self) -> Result<(), Error> {
        crate::cancel::check_cancelled(self.cancel.as_ref())
    }

    pub(crate) fn token(&self) -> Option<CancelToken> {
        self.cancel.clone()
    }

    /// Hands the wishes on to storage, which counts in `u64`.
    pub(crate) fn hand_on<T>(
        mut self,
        work: impl FnOnce(&mut dyn FnMut(u64, u64), Option<&Arc<AtomicBool>>) -> Result<T, rekall_core::Error>,
    ) -> Result<T, Error> {
        let cancel = self.cancel.take();
        let small = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let mut tell = |done, total| self.tell(small(done), small(total));
        Ok(work(&mut tell, cancel.as_ref().map(CancelToken::shared_flag))?)
    }
}

impl std::fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("cancel", &self.cancel).finish_non_exhaustive()
    }
}

impl Rekall {
    /// Looks at everything in the file and reports what is wrong; see [`rekall_core::Store::check`]. Progress counts pages,
    /// entries and vectors.
    ///
    /// # Errors
    /// [`Error::Core`] when the file cannot be read at all; [`Error::Interrupted`]. Damage is no error, it is in the report.
    pub fn check(&self, watch: Watch<'_>) -> Result<CheckReport, Error> {
        watch.hand_on(|progress, cancel| self.store.check_observed(progress, cancel))
    }

    /// Repairs what can be repaired, in one transaction, and loses nothing; see
    /// [`rekall_core::Store::repair`]. Progress counts pages, entries and vectors.
    ///
    /// # Errors
    /// [`Error::Core`], [`Error::Interrupted`]; nothing is changed then.
    pub fn repair(&self, watch: Watch<'_>) -> Result<RepairReport, Error> {
        self.maintain(|store| {
            let report = watch.hand_on(|progress, cancel| store.repair_observed(progress, cancel))?;
            self.vector_index.clear();
            Ok(report)
        })
    }

    /// Copies the file, as it is at this moment, to `target`, while others read and write.
    ///
    /// # Errors
    /// [`Error::Core`] when the target exists or cannot be written; [`Error::Interrupted`].
    pub fn backup(&self, target: impl AsRef<Path>, watch: Watch<'_>) -> Result<(), Error> {
        watch.hand_on(|progress, cancel| self.store.backup(target, progress, plain(cancel)))
    }

    /// Gives free space in the file back to the disk, and that of vectors which a killed change of model left; see
    /// [`rekall_core::Store::compact`]. Progress counts stages, of 3.
    ///
    /// # Errors
    /// [`Error::Core`]; [`Error::Interrupted`], and the file then has what it had.
    pub fn compact(&self, watch: Watch<'_>) -> Result<CompactReport, Error> {
        self.maintain(|store| watch.hand_on(|progress, cancel| store.compact_observed(progress, cancel)))
    }

    /// Writes everything as lines of JSON, losslessly; see [`rekall_core::Store::export_jsonl`].
    ///
    /// # Errors
    /// [`Error::Core`] when `out` fails or an entry cannot be read; [`Error::Interrupted`].
    pub fn export_jsonl(&self, out: &mut dyn Write, watch: Watch<'_>) -> Result<ExportReport, Error> {
        watch.hand_on(|progress, cancel| self.store.export_jsonl(out, progress, plain(cancel)))
    }

    /// As [`export_jsonl`](Self::export_jsonl), to a new file that only its owner may read and that appears when it is whole.
    ///
    /// # Errors
    /// [`Error::Core`] when the target exists or cannot be written; [`Error::Interrupted`]. There is no target then.
    pub fn export_jsonl_file(
        &self,
        target: impl AsRef<Path>,
        watch: Watch<'_>,
    ) -> Result<ExportReport, Error> {
        watch.hand_on(|progress, cancel| self.store.export_jsonl_file(target, progress, plain(cancel)))
    }

    /// Reads what [`export_jsonl`](Self::export_jsonl) wrote, or lines of entries without an export's header, one JSON object
    /// each (`docs/jsonl.md` has both forms): all of it or nothing. Entries without vectors of the file's model wait for
    /// [`embed_pending`](Self::embed_pending); words find them at once.
    ///
    /// # Errors
    /// [`Error::Core`], naming the line that cannot be read; [`Error::Interrupted`].
    pub fn import_jsonl(
        &self,
        input: &mut dyn BufRead,
        options: &ImportOptions,
        watch: Watch<'_>,
    ) -> Result<ImportReport, Error> {
        self.maintain(|store| {
            watch.hand_on(|progress, cancel| store.import_jsonl(input, options, progress, plain(cancel)))
        })
    }

    /// Reads a file of the Python tool into this one: all of it or nothing. The original is only read.
    ///
    /// Vectors come along. They stay in a space of their own, which answers
    /// [`recall_vector`](Self::recall_vector) and [`similar_to`](Self::similar_to) without a model, until
    /// [`reembed`](Self::reembed) makes new ones. Entries whose id is here already are left alone.
    ///
    /// `utc_offset_minutes` is what the file's local times are off from UTC, in minutes east of Greenwich, for times whose
    /// offset the file does not tell; `None`: it is guessed, see
    /// [`utc_offset_minutes`](legacy::ImportOptions::utc_offset_minutes).
    ///
    /// # Errors
    /// [`Error::Core`] when the file is not one of the Python tool's or is damaged; [`Error::Interrupted`].
    pub fn import_legacy(
        &self,
        path: impl AsRef<Path>,
        utc_offset_minutes: Option<i32>,
        watch: Watch<'_>,
    ) -> Result<legacy::ImportReport, Error> {
        self.maintain(|store| {
            watch.hand_on(|progress, cancel| {
                let mut options = legacy::ImportOptions::default().progress(progress);
                options.utc_offset_minutes = utc_offset_minutes;
                options.cancel = plain(cancel);
                store.import_legacy(path, options)
            })
        })
    }
}

/// The flag, for storage that looks at it only between its own steps.
pub(crate) fn plain(cancel: Option<&Arc<AtomicBool>>) -> Option<&AtomicBool> {
    cancel.map(|flag| &**flag)
}
