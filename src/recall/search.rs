//! Searching for one query or several, over one consistent snapshot.

use std::sync::Arc;
use std::time::Instant;

use rekall_core::{Error as CoreError, Role, Snippets, Space, TextQuery, VectorKey};
use rekall_index::{Error as IndexError, Key, Neighbor};

use super::candidates::{Candidate, Candidates};
use super::hit::{Degraded, Explain, Hit, HitChunk, Recalled};
use super::options::{Mode, Options};
use super::query::Query;
use super::retrieve::{Admitted, Semantic, by_words};
use crate::cancel::check_cancelled;
use crate::models::pieces::normalized;
use crate::vector_index::Snapshot;
use crate::{CancelToken, Entry, EntryId, Error, Rekall};

/// How deep each leg of a hybrid search looks, at the least. What only one leg knows of an entry beyond that depth has
/// little weight in either fusion; to ask the word leg about every candidate of the other would double its cost.
const MIN_DEPTH: usize = 100;

/// Words in a snippet.
const SNIPPET_WORDS: usize = 24;

/// Searches for each of the queries; all see the file as it is at one moment.
pub(super) fn run(
    rekall: &Rekall,
    queries: &[Query<'_>],
    options: &Options<'_>,
) -> Result<Vec<Recalled>, Error> {
    let started = Instant::now();
    options.validate()?;
    queries.iter().try_for_each(|query| query.validate(options.mode))?;
    let search = rekall.newest_searches.begin(options.supersede, options.cancel.as_ref());
    let job = Job { rekall, options, cancel: search.token() };
    let found = job.run(queries).map_err(|error| search.explain_interruption(error))?;
    let elapsed = started.elapsed();
    Ok(found.into_iter().map(|(hits, degraded)| Recalled { hits, degraded, elapsed }).collect())
}

/// What all queries of a search share.
struct Job<'a> {
    rekall: &'a Rekall,
    options: &'a Options<'a>,
    cancel: Option<&'a CancelToken>,
}

/// A query made ready for one space.
struct Ready<'q> {
    query: &'q Query<'q>,
    /// Unit vector in the space; `None` when meaning is not, or cannot be, searched.
    vector: Option<Arc<[f32]>>,
    degraded: Vec<Degraded>,
}

type Answer = (Vec<Hit>, Vec<Degraded>);

impl Job<'_> {
    fn run(&self, queries: &[Query<'_>]) -> Result<Vec<Answer>, Error> {
        let (store, events) = (&self.rekall.store, &self.rekall.events);
        let index = &self.rekall.vector_index;
        let mut space = index.view(store, events)?.space.clone();
        loop {
            // Embedding comes before the snapshot: a model may take seconds to load.
            let ready: Result<Vec<_>, _> =
                queries.iter().map(|query| self.ready(query, space.as_ref())).collect();
            let ready = match ready {
                Err(error @ Error::ModelMismatch { .. }) => {
                    // Model and file may both have been changed since the look at the file.
                    let now = index.view(store, events)?.space.clone();
                    if now == space {
                        return Err(error);
                    }
                    space = now;
                    continue;
                }
                ready => ready?,
            };
            check_cancelled(self.cancel)?;
            let found = index.consistently(store, events, self.cancel, |snapshot| {
                if snapshot.view.space != space {
                    // The file's model was changed meanwhile.
                    return Ok(Err(snapshot.view.space.clone()));
                }
                self.search(snapshot, &ready).map(Ok)
            })?;
            match found {
                Ok(answers) => return Ok(answers),
                Err(now) => space = now,
            }
        }
    }

    fn ready<'q>(&self, query: &'q Query<'q>, space: Option<&Space>) -> Result<Ready<'q>, Error> {
        check_cancelled(self.cancel)?;
        let mut degraded = Vec::new();
        let mode = query.mode(self.options.mode);
        let vector = match (space, query.vector, query.text) {
            (None, ..) => None,
            (Some(space), Some(vector), _) => Some(normalized(vector, space.dimensions)?.into()),
            (Some(space), None, Some(text)) if mode != Mode::Text => {
                match self.rekall.query_vector(space, text, self.options.keep_alive) {
                    Ok(vector) => Some(vector),
                    Err(error) if mode == Mode::Hybrid && !matches!(error, Error::Interrupted) => {
                        degraded.push(Degraded::WordsOnly { reason: error.to_string() });
                        None
                    }
                    Err(error) => return Err(error),
                }
            }
            (Some(_), None, _) => None,
        };
        Ok(Ready { query, vector, degraded })
    }

    /// Searches deeper where entries that cannot be read took the places of hits.
    fn search(&self, snapshot: &Snapshot<'_>, queries: &[Ready<'_>]) -> Result<Vec<Answer>, Error> {
        let mut spare = 0;
        loop {
            let (answers, unreadable) = self.search_with(snapshot, queries, spare)?;
            if unreadable <= spare {
                return Ok(answers);
            }
            spare = unreadable;
        }
    }

    /// The answers, and the most entries that could not be read of any. Each leg looks `spare` entries deeper.
    fn search_with(
        &self,
        snapshot: &Snapshot<'_>,
        queries: &[Ready<'_>],
        spare: usize,
    ) -> Result<(Vec<Answer>, usize), Error> {
        let mut most_unreadable = 0;
        let mut nearest = self.by_meaning(snapshot, queries, spare)?.into_iter();
        let mut answers = Vec::with_capacity(queries.len());
        for ready in queries {
            check_cancelled(self.cancel)?;
            let (mode, text) = (ready.query.mode(self.options.mode), ready.query.text);
            let mut degraded = ready.degraded.clone();
            let mut found = Candidates::default();
            let mut snippets = None;
            if mode != Mode::Text && ready.vector.is_some() {
                found.add_nearest(&nearest.next().unwrap_or_default());
            }
            if mode != Mode::Semantic
                && let Some(text) = text
            {
                let query = self.text_query(text);
                if query.is_empty() && mode == Mode::Hybrid && ready.vector.is_some() {
                    degraded.push(Degraded::MeaningOnly);
                }
                snippets = self.options.snippets.map(|_| Snippets::new(&query, SNIPPET_WORDS));
                let depth = self.depth(mode) + spare;
                // Deeper than the user's limit only what comes cheaply is of use to the fusion.
                let (filter, at_least) = (&self.options.filter, self.options.limit + spare);
                found.add_words(&by_words(&snapshot.tx, &query, filter, depth, at_least)?);
            }
            if mode != Mode::Text {
                note_missing_vectors(snapshot, &mut degraded)?;
            }
            let (store, by_words) = (&self.rekall.store, mode != Mode::Semantic && text.is_some());
            self.rekall.health.tell(store, by_words, &self.options.filter, &mut degraded)?;
            if let Some(vector) = &ready.vector {
                found.compare_rest(snapshot, vector, self.options.roles)?;
            }
            check_cancelled(self.cancel)?;
            let (hits, unreadable) = self.hits(snapshot, ready.query, found, snippets.as_ref())?;
            most_unreadable = most_unreadable.max(unreadable.len());
            if !unreadable.is_empty() {
                degraded.push(Degraded::Unreadable { ids: unreadable });
            }
            answers.push((hits, degraded));
        }
        Ok((answers, most_unreadable))
    }

    /// The nearest entries of each query that has a vector and goes by meaning, in order: one scan for all.
    fn by_meaning(
        &self,
        snapshot: &Snapshot<'_>,
        queries: &[Ready<'_>],
        spare: usize,
    ) -> Result<Vec<Vec<Neighbor>>, Error> {
        let vectors: Vec<&[f32]> = queries
            .iter()
            .filter(|ready| ready.query.mode(self.options.mode) != Mode::Text)
            .filter_map(|ready| ready.vector.as_deref())
            .collect();
        if vectors.is_empty() {
            return Ok(Vec::new());
        }
        let admitted = Admitted::new(&snapshot.tx, &self.options.filter)?;
        let leg = Semantic {
            admitted: &admitted,
            roles: self.options.roles,
            cancel: self.cancel,
            threads: self.rekall.settings.search_threads,
        };
        let depth = queries.iter().map(|ready| self.depth(ready.query.mode(self.options.mode))).max();
        leg.nearest_to_each(snapshot, &vectors, depth.unwrap_or(self.options.limit) + spare)
    }

    fn depth(&self, mode: Mode) -> usize {
        match mode {
            Mode::Hybrid => self.options.limit.max(MIN_DEPTH),
            Mode::Semantic | Mode::Text => self.options.limit,
        }
    }

    fn text_query(&self, text: &str) -> TextQuery {
        let query = TextQuery::new(text);
        if self.options.prefix { query.prefix() } else { query }
    }

    fn snippet(
        &self,
        snippets: Option<&Snippets>,
        candidate: &Candidate,
        entry: &Entry,
    ) -> Result<Option<String>, Error> {
        check_cancelled(self.cancel)?;
        let (Some(snippets), Some((before, after)), Some(_)) =
            (snippets, self.options.snippets, candidate.text)
        else {
            return Ok(None);
        };
        Ok(snippets.of(entry, before, after, self.cancel.map(CancelToken::flag))?)
    }

    /// The best of what was found, and which entries among them cannot be read.
    fn hits(
        &self,
        snapshot: &Snapshot<'_>,
        query: &Query<'_>,
        found: Candidates,
        snippets: Option<&Snippets>,
    ) -> Result<(Vec<Hit>, Vec<EntryId>), Error> {
        let Options { limit, threshold, weights, fusion, .. } = *self.options;
        let mode = query.mode(self.options.mode);
        let mut candidates: Vec<Candidate> = found.by_row.into_values().collect();
        // Of the whole search: a threshold must not change the scores of what it leaves.
        let best_text =
            candidates.iter().filter_map(|found| found.text).map(|leg| leg.score).fold(0.0, f64::max);
        if let Some(threshold) = threshold {
            candidates.retain(|candidate| candidate.similarity().is_some_and(|found| found >= threshold));
        }
        for candidate in &mut candidates {
            candidate.score = match (mode, candidate.semantic, candidate.text) {
                (Mode::Hybrid, ..) => fusion.score(weights, candidate.evidence(), best_text),
                (_, Some(leg), _) | (_, None, Some(leg)) => leg.score,
                (_, None, None) => 0.0,
            };
        }
        candidates.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
        let mut hits: Vec<(Candidate, Entry)> = Vec::with_capacity(limit.min(candidates.len()));
        let mut unreadable = Vec::new();
        for candidate in candidates {
            // Equal scores at the border are decided by id, so all of them are read.
            if hits.get(limit - 1).is_some_and(|last| candidate.score < last.0.score) {
                break;
            }
            match (snapshot.tx.readable_entries(&[candidate.row])?.pop(), candidate.nearest) {
                (Some((_, Ok(entry))), _) => hits.push((candidate, entry)),
                (Some((_, Err(CoreError::UnreadableEntry { id, .. }))), _) => unreadable.push(id),
                (Some((_, Err(error))), _) => return Err(error.into()),
                // The index speaks of an entry that went without a word in the log: it is searched anew without.
                (None, Some(near)) => return Err(IndexError::MissingRow { key: near.key }.into()),
                // So does the full-text index, which `check` tells of.
                (None, None) => {}
            }
        }
        hits.sort_by(|a, b| b.0.score.total_cmp(&a.0.score).then(a.1.id.cmp(&b.1.id)));
        hits.truncate(limit);
        unreadable.sort_unstable();
        let hits: Result<Vec<Hit>, Error> = hits
            .into_iter()
            .map(|(candidate, entry)| {
                Ok(Hit {
                    score: candidate.score,
                    similarity: candidate.similarity(),
                    chunk: candidate.nearest.map(|near| hit_chunk(snapshot, near.key)).transpose()?.flatten(),
                    snippet: self.snippet(snippets, &candidate, &entry)?,
                    explain: Explain { semantic: candidate.semantic, text: candidate.text },
                    entry,
                })
            })
            .collect();
        Ok((hits?, unreadable))
    }
}

/// What a search by meaning cannot see.
pub(super) fn note_missing_vectors(
    snapshot: &Snapshot<'_>,
    degraded: &mut Vec<Degraded>,
) -> Result<(), Error> {
    // Where no space is active every entry waits, whether it is marked or not.
    let count = match snapshot.view.space {
        Some(_) => snapshot.tx.count_pending()?,
        None => snapshot.tx.count_entries()?,
    };
    if count > 0 {
        degraded.push(Degraded::Pending { count });
    }
    if snapshot.view.unindexed > 0 {
        degraded.push(Degraded::NotIndexed { rows: snapshot.view.unindexed });
    }
    if snapshot.view.unusable > 0 {
        degraded.push(Degraded::UnusableVectors { count: snapshot.view.unusable });
    }
    Ok(())
}

/// The piece of text that a row stands for.
pub(super) fn hit_chunk(snapshot: &Snapshot<'_>, key: Key) -> Result<Option<HitChunk>, Error> {
    let Some(space) = &snapshot.view.space else { return Ok(None) };
    let span =
        snapshot.tx.span(space.id, VectorKey { entry: key.entry, role: key.role, chunk: key.chunk })?;
    Ok(span.zip(Role::from_number(key.role)).map(|((start, end), role)| HitChunk {
        role,
        number: key.chunk,
        start,
        end,
    }))
}
