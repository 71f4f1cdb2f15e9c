//! Progress of many texts, and the wish to stop, across questions and retries.

use std::ops::ControlFlow;

use super::error::Failure;
use super::message::{self, PROGRESS};
use super::wire::Link;
use crate::Error;
use crate::embedder::Progress;

type Observe<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// Tells the other side how far the work is; where it is not there, the work stops.
pub(super) fn send_progress(link: &Link, progress: Progress) -> ControlFlow<()> {
    match link.send(PROGRESS, &message::progress(progress)) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    }
}

/// What an observer is told. A retry begins again, but what was reported is not taken back.
pub(super) struct Reports<'a> {
    last: Progress,
    observe: Observe<'a>,
}

impl<'a> Reports<'a> {
    pub(super) fn new(total: usize, observe: Observe<'a>) -> Self {
        Self { last: Progress { texts: 0, total, tokens: 0 }, observe }
    }

    pub(super) fn report(&mut self, progress: Progress) -> ControlFlow<()> {
        if progress.texts >= self.last.texts {
            self.last = progress;
        }
        (self.observe)(self.last)
    }
}

/// Many texts, asked about a part at a time.
pub(super) struct Parts<'a> {
    /// When the parts before the current one were done.
    before: Progress,
    /// Tokens of the current part, as far as it was told.
    tokens: usize,
    stopped: bool,
    observe: Observe<'a>,
}

impl<'a> Parts<'a> {
    pub(super) fn new(total: usize, observe: Observe<'a>) -> Self {
        Self { before: Progress { texts: 0, total, tokens: 0 }, tokens: 0, stopped: false, observe }
    }

    pub(super) fn done(&self) -> usize {
        self.before.texts
    }

    /// Asks about the next texts; what comes is told in terms of all.
    pub(super) fn ask<T>(
        &mut self,
        ask: impl FnOnce(Observe<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let Self { before, tokens, stopped, observe } = self;
        let asked = ask(&mut |progress| {
            *tokens = progress.tokens;
            let flow = observe(Progress {
                texts: before.texts + progress.texts,
                total: before.total,
                tokens: before.tokens.saturating_add(progress.tokens),
            });
            *stopped |= flow.is_break();
            flow
        });
        asked.map_err(|failure| match failure {
            Failure::Model(Error::Cancelled { done, .. }) => {
                Error::Cancelled { done: before.texts + done, total: before.total }.into()
            }
            Failure::Model(Error::Tokenize { index, reason }) => {
                Error::Tokenize { index: before.texts + index, reason }.into()
            }
            other => other,
        })
    }

    /// The part is done, of so many texts.
    ///
    /// # Errors
    /// [`Error::Cancelled`] when the observer asked to stop at the part's end, and more parts are to come.
    pub(super) fn end(&mut self, texts: usize) -> Result<(), Failure> {
        let Progress { texts: before, total, tokens } = self.before;
        let done = before + texts;
        self.before =
            Progress { texts: done, total, tokens: tokens.saturating_add(std::mem::take(&mut self.tokens)) };
        match self.stopped && done < total {
            true => Err(Error::Cancelled { done, total }.into()),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(texts: usize, total: usize, tokens: usize) -> Progress {
        Progress { texts, total, tokens }
    }

    #[test]
    fn parts_are_told_as_one_whole() {
        let mut heard = Vec::new();
        let mut observe = |progress: Progress| {
            heard.push((progress.texts, progress.total, progress.tokens));
            ControlFlow::Continue(())
        };
        let mut parts = Parts::new(5, &mut observe);
        for (texts, tokens) in [(3, 30), (2, 7)] {
            let told = parts.ask(|observe| Ok(observe(at(texts, texts, tokens)).is_break()));
            assert!(!told.unwrap());
            parts.end(texts).unwrap();
        }
        assert_eq!(parts.done(), 5);
        assert_eq!(heard, [(3, 5, 30), (5, 5, 37)]);
    }

    #[test]
    fn a_wish_to_stop_counts_at_the_end_of_a_part_but_not_of_the_whole() {
        let mut observe = |_| ControlFlow::Break(());
        let mut parts = Parts::new(5, &mut observe);
        for (texts, is_last) in [(3, false), (2, true)] {
            let flow = parts.ask(|observe| Ok(observe(at(texts, texts, 0))));
            assert!(flow.unwrap().is_break());
            match parts.end(texts) {
                Ok(()) => assert!(is_last),
                Err(Failure::Model(Error::Cancelled { done: 3, total: 5 })) => assert!(!is_last),
                Err(other) => panic!("{other:?}"),
            }
        }
        // Positions within a part are told among all.
        let mut parts = Parts::new(9, &mut observe);
        parts.end(4).unwrap();
        let failed = parts.ask::<()>(|_| Err(Error::Tokenize { index: 1, reason: String::new() }.into()));
        assert!(matches!(failed, Err(Failure::Model(Error::Tokenize { index: 5, .. }))));
        let stopped = parts.ask::<()>(|_| Err(Error::Cancelled { done: 2, total: 5 }.into()));
        assert!(matches!(stopped, Err(Failure::Model(Error::Cancelled { done: 6, total: 9 }))));
    }
}
