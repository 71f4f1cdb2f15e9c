//! Search by words.

use super::literal::{self, MOST_READ};
use crate::lock::lock;
use crate::sqlite::SqliteTx;
use crate::store::MatchEntries;
use crate::store::ReadExpiry;
use crate::store::SearchWords;
use crate::words::TextQuery;
use crate::words::index::{Request, WordHit, search};
use crate::{Error, Filter, Status};
use rusqlite::Connection;
use std::ops::Deref;
use std::sync::atomic::AtomicBool;

impl<C: Deref<Target = Connection>> SearchWords for SqliteTx<'_, C> {
    fn search_words(&self, query: &TextQuery, filter: &Filter, limit: usize) -> Result<Vec<WordHit>, Error> {
        if filter.is_unconditional() && filter.status != Some(Status::Obsolete) {
            let mut hidden = if filter.status.is_some() { self.obsolete()? } else { Vec::new() };
            if !filter.include_expired {
                hidden.extend(self.expired()?);
            }
            hidden.sort_unstable();
            return self.search_words_among(query, &|row| hidden.binary_search(&row).is_err(), limit, None);
        }
        let matching = self.matching(filter)?;
        self.search_words_among(query, &|row| matching.binary_search(&row).is_ok(), limit, None)
    }

    fn search_words_among(
        &self,
        query: &TextQuery,
        admitted: &dyn Fn(i64) -> bool,
        limit: usize,
        cancel: Option<&AtomicBool>,
    ) -> Result<Vec<WordHit>, Error> {
        if query.is_empty() {
            return Ok(Vec::new());
        }
        let view = self.word_view(cancel)?;
        let compares = !query.literals().is_empty() && limit > 0;
        let depth = if compares { limit.max(MOST_READ) } else { limit };
        let request =
            Request { words: query.words(), phrases: query.phrases(), admitted, limit: depth, cancel };
        let mut scratch = lock(&self.store.word_scratch).take().unwrap_or_default();
        let hits = view.with_sources(&self.connection, |sources| search(sources, &request, &mut scratch));
        *lock(&self.store.word_scratch) = Some(scratch);
        let mut hits = hits?;
        if compares {
            literal::prefer(&self.connection, query.literals(), &mut hits, cancel)?;
            if let Some(last) = hits.get(limit - 1).map(|hit| hit.score) {
                hits.retain(|hit| hit.score >= last);
            }
        }
        Ok(hits)
    }

    fn fault_of_words(&self) -> Result<Option<String>, Error> {
        self.word_view(None)?.fault(&self.connection, self.count_entries()?)
    }

    fn fault_of_tags(&self) -> Result<Option<String>, Error> {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM tag) AND EXISTS (SELECT 1 FROM entry WHERE tags <> '[]')";
        let are_gone: bool = self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(are_gone.then(|| "no tag is in the index of tags".to_owned()))
    }
}
