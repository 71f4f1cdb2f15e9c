//! Searches that give way to newer ones.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{CancelToken, Error};

/// The newest search of each key, while it runs.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    newest: Mutex<HashMap<String, CancelToken>>,
}

/// One search's turn; over when it goes.
pub(crate) struct Turn<'a> {
    turns: &'a Turns,
    key: Option<&'a str>,
    /// What stops this search alone; the caller's own token where there is no key.
    token: Option<CancelToken>,
    outer: Option<&'a CancelToken>,
}

impl Turns {
    /// Begins a search, and stops an older one of the same key. `outer` stops the new one, too.
    pub(crate) fn take<'a>(&'a self, key: Option<&'a str>, outer: Option<&'a CancelToken>) -> Turn<'a> {
        let token = match (key, outer) {
            (None, outer) => outer.cloned(),
            (Some(_), Some(outer)) => Some(outer.child()),
            (Some(_), None) => Some(CancelToken::new()),
        };
        if let (Some(key), Some(token)) = (key, &token)
            && let Some(older) = self.lock().insert(key.to_owned(), token.clone())
        {
            older.cancel();
        }
        Turn { turns: self, key, token, outer }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, CancelToken>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// What stops the search.
    pub(crate) fn token(&self) -> Option<&CancelToken> {
        self.token.as_ref()
    }

    /// Tells a search that was superseded from one that its caller stopped.
    pub(crate) fn explain(&self, error: Error) -> Error {
        match (&error, self.key) {
            (Error::Interrupted, Some(key)) if !self.outer.is_some_and(CancelToken::is_cancelled) => {
                Error::Superseded { key: key.to_owned() }
            }
            _ => error,
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let (Some(key), Some(own)) = (self.key, &self.token) {
            let mut newest = self.turns.lock();
            if newest.get(key).is_some_and(|token| token.is_same(own)) {
                newest.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_turn_stops_the_older_one_of_its_key_alone() {
        let turns = Turns::default();
        let (first, other) = (turns.take(Some("a"), None), turns.take(Some("b"), None));
        let second = turns.take(Some("a"), None);
        let stopped = |turn: &Turn<'_>| turn.token().unwrap().is_cancelled();
        assert!(stopped(&first) && !stopped(&other) && !stopped(&second));
        let told = first.explain(Error::Interrupted).to_string();
        assert!(told.contains("\"a\""), "{told}");
        // The older one ends late: the newer one keeps its turn.
        drop(first);
        let third = turns.take(Some("a"), None);
        assert!(stopped(&second) && !stopped(&third));
        drop((second, third, other));
        assert!(turns.lock().is_empty());
    }

    #[test]
    fn the_callers_token_counts_too() {
        let (turns, token) = (Turns::default(), CancelToken::new());
        let turn = turns.take(Some("a"), Some(&token));
        token.cancel();
        assert!(turn.token().unwrap().is_cancelled());
        assert!(matches!(turn.explain(Error::Interrupted), Error::Interrupted));
    }
}
