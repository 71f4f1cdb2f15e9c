//! Entries like a given one.

use std::collections::HashMap;
use std::time::Instant;

use rekall_core::{Filter, Role};
use rekall_index::{Neighbor, Roles};

use super::candidates::Candidate;
use super::health::note_missing_vectors;
use super::hit::{Degraded, Explain, Hit, Recalled, RetrievalScore};
use super::options::check_limit;
use super::rank::Ranked;
use super::read_hits::{Read, read_best};
use super::retrieve::{Admitted, SemanticRetriever};
use crate::retry::{Attempt, retry};
use crate::vector_index::Snapshot;
use crate::{CancelToken, Entry, EntryId, Error, Rekall};

/// A search for entries like a given one, in the making; see [`Rekall::similar_to`].
#[must_use = "nothing is searched before run()"]
#[derive(Debug, Clone)]
pub struct Similar<'a> {
    rekall: &'a Rekall,
    id: EntryId,
    limit: usize,
    threshold: Option<f32>,
    filter: Filter,
    cancel: Option<CancelToken>,
}

/// The given entry: its row, and the vectors of its summary.
struct Own {
    row: i64,
    vectors: Vec<Vec<f32>>,
}

impl Rekall {
    /// Begins a search for entries whose summary is like that of a given entry, which itself is left out.
    /// Goes by stored vectors: needs no model.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("host's model", 2).open()?;
    /// # let first = rekall.remember_with_vector(NewEntry::new("disk full"), &[0.6, 0.8])?;
    /// # rekall.remember_with_vector(NewEntry::new("no space left").project("ci"), &[0.8, 0.6])?;
    /// let found = rekall.similar_to(first).threshold(0.9).run()?;
    /// assert_eq!(found[0].entry.title, "no space left");
    /// # Ok(())
    /// # }
    /// ```
    pub fn similar_to(&self, id: EntryId) -> Similar<'_> {
        Similar { rekall: self, id, limit: 10, threshold: None, filter: Filter::default(), cancel: None }
    }
}

impl Similar<'_> {
    /// The most hits wanted, 1 to 100,000. Default 10.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("host's model", 2).open()?;
    /// # let first = rekall.remember_with_vector(NewEntry::new("disk full"), &[0.6, 0.8])?;
    /// # rekall.remember_with_vector(NewEntry::new("no space left").project("ci"), &[0.8, 0.6])?;
    /// assert_eq!(rekall.similar_to(first).limit(1).run()?.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// The least similarity of a hit, -1 to 1. Default: one that means something in this file, for this entry
    /// and with this model. It comes from the 16 entries nearest to the given one in a sample of up to 1,024
    /// that is spread over the file: the similarity that 98 of 100 pairs of them do not reach, so that not even
    /// 1 of 100 pairs of unrelated entries of one language does; 0.98 at the most, and 0.75 in a file of fewer
    /// entries. [`Recalled::threshold`] says which it was. After a change of the file the next search takes
    /// the sample, in some milliseconds; none does with a threshold given here.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("host's model", 2).open()?;
    /// # let first = rekall.remember_with_vector(NewEntry::new("disk full"), &[0.6, 0.8])?;
    /// # rekall.remember_with_vector(NewEntry::new("no space left").project("ci"), &[0.8, 0.6])?;
    /// assert_eq!(rekall.similar_to(first).threshold(0.99).run()?.len(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn threshold(mut self, similarity: f32) -> Self {
        self.threshold = Some(similarity);
        self
    }

    /// Which entries may be found. Default: active ones.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{Filter, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("host's model", 2).open()?;
    /// # let first = rekall.remember_with_vector(NewEntry::new("disk full"), &[0.6, 0.8])?;
    /// # rekall.remember_with_vector(NewEntry::new("no space left").project("ci"), &[0.8, 0.6])?;
    /// assert_eq!(rekall.similar_to(first).filter(Filter::new().project("home")).run()?.len(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn filter(mut self, filter: impl Into<Filter>) -> Self {
        self.filter = filter.into();
        self
    }

    /// Stops the search when the token is cancelled.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{CancelToken, NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("host's model", 2).open()?;
    /// # let first = rekall.remember_with_vector(NewEntry::new("disk full"), &[0.6, 0.8])?;
    /// # rekall.remember_with_vector(NewEntry::new("no space left").project("ci"), &[0.8, 0.6])?;
    /// let token = CancelToken::new();
    /// assert_eq!(rekall.similar_to(first).cancel(&token).run()?.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn cancel(mut self, token: &CancelToken) -> Self {
        self.cancel = Some(token.clone());
        self
    }

    /// Searches. An entry of several chunks is compared chunk by chunk; the nearest pair counts.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("host's model", 2).open()?;
    /// # let first = rekall.remember_with_vector(NewEntry::new("disk full"), &[0.6, 0.8])?;
    /// # rekall.remember_with_vector(NewEntry::new("no space left").project("ci"), &[0.8, 0.6])?;
    /// for hit in rekall.similar_to(first).run()? {
    ///     println!("{:.2} {}", hit.score, hit.entry.title);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] for an unknown id, [`Error::NotEmbedded`] for an entry without a vector,
    /// [`Error::InvalidLimit`], [`Error::InvalidThreshold`], [`Error::Interrupted`].
    pub fn run(self) -> Result<Recalled, Error> {
        let started = Instant::now();
        check_limit(self.limit)?;
        if let Some(got) = self.threshold.filter(|threshold| !(-1.0..=1.0).contains(threshold)) {
            return Err(Error::InvalidThreshold { got });
        }
        self.filter.validate()?;
        let store = &self.rekall.store;
        let cancel = self.cancel.as_ref();
        let (hits, degraded, threshold) = self.rekall.vector_index.consistently(cancel, |snapshot| {
            let mut degraded = Vec::new();
            note_missing_vectors(snapshot, &self.rekall.models.load(), &mut degraded)?;
            self.rekall.health.note_damage(&**store, &*snapshot.tx, false, &self.filter, &mut degraded)?;
            let (own, threshold) = self.compared(snapshot)?;
            let (hits, unreadable) = self.search(snapshot, &own, threshold)?;
            if !unreadable.is_empty() {
                degraded.push(Degraded::Unreadable { ids: unreadable });
            }
            Ok((hits, degraded, threshold))
        })?;
        Ok(Recalled { hits, degraded, known: None, threshold: Some(threshold), elapsed: started.elapsed() })
    }

    /// The hits, and which of the entries found cannot be read. Looks deeper where these took the places of
    /// hits.
    fn search(
        &self,
        snapshot: &Snapshot<'_>,
        own: &Own,
        threshold: f32,
    ) -> Result<(Vec<Hit>, Vec<EntryId>), Error> {
        retry(0, |spare| {
            let nearest = self.nearest(snapshot, own, threshold, spare)?;
            let Read { entries, unreadable, spans, .. } = read_best(snapshot, nearest, self.limit, None)?;
            if unreadable.len() > spare {
                return Ok(Attempt::Outdated(unreadable.len()));
            }
            let hit = |(at, (Ranked { score, candidate, .. }, entry)): (usize, (Ranked, Entry))| Hit {
                entry,
                score,
                similarity: candidate.similarity(),
                chunk: candidate.nearest.and_then(|near| spans.chunk(near.key)),
                snippet: None,
                explain: Explain {
                    semantic: candidate.nearest.map(|near| RetrievalScore::by_meaning(at + 1, &near)),
                    ..Explain::default()
                },
            };
            let hits = entries.into_iter().enumerate().map(hit).collect();
            Ok(Attempt::Done((hits, unreadable)))
        })
    }

    /// The given entry, and the least similarity of a hit.
    fn compared(&self, snapshot: &Snapshot<'_>) -> Result<(Own, f32), Error> {
        let row = snapshot.tx.row_of(self.id)?;
        let space = snapshot.view.space.as_ref().ok_or(Error::NotEmbedded { id: self.id })?;
        let batch = snapshot.tx.vectors_of(space, &[row])?;
        let vectors = batch.keys.iter().zip(batch.rows.chunks_exact(space.dimensions));
        let of_summary = vectors.filter(|(key, _)| key.role == Role::Summary.number());
        let own = Own { row, vectors: of_summary.map(|(_, vector)| vector.to_vec()).collect() };
        if own.vectors.is_empty() {
            return Err(Error::NotEmbedded { id: self.id });
        }
        let threshold = match self.threshold {
            Some(given) => given,
            None => {
                let vectors: Vec<&[f32]> = own.vectors.iter().map(Vec::as_slice).collect();
                self.rekall.base_similarity.sample(snapshot, space)?.threshold(row, &vectors)
            }
        };
        Ok((own, threshold))
    }

    /// The nearest entries, best first, and `spare` more than wanted.
    fn nearest(
        &self,
        snapshot: &Snapshot<'_>,
        own: &Own,
        threshold: f32,
        spare: usize,
    ) -> Result<Vec<Ranked>, Error> {
        let admitted = Admitted::new(snapshot, &self.filter, self.rekall.store.now_ms())?;
        let retriever = SemanticRetriever {
            admitted: &admitted,
            roles: Roles::only(Role::Summary.number()),
            cancel: self.cancel.as_ref(),
            threads: self.rekall.opening.settings.search_threads,
        };
        let mut best: HashMap<i64, Neighbor> = HashMap::new();
        for vector in &own.vectors {
            // One more than wanted, because the entry finds itself.
            for near in retriever.nearest(snapshot, vector, self.limit + 1 + spare)? {
                let known = best.entry(near.key.entry).or_insert(near);
                if near.rank_cmp(known).is_lt() {
                    *known = near;
                }
            }
        }
        best.remove(&own.row);
        let mut nearest: Vec<Neighbor> =
            best.into_values().filter(|near| near.similarity >= threshold).collect();
        nearest.sort_by(Neighbor::rank_cmp);
        let ranked = |near: Neighbor| {
            let candidate = Candidate { nearest: Some(near), ..Candidate::new(near.key.entry) };
            Ranked::new(near.similarity.into(), candidate)
        };
        Ok(nearest.into_iter().map(ranked).collect())
    }
}
