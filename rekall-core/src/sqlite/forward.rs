//! Walks through a file that may be damaged.

use std::fmt::Display;

use crate::Error;

/// A walk by an ascending key. Pages in the wrong order give keys that go back: a walk that goes on from them would never
/// end, and one that does not would leave rows out, unnoticed.
pub(crate) struct Forward<K> {
    what: &'static str,
    last: Option<K>,
}

impl<K: Ord + Display> Forward<K> {
    /// Begins after a key; `None`: at the beginning.
    pub(crate) fn after(what: &'static str, last: Option<K>) -> Self {
        Self { what, last }
    }

    /// Takes the next key. [`Error::Corrupt`] when it is not greater than the one before.
    pub(crate) fn step(&mut self, key: K) -> Result<(), Error> {
        match &self.last {
            Some(last) if key <= *last => Err(Error::Corrupt {
                detail: format!("{} must go forward, got {key} after {last}", self.what),
            }),
            _ => {
                self.last = Some(key);
                Ok(())
            }
        }
    }
}
