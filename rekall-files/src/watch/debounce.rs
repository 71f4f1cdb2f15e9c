//! Gathering changes until they rest. Time is given with each call.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::Changes;

/// Changes that do not end are reported after so many times the rest.
const LONGEST: u32 = 10;

#[derive(Debug)]
pub(super) struct Debounce {
    rest: Duration,
    paths: BTreeSet<PathBuf>,
    everything: bool,
    /// When the first and the last change came.
    span: Option<(Instant, Instant)>,
}

impl Debounce {
    pub(super) fn new(rest: Duration) -> Self {
        Self { rest, paths: BTreeSet::new(), everything: false, span: None }
    }

    pub(super) fn path(&mut self, path: PathBuf, now: Instant) {
        self.paths.insert(path);
        self.changed(now);
    }

    pub(super) fn everything(&mut self, now: Instant) {
        self.everything = true;
        self.changed(now);
    }

    fn changed(&mut self, now: Instant) {
        let (first, _) = self.span.unwrap_or((now, now));
        self.span = Some((first, now));
    }

    /// When the changes are to be reported, unless more come.
    pub(super) fn due(&self) -> Option<Instant> {
        let (first, last) = self.span?;
        Some((last + self.rest).min(first + self.rest * LONGEST))
    }

    /// The changes, if it is time to report them.
    pub(super) fn take(&mut self, now: Instant) -> Option<Changes> {
        self.due().filter(|due| now >= *due)?;
        self.span = None;
        let paths = std::mem::take(&mut self.paths).into_iter().collect();
        Some(Changes { paths, everything: std::mem::take(&mut self.everything) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_secs(1);

    #[test]
    fn changes_wait_until_they_rest() {
        let start = Instant::now();
        let mut debounce = Debounce::new(REST);
        assert_eq!((debounce.due(), debounce.take(start)), (None, None));
        debounce.path("b".into(), start);
        debounce.path("a".into(), start + REST / 2);
        debounce.path("b".into(), start + REST / 2);
        assert_eq!(debounce.take(start + REST), None);
        assert_eq!(debounce.due(), Some(start + REST / 2 + REST));
        let changes = debounce.take(start + REST * 2).unwrap();
        assert_eq!((changes.paths, changes.everything), (vec!["a".into(), "b".into()], false));
        assert_eq!(debounce.take(start + REST * 9), None);
    }

    #[test]
    fn changes_that_do_not_end_are_reported() {
        let start = Instant::now();
        let mut debounce = Debounce::new(REST);
        let mut reported = 0;
        for half in 0..40 {
            let now = start + REST * half / 2;
            debounce.path("a".into(), now);
            reported += usize::from(debounce.take(now).is_some());
        }
        assert_eq!(reported, 1);
    }

    #[test]
    fn everything_is_said_once() {
        let start = Instant::now();
        let mut debounce = Debounce::new(REST);
        debounce.everything(start);
        assert!(debounce.take(start + REST).unwrap().everything);
        debounce.path("a".into(), start + REST);
        assert!(!debounce.take(start + REST * 2).unwrap().everything);
    }
}
