//! Searches that a newer one of the same key stops; see [`Recall::supersede`](crate::Recall::supersede).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{CancelToken, Error};

/// The newest search of each key, while it runs.
#[derive(Debug, Default)]
pub(crate) struct NewestSearches {
    newest: Mutex<HashMap<String, CancelToken>>,
}

/// A search that runs. When it is dropped and still the newest of its key, the key is free again.
pub(crate) struct RunningSearch<'a> {
    searches: &'a NewestSearches,
    key: Option<&'a str>,
    /// What stops this search alone; the caller's own token where there is no key.
    token: Option<CancelToken>,
    outer: Option<&'a CancelToken>,
}

impl NewestSearches {
    /// Begins a search, and stops an older one of the same key. `outer` stops the new one, too.
    pub(crate) fn begin<'a>(
        &'a self,
        key: Option<&'a str>,
        outer: Option<&'a CancelToken>,
    ) -> RunningSearch<'a> {
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
        RunningSearch { searches: self, key, token, outer }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, CancelToken>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunningSearch<'_> {
    /// What stops the search.
    pub(crate) fn token(&self) -> Option<&CancelToken> {
        self.token.as_ref()
    }

    /// Tells a search that was superseded from one that its caller stopped.
    pub(crate) fn explain_interruption(&self, error: Error) -> Error {
        match (&error, self.key) {
            (Error::Interrupted, Some(key)) if !self.outer.is_some_and(CancelToken::is_cancelled) => {
                Error::Superseded { key: key.to_owned() }
            }
            _ => error,
        }
    }
}

impl Drop for RunningSearch<'_> {
    fn drop(&mut self) {
        if let (Some(key), Some(own)) = (self.key, &self.token) {
            let mut newest = self.searches.lock();
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
    fn a_newer_search_stops_the_older_one_of_its_key_alone() {
        let searches = NewestSearches::default();
        let (first, other) = (searches.begin(Some("a"), None), searches.begin(Some("b"), None));
        let second = searches.begin(Some("a"), None);
        let stopped = |search: &RunningSearch<'_>| search.token().unwrap().is_cancelled();
        assert!(stopped(&first) && !stopped(&other) && !stopped(&second));
        let message = first.explain_interruption(Error::Interrupted).to_string();
        assert!(message.contains("\"a\""), "{message}");
        // The older one ends late: the newer one keeps its key.
        drop(first);
        let third = searches.begin(Some("a"), None);
        assert!(stopped(&second) && !stopped(&third));
        drop((second, third, other));
        assert!(searches.lock().is_empty());
    }

    #[test]
    fn the_callers_token_counts_too() {
        let (searches, token) = (NewestSearches::default(), CancelToken::new());
        let search = searches.begin(Some("a"), Some(&token));
        token.cancel();
        assert!(search.token().unwrap().is_cancelled());
        assert!(matches!(search.explain_interruption(Error::Interrupted), Error::Interrupted));
    }
}
