//! Entries like a given one.

use std::collections::HashMap;
use std::time::Instant;

use rekall_core::{Filter, Role};
use rekall_index::{Error as IndexError, Neighbor, Roles};

use super::hit::{Degraded, Explain, Hit, Leg, Recalled};
use super::options::check_limit;
use super::retrieve::{Admitted, Semantic};
use super::search::{hit_chunk, note_missing_vectors};
use crate::vector_index::Snapshot;
use crate::{CancelToken, EntryId, Error, Rekall};

/// A search for entries like a given one, in the making; see [`Rekall::similar_to`].
#[must_use = "nothing is searched before run()"]
#[derive(Debug, Clone)]
pub struct Similar<'a> {
    rekall: &'a Rekall,
    id: EntryId,
    limit: usize,
    threshold: f32,
    filter: Filter,
    cancel: Option<CancelToken>,
}

impl Rekall {
    /// Begins a search for entries whose summary is like that of a given entry, which itself is left out.
    /// Goes by stored vectors: needs no model.
    pub fn similar_to(&self, id: EntryId) -> Similar<'_> {
        Similar { rekall: self, id, limit: 10, threshold: 0.75, filter: Filter::default(), cancel: None }
    }
}

impl Similar<'_> {
    /// The most hits wanted, 1 to 100,000. Default 10.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// The least similarity of a hit, -1 to 1. Default 0.75.
    pub fn threshold(mut self, similarity: f32) -> Self {
        self.threshold = similarity;
        self
    }

    /// Which entries may be found. Default: active ones.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// Stops the search when the token is cancelled.
    pub fn cancel(mut self, token: &CancelToken) -> Self {
        self.cancel = Some(token.clone());
        self
    }

    /// Searches. An entry of several chunks is compared chunk by chunk; the nearest pair counts.
    ///
    /// # Errors
    /// [`Error::Core`] for an unknown id, [`Error::NotEmbedded`] for an entry without a vector,
    /// [`Error::InvalidLimit`], [`Error::InvalidThreshold`], [`Error::Interrupted`].
    pub fn run(self) -> Result<Recalled, Error> {
        let started = Instant::now();
        check_limit(self.limit)?;
        if !(-1.0..=1.0).contains(&self.threshold) {
            return Err(Error::InvalidThreshold { got: self.threshold });
        }
        let (store, events) = (&self.rekall.store, &self.rekall.events);
        self.filter.validate()?;
        let cancel = self.cancel.as_ref();
        let (hits, degraded) = self.rekall.vector_index.consistently(store, events, cancel, |snapshot| {
            let mut degraded = Vec::new();
            note_missing_vectors(snapshot, &mut degraded)?;
            self.rekall.health.tell(store, false, &self.filter, &mut degraded)?;
            let mut spare = 0;
            loop {
                let (hits, unreadable) = self.search(snapshot, spare)?;
                if unreadable.len() > spare {
                    // Entries that cannot be read took the places of others.
                    spare = unreadable.len();
                    continue;
                }
                if !unreadable.is_empty() {
                    degraded.push(Degraded::Unreadable { ids: unreadable });
                }
                return Ok((hits, degraded));
            }
        })?;
        Ok(Recalled { hits, degraded, elapsed: started.elapsed() })
    }

    /// The hits, and which of the entries found cannot be read.
    fn search(&self, snapshot: &Snapshot<'_>, spare: usize) -> Result<(Vec<Hit>, Vec<EntryId>), Error> {
        let own = snapshot.tx.row_of(self.id)?;
        let space = snapshot.view.space.as_ref().ok_or(Error::NotEmbedded { id: self.id })?;
        let batch = snapshot.tx.vectors_of(space, &[own])?;
        let admitted = Admitted::new(&snapshot.tx, &self.filter)?;
        let summary = Role::Summary.number();
        let leg = Semantic {
            admitted: &admitted,
            roles: Roles::only(summary),
            cancel: self.cancel.as_ref(),
            threads: self.rekall.settings.search_threads,
        };
        let mut best: HashMap<i64, Neighbor> = HashMap::new();
        let mut compared = false;
        for (key, vector) in batch.keys.iter().zip(batch.rows.chunks_exact(space.dimensions)) {
            if key.role != summary {
                continue;
            }
            compared = true;
            // One more than wanted, because the entry finds itself.
            for near in leg.nearest(snapshot, vector, self.limit + 1 + spare)? {
                let known = best.entry(near.key.entry).or_insert(near);
                if near.rank_cmp(known).is_lt() {
                    *known = near;
                }
            }
        }
        if !compared {
            return Err(Error::NotEmbedded { id: self.id });
        }
        best.remove(&own);
        let mut nearest: Vec<Neighbor> =
            best.into_values().filter(|near| near.similarity >= self.threshold).collect();
        nearest.sort_by_key(|near| near.key.entry);
        let rows: Vec<i64> = nearest.iter().map(|near| near.key.entry).collect();
        let mut entries: HashMap<i64, _> = snapshot.tx.readable_entries(&rows)?.into_iter().collect();
        let (mut hits, mut unreadable) = (Vec::with_capacity(rows.len()), Vec::new());
        for near in nearest {
            let entry = match entries.remove(&near.key.entry) {
                Some(Ok(entry)) => entry,
                Some(Err(rekall_core::Error::UnreadableEntry { id, .. })) => {
                    unreadable.push(id);
                    continue;
                }
                Some(Err(error)) => return Err(error.into()),
                // As in any other search: anew without what is not there.
                None => return Err(IndexError::MissingRow { key: near.key }.into()),
            };
            hits.push(Hit {
                entry,
                score: near.similarity.into(),
                similarity: Some(near.similarity),
                chunk: hit_chunk(snapshot, near.key)?,
                snippet: None,
                explain: Explain::default(),
            });
        }
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.entry.id.cmp(&b.entry.id)));
        hits.truncate(self.limit);
        for (at, hit) in hits.iter_mut().enumerate() {
            hit.explain.semantic = Some(Leg { rank: at + 1, score: hit.score });
        }
        unreadable.sort_unstable();
        Ok((hits, unreadable))
    }
}
