//! Search by words.

use std::sync::atomic::AtomicBool;

use super::WordIndex;
use super::literal::{self, MOST_READ};
use crate::store::{MatchEntries, ReadExpiry};
use crate::words::TextQuery;
use crate::words::index::{Request, WordHit, search};
use crate::{Error, Filter, Status};

/// A search among the entries that pass a filter, as [`SearchWords::search_words`](crate::store::SearchWords::search_words)
/// promises it.
///
/// # Errors
/// What the engine fails with, [`Error::Corrupt`].
pub fn search_words<T: MatchEntries + ReadExpiry + ?Sized>(
    tx: &T,
    index: &WordIndex<'_>,
    query: &TextQuery,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<WordHit>, Error> {
    if filter.is_unconditional() && filter.status != Some(Status::Obsolete) {
        let mut hidden = if filter.status.is_some() { tx.obsolete()? } else { Vec::new() };
        if !filter.include_expired {
            hidden.extend(tx.expired()?);
        }
        hidden.sort_unstable();
        return index.search(query, &|row| hidden.binary_search(&row).is_err(), limit, None);
    }
    let matching = tx.matching(filter)?;
    index.search(query, &|row| matching.binary_search(&row).is_ok(), limit, None)
}

impl WordIndex<'_> {
    /// A search, as [`SearchWords::search_words_among`](crate::store::SearchWords::search_words_among) promises it.
    ///
    /// # Errors
    /// What the engine fails with, [`Error::Corrupt`], [`Error::Interrupted`].
    pub fn search(
        &self,
        query: &TextQuery,
        admitted: &dyn Fn(i64) -> bool,
        limit: usize,
        cancel: Option<&AtomicBool>,
    ) -> Result<Vec<WordHit>, Error> {
        if query.is_empty() {
            return Ok(Vec::new());
        }
        let view = self.view(cancel)?;
        let compares = !query.literals().is_empty() && limit > 0;
        let depth = if compares { limit.max(MOST_READ) } else { limit };
        let request =
            Request { words: query.words(), phrases: query.phrases(), admitted, limit: depth, cancel };
        let terms: Vec<&[u8]> =
            query.words().iter().flat_map(|word| &word.forms).map(|form| form.term.as_bytes()).collect();
        let hits = view.with_sources(self.tables, &terms, |sources| {
            self.memory.with_scratch(|scratch| search(sources, &request, scratch))
        })?;
        let mut hits = hits?;
        if compares {
            literal::prefer(self.tables, query.literals(), &mut hits, cancel)?;
            if let Some(last) = hits.get(limit - 1).map(|hit| hit.score) {
                hits.retain(|hit| hit.score >= last);
            }
        }
        Ok(hits)
    }
}
