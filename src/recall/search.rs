//! Searching for one query or several, over one consistent snapshot.

use std::time::Instant;

use rekall_core::{Snippets, Space, TextQuery};
use rekall_index::Neighbor;

use super::candidates::Candidates;
use super::depth::{Extra, Seen};
use super::diversity::diversify;
use super::health::{note_missing_vectors, note_unknown_words};
use super::hit::{Degraded, Explain, Hit, HitChunk, Recalled};
use super::options::{Mode, Options};
use super::passage_choice::{Compared, PassageChoice};
use super::query::Query;
use super::rank::{Ranked, Ranking};
use super::read_hits::{Read, read_best};
use super::recency::adjust;
use super::retrieve::{Admitted, SemanticRetriever, matching_words};
use crate::cancel::check_cancelled;
use crate::models::QueryVector;
use crate::models::pieces::normalized;
use crate::retry::{Attempt, retry};
use crate::vector_index::Snapshot;
use crate::{CancelToken, Entry, Error, Rekall};

/// How deep each retriever of a hybrid search looks, at the least. What only one of them knows of an entry
/// beyond that depth has little weight in either fusion; to look up the words of every candidate that meaning
/// found would double the cost of words.
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
    queries.iter().try_for_each(|query| query.validate(options.mode, options.rerank > 0))?;
    let running = rekall.newest_searches.begin(options.supersede, options.cancel.as_ref());
    let search = Search { rekall, options, now_ms: rekall.store.now_ms(), cancel: running.token() };
    let answers = if options.rerank > 0 { search.run_reranked(queries) } else { search.run(queries) };
    let mut answers = answers.map_err(|error| running.explain_interruption(error))?;
    if let Some(answer) = answers.iter_mut().find(|answer| answer.known.is_some()) {
        answer.degraded.extend(rekall.note_former_model()?);
    }
    let elapsed = started.elapsed();
    let recalled = |Answer { hits, degraded, known, .. }| Recalled {
        hits,
        degraded,
        known,
        threshold: options.threshold,
        elapsed,
    };
    Ok(answers.into_iter().map(recalled).collect())
}

/// What all queries of a search share.
#[derive(Clone, Copy)]
pub(super) struct Search<'a> {
    pub(super) rekall: &'a Rekall,
    pub(super) options: &'a Options<'a>,
    /// The time of day that ages are counted to.
    pub(super) now_ms: i64,
    pub(super) cancel: Option<&'a CancelToken>,
}

/// A query made ready for one space.
pub(super) struct Prepared<'q> {
    query: &'q Query<'q>,
    /// Of the mode that the options ask for, what this query can be searched by.
    pub(super) mode: Mode,
    /// Unit vector in the space; `None` when meaning is not, or cannot be, searched.
    pub(super) vector: Option<QueryVector>,
    degraded: Vec<Degraded>,
}

/// What one query gets.
pub(super) struct Answer {
    pub(super) hits: Vec<Hit>,
    pub(super) degraded: Vec<Degraded>,
    /// How much of the query the model knows.
    known: Option<f32>,
    /// How deep the retrievers have to look for this to be the answer.
    needed: Extra,
}

impl<'a> Search<'a> {
    /// Starts over when the file's model is changed meanwhile.
    pub(super) fn run(&self, queries: &[Query<'_>]) -> Result<Vec<Answer>, Error> {
        let index = &self.rekall.vector_index;
        let active_space = || Ok::<_, Error>(index.view()?.space.clone());
        // To look costs a round trip on a server. The snapshot shows whether that was the space.
        let last = index.last_view().filter(|view| self.needs_no_look(queries, view.space.as_ref()));
        let space = last.map_or_else(active_space, |view| Ok(view.space.clone()))?;
        retry(space, |space| {
            // Embedding comes before the snapshot: a model may take seconds to load.
            let prepared: Result<Vec<_>, _> =
                queries.iter().map(|query| self.prepare(query, space.as_ref())).collect();
            let prepared = match prepared {
                Err(Error::Interrupted) => return Err(Error::Interrupted),
                Err(error) => {
                    // A look that fails, too, tells less than what went wrong.
                    let newer = active_space().unwrap_or_else(|_| space.clone());
                    return if newer == space { Err(error) } else { Ok(Attempt::Outdated(newer)) };
                }
                Ok(prepared) => prepared,
            };
            check_cancelled(self.cancel)?;
            let (first, mut nearest) = self.look_ahead(&prepared, space.as_ref())?.unzip();
            index.consistently_from(first, self.cancel, |snapshot| match snapshot.view.space == space {
                true => self.answers(snapshot, &prepared, nearest.take()).map(Attempt::Done),
                false => Ok(Attempt::Outdated(snapshot.view.space.clone())),
            })
        })
    }

    /// Whether the queries can be made ready for a space although another one may be the active one by now: none of them needs a model, or the
    /// model that is loaded is that of the space.
    fn needs_no_look(&self, queries: &[Query<'_>], space: Option<&Space>) -> bool {
        let needs_model =
            |query: &Query<'_>| query.vector.is_none() && query.mode(self.options.mode) != Mode::Text;
        !queries.iter().any(needs_model)
            || space.is_some_and(|space| self.rekall.models.load().is_loaded_for(space))
    }

    fn prepare<'q>(&self, query: &'q Query<'q>, space: Option<&Space>) -> Result<Prepared<'q>, Error> {
        check_cancelled(self.cancel)?;
        let mut degraded = Vec::new();
        let mode = query.mode(self.options.mode);
        let vector = match (space, query.vector.as_deref(), query.text.as_deref()) {
            // The file has no vectors yet. Without a model there will be none, and no hits would say that nothing is there.
            (None, None, Some(_)) if mode == Mode::Semantic => {
                self.rekall.models.load().lease(self.options.keep_alive).map(drop)?;
                None
            }
            (None, ..) => None,
            (Some(space), Some(vector), _) => Some(QueryVector::given(normalized(vector, space.dimensions)?)),
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
        note_unknown_words(vector.as_ref().and_then(QueryVector::known), &mut degraded);
        Ok(Prepared { query, mode, vector, degraded })
    }

    /// The answers to all queries. Looks deeper where entries that cannot be read, or have too little similarity, took the
    /// places of hits, and where one that was not seen might be better by its age. `known`: what is nearest to the one query.
    fn answers(
        &self,
        snapshot: &Snapshot<'_>,
        queries: &[Prepared<'_>],
        mut known: Option<Vec<Neighbor>>,
    ) -> Result<Vec<Answer>, Error> {
        // The same for every query and both retrievers.
        let admitted = Admitted::new(snapshot, &self.options.filter, self.now_ms)?;
        retry(Extra::default(), |extra| {
            let mut nearest = match known.take() {
                Some(known) => vec![known],
                None => self.nearest(snapshot, &admitted, queries, extra)?,
            }
            .into_iter();
            let mut answers = Vec::with_capacity(queries.len());
            for query in queries {
                check_cancelled(self.cancel)?;
                let by_meaning = query.mode != Mode::Text && query.vector.is_some();
                let nearest = if by_meaning { nearest.next() } else { None };
                answers.push(self.answer(snapshot, &admitted, query, &nearest.unwrap_or_default(), extra)?);
            }
            let needed = answers.iter().fold(extra, |needed, answer| needed.max(answer.needed));
            Ok(if needed == extra { Attempt::Done(answers) } else { Attempt::Outdated(needed) })
        })
    }

    /// The nearest entries of each query that has a vector and is searched by meaning, in order: one scan for
    /// all.
    fn nearest(
        &self,
        snapshot: &Snapshot<'_>,
        admitted: &Admitted,
        queries: &[Prepared<'_>],
        extra: Extra,
    ) -> Result<Vec<Vec<Neighbor>>, Error> {
        let vectors: Vec<&[f32]> = queries
            .iter()
            .filter(|query| query.mode != Mode::Text)
            .filter_map(|query| query.vector.as_deref())
            .collect();
        if vectors.is_empty() {
            return Ok(Vec::new());
        }
        let retriever = self.retriever(admitted);
        let depth = queries.iter().map(|query| self.depth(query.mode)).max();
        retriever.nearest_to_each(snapshot, &vectors, depth.unwrap_or(self.options.hits()) + extra.total())
    }

    pub(super) fn retriever<'b>(&'b self, admitted: &'b Admitted) -> SemanticRetriever<'b> {
        SemanticRetriever {
            admitted,
            roles: self.options.roles,
            cancel: self.cancel,
            threads: self.rekall.opening.settings.search_threads,
        }
    }

    /// Retrieves, ranks, and reads what is best. Each retriever looks `extra` entries deeper than it has to.
    fn answer(
        &self,
        snapshot: &Snapshot<'_>,
        admitted: &Admitted,
        prepared: &Prepared<'_>,
        nearest: &[Neighbor],
        extra: Extra,
    ) -> Result<Answer, Error> {
        let Options { threshold, fusion, recency, diversity, .. } = *self.options;
        let mode = prepared.mode;
        let depth = self.depth(mode) + extra.total();
        let mut seen = Seen::of_neighbors(nearest, depth, threshold);
        let mut degraded = prepared.degraded.clone();
        let mut candidates = Candidates::default();
        candidates.add_neighbors(nearest);
        let text = prepared
            .query
            .text
            .as_deref()
            .filter(|_| mode != Mode::Semantic)
            .map(|text| self.text_query(text));
        if let Some(text) = &text {
            if text.is_empty() && mode == Mode::Hybrid && prepared.vector.is_some() {
                degraded.push(Degraded::MeaningOnly);
            }
            let hits = matching_words(snapshot, text, admitted, depth, self.cancel)?;
            if mode == Mode::Text {
                seen = Seen::of_text_hits(&hits, depth);
            }
            candidates.add_text_hits(hits);
            if text.requires_quotes() {
                candidates.keep_text_hits();
            }
        }
        if mode != Mode::Text {
            note_missing_vectors(snapshot, &self.rekall.models.load(), &mut degraded)?;
        }
        let (store, filter) = (&self.rekall.store, &self.options.filter);
        self.rekall.health.note_damage(&**store, &*snapshot.tx, text.is_some(), filter, &mut degraded)?;
        if let Some(vector) = &prepared.vector {
            candidates.add_missing_similarities(snapshot, vector, self.options.roles)?;
        }
        check_cancelled(self.cancel)?;
        let weights = self.options.weights_in(snapshot.view.space.as_ref());
        let (mut ranked, scale) = Ranking { mode, fusion, weights, threshold }.rank(candidates);
        let mut needed = extra;
        // More where some cannot be read.
        let pool = self.options.pool() + extra.spare;
        if let Some(recency) = recency {
            adjust(snapshot, recency, self.now_ms, &mut ranked)?;
        }
        // A hybrid search chooses from what its retrievers name; and where nothing has a similarity, none reaches a threshold.
        if mode != Mode::Hybrid && (threshold.is_none() || prepared.vector.is_some()) {
            needed.deeper += seen.missing(&ranked, pool);
        }
        if let Some(lambda) = diversity {
            ranked = diversify(snapshot, ranked, lambda, pool, self.cancel)?;
        }
        let compared = prepared.vector.as_deref().filter(|_| mode == Mode::Hybrid);
        let compared = compared.map(|query| Compared { query, roles: self.options.roles });
        let Read { entries, unreadable, spans, similarities } =
            read_best(snapshot, ranked, self.options.hits(), compared.as_ref())?;
        let snippets = text
            .as_ref()
            .zip(self.options.snippets)
            .map(|(text, marks)| Marked { snippets: Snippets::new(text, SNIPPET_WORDS), marks });
        let choice = PassageChoice { spans, roles: self.options.roles, mode, weights, scale, similarities };
        let hits: Result<Vec<Hit>, Error> = entries
            .into_iter()
            .map(|(ranked, entry)| self.hit(&choice, ranked, entry, snippets.as_ref()))
            .collect();
        needed.spare = needed.spare.max(unreadable.len());
        if !unreadable.is_empty() {
            degraded.push(Degraded::Unreadable { ids: unreadable });
        }
        let known = prepared.vector.as_ref().and_then(QueryVector::known);
        Ok(Answer { hits: hits?, degraded, known, needed })
    }

    pub(super) fn depth(&self, mode: Mode) -> usize {
        match mode {
            Mode::Semantic | Mode::Text if self.options.recency.is_none() => self.options.pool(),
            _ => self.options.pool().max(MIN_DEPTH),
        }
    }

    fn text_query(&self, text: &str) -> TextQuery {
        let query = TextQuery::new(text);
        let query = if self.options.prefix { query.prefix() } else { query };
        if self.options.require_quotes { query.require_quotes() } else { query }
    }

    fn hit(
        &self,
        choice: &PassageChoice,
        Ranked { score, fused, recency, diversity, candidate }: Ranked,
        entry: Entry,
        snippets: Option<&Marked<'_>>,
    ) -> Result<Hit, Error> {
        check_cancelled(self.cancel)?;
        let chunk = choice.best(&candidate, &entry);
        let snippet = match snippets {
            Some(marked) if candidate.text.is_some() => self.snippet(marked, chunk, &entry)?,
            _ => None,
        };
        Ok(Hit {
            score,
            similarity: candidate.similarity(),
            chunk,
            snippet,
            explain: Explain {
                semantic: candidate.semantic,
                text: candidate.text,
                fused,
                recency,
                diversity,
                rerank: None,
            },
            entry,
        })
    }

    /// A piece of the passage that a hit names. Meaning can choose one without a word of the query, and file names are
    /// in none: then the best piece of the entry.
    fn snippet(
        &self,
        Marked { snippets, marks }: &Marked<'_>,
        chunk: Option<HitChunk>,
        entry: &Entry,
    ) -> Result<Option<String>, Error> {
        let cancel = self.cancel.map(CancelToken::flag);
        if let Some(chunk) = chunk {
            let bytes = chunk.passage(entry).bytes;
            let found = snippets.of_passage(entry.into(), chunk.role, bytes, *marks, cancel)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(snippets.of(entry, *marks, cancel)?)
    }
}

/// Pieces of text around the words found, and what is put around each word.
struct Marked<'a> {
    snippets: Snippets,
    marks: (&'a str, &'a str),
}
