//! Calls that may take long: all are set up, watched and stopped alike.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::cancel::check_cancelled;
use crate::{CancelToken, Error, Progress};

/// A call that may take long: returned by the method that names the work, done by [`run`](Self::run).
///
/// `T` is what the work gives. `Options` is what can be chosen about it, by setters that only such a call
/// has; most have none.
///
/// ```
/// # fn main() -> Result<(), rekall::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let rekall = rekall::Rekall::builder(folder.path().join("a.db")).without_model().open()?;
/// let token = rekall::CancelToken::new();
/// let report = rekall
///     .check()
///     .progress(|progress| eprintln!("{} of {}", progress.done, progress.total))
///     .cancel(&token)
///     .run()?;
/// assert!(report.is_clean());
/// # Ok(())
/// # }
/// ```
#[must_use = "the work begins with `run`"]
pub struct LongCall<'a, T, Options = ()> {
    pub(crate) options: Options,
    watch: Watch<'a>,
    work: Work<'a, T, Options>,
}

type Work<'a, T, Options> = Box<dyn FnOnce(Options, &mut Watch<'_>) -> Result<T, Error> + 'a>;

impl<'a, T> LongCall<'a, T> {
    pub(crate) fn new(work: impl FnOnce(&mut Watch<'_>) -> Result<T, Error> + 'a) -> Self {
        Self::with_options((), move |(), watch| work(watch))
    }
}

impl<'a, T, Options> LongCall<'a, T, Options> {
    pub(crate) fn with_options(
        options: Options,
        work: impl FnOnce(Options, &mut Watch<'_>) -> Result<T, Error> + 'a,
    ) -> Self {
        Self { options, watch: Watch::default(), work: Box::new(work) }
    }

    /// Reports how far the work is, on the calling thread. The method that returned this says what is counted;
    /// a total of 0 means that it is not known. Default: nothing is reported.
    pub fn progress(mut self, callback: impl FnMut(Progress) + 'a) -> Self {
        self.watch.progress = Some(Box::new(callback));
        self
    }

    /// Stops the work when the token is cancelled: it then fails with [`Error::Interrupted`]. Default: it is
    /// not stopped.
    pub fn cancel(mut self, token: &CancelToken) -> Self {
        self.watch.cancel = Some(token.clone());
        self
    }

    /// Does the work.
    ///
    /// # Errors
    /// Those of the method that returned this; [`Error::Interrupted`] when the token was cancelled before the
    /// end.
    pub fn run(self) -> Result<T, Error> {
        let Self { options, mut watch, work } = self;
        work(options, &mut watch)
    }
}

impl<T, Options: fmt::Debug> fmt::Debug for LongCall<'_, T, Options> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LongCall").field("options", &self.options).finish_non_exhaustive()
    }
}

/// How work is watched and stopped.
#[derive(Default)]
pub(crate) struct Watch<'a> {
    progress: Option<Box<dyn FnMut(Progress) + 'a>>,
    cancel: Option<CancelToken>,
}

impl<'a> Watch<'a> {
    pub(crate) fn set_progress(&mut self, progress: Box<dyn FnMut(Progress) + 'a>) {
        self.progress = Some(progress);
    }

    pub(crate) fn set_cancel(&mut self, token: &CancelToken) {
        self.cancel = Some(token.clone());
    }

    /// One that is cancelled with this one, for a part of its work that counts something else.
    pub(crate) fn quiet(&self) -> Watch<'static> {
        Watch { progress: None, cancel: self.cancel.clone() }
    }
}

impl Watch<'_> {
    pub(crate) fn report(&mut self, done: usize, total: usize) {
        if let Some(progress) = &mut self.progress {
            progress(Progress { done, total });
        }
    }

    pub(crate) fn check_cancelled(&self) -> Result<(), Error> {
        check_cancelled(self.cancel.as_ref())
    }

    pub(crate) fn token(&self) -> Option<CancelToken> {
        self.cancel.clone()
    }

    /// Does work of the storage, which counts in `u64` and takes the token's flag.
    pub(crate) fn in_storage<T>(
        &mut self,
        work: impl FnOnce(&mut dyn FnMut(u64, u64), Option<&Arc<AtomicBool>>) -> Result<T, rekall_core::Error>,
    ) -> Result<T, Error> {
        let cancel = self.cancel.clone();
        let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let mut report = |done, total| self.report(count(done), count(total));
        Ok(work(&mut report, cancel.as_ref().map(CancelToken::shared_flag))?)
    }
}
