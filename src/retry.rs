//! Work that starts over when what it was based on changed meanwhile.

use crate::Error;

/// What one attempt came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Attempt<T, S = ()> {
    Done(T),
    /// What the attempt was based on has changed. The next one starts from this state.
    Outdated(S),
}

impl<T, S> Attempt<T, S> {
    pub(crate) fn map<U>(self, with: impl FnOnce(T) -> U) -> Attempt<U, S> {
        match self {
            Self::Done(done) => Attempt::Done(with(done)),
            Self::Outdated(state) => Attempt::Outdated(state),
        }
    }

    pub(crate) fn done(self) -> Option<T> {
        match self {
            Self::Done(done) => Some(done),
            Self::Outdated(_) => None,
        }
    }
}

/// Repeats an attempt, each time from the state that the one before ended with, until one is done or fails.
/// Where others may change the file without end it is the attempt that sets a bound, because only it knows
/// another way.
pub(crate) fn retry<T, S>(
    mut state: S,
    mut attempt: impl FnMut(S) -> Result<Attempt<T, S>, Error>,
) -> Result<T, Error> {
    loop {
        match attempt(state)? {
            Attempt::Done(done) => return Ok(done),
            Attempt::Outdated(newer) => state = newer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_go_on_from_the_newer_state_until_one_is_done_or_fails() {
        let mut seen = Vec::new();
        let mut until = |last: u32, end: Result<Attempt<&'static str, u32>, Error>| {
            seen.clear();
            let mut end = Some(end);
            let result = retry(1, |state| {
                seen.push(state);
                if state < last { Ok(Attempt::Outdated(state + 1)) } else { end.take().unwrap() }
            });
            (result, seen.clone())
        };
        let (done, states) = until(3, Ok(Attempt::Done("done")));
        assert_eq!((done.unwrap(), states), ("done", vec![1, 2, 3]));
        let (failed, states) = until(2, Err(Error::NoModel));
        assert!(matches!(failed, Err(Error::NoModel)));
        assert_eq!(states, [1, 2]);
    }
}
