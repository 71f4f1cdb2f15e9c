//! The search builder and its run.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use rekall_core::{Filter, Role, Space, TextHit, TextQuery, VectorKey};
use rekall_index::{EntrySet, Key, Neighbor, Roles, SearchOptions};
use rekall_model::KeepAlive;

use super::fusion::{Evidence, Fusion, Weights};
use super::hit::{Degraded, Explain, Hit, HitChunk, Leg, Recalled};
use super::legs::{Admitted, Semantic, by_words};
use crate::embedding::normalized;
use crate::engine::check_cancelled;
use crate::resident::Snapshot;
use crate::{CancelToken, Error, Rekall};

/// What a search goes by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// Meaning and words, fused. Falls back on one of them when the other cannot be searched, and says so in
    /// [`Recalled::degraded`]. The default.
    #[default]
    Hybrid,
    /// Meaning alone.
    Semantic,
    /// Words alone.
    Text,
}

/// The most hits of one search.
const MAX_LIMIT: usize = 100_000;

/// How deep each leg of a hybrid search looks, at the least: beyond this a leg adds less to a score than the
/// difference between neighbouring ranks at the top.
const MIN_DEPTH: usize = 100;

/// Words in a snippet.
const SNIPPET_WORDS: usize = 24;

/// A search in the making; see [`Rekall::recall`].
#[must_use = "nothing is searched before run()"]
#[derive(Debug, Clone)]
pub struct Recall<'a> {
    rekall: &'a Rekall,
    text: Option<&'a str>,
    vector: Option<&'a [f32]>,
    mode: Mode,
    limit: usize,
    filter: Filter,
    roles: Roles,
    threshold: Option<f32>,
    weights: Weights,
    fusion: Fusion,
    prefix: bool,
    snippets: Option<(&'a str, &'a str)>,
    keep_alive: Option<KeepAlive>,
    cancel: Option<CancelToken>,
}

impl Rekall {
    /// Begins a search for entries that a text brings to mind. Any text is a valid query.
    ///
    /// ```
    /// # use rekall::{Filter, Mode, NewEntry, Rekall};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).open()?;
    /// # rekall.remember(NewEntry::new("Disk full on the build machine").project("ci"))?;
    /// let found = rekall
    ///     .recall("no space left on device")
    ///     .mode(Mode::Semantic)
    ///     .filter(Filter::new().project("ci"))
    ///     .limit(3)
    ///     .run()?;
    /// assert_eq!(found.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn recall<'a>(&'a self, query: &'a str) -> Recall<'a> {
        Recall::new(self, Some(query), None)
    }

    /// Begins a search for the entries nearest to a vector of the file's own space, of any length but zero.
    /// Needs no model.
    pub fn recall_vector<'a>(&'a self, vector: &'a [f32]) -> Recall<'a> {
        Recall::new(self, None, Some(vector)).mode(Mode::Semantic)
    }
}

impl<'a> Recall<'a> {
    fn new(rekall: &'a Rekall, text: Option<&'a str>, vector: Option<&'a [f32]>) -> Self {
        Self {
            rekall,
            text,
            vector,
            mode: Mode::default(),
            limit: 10,
            filter: Filter::default(),
            roles: Roles::ALL,
            threshold: None,
            weights: Weights { semantic: 1.0, text: 1.0 },
            fusion: Fusion::default(),
            prefix: false,
            snippets: None,
            keep_alive: None,
            cancel: None,
        }
    }

    /// What the search goes by. Default [`Mode::Hybrid`], or [`Mode::Semantic`] for a vector without text.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// The most hits wanted, 1 to 100,000. Default 10. Fewer come back only when fewer entries match.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Which entries may be found. Default: active ones.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// Compares the query with this text of the entries only. Default: all, the best counts.
    pub fn role(mut self, role: Role) -> Self {
        self.roles = Roles::only(role.number());
        self
    }

    /// Leaves out hits whose similarity is below this, -1 to 1, and those that have none. Default: none left
    /// out.
    pub fn threshold(mut self, similarity: f32) -> Self {
        self.threshold = Some(similarity);
        self
    }

    /// How a hybrid search fuses its legs. Default [`Fusion::Weighted`].
    pub fn fusion(mut self, fusion: Fusion) -> Self {
        self.fusion = fusion;
        self
    }

    /// How much each leg counts in a hybrid search, 0 or more. Default 1 and 1.
    pub fn weights(mut self, semantic: f64, text: f64) -> Self {
        self.weights = Weights { semantic, text };
        self
    }

    /// Lets the last word of the query be the beginning of one, for a search while the user is typing.
    pub fn prefix(mut self) -> Self {
        self.prefix = true;
        self
    }

    /// Gives each hit that words found a piece of its text around them, with `before` and `after` put around
    /// each word. Costs some 50 microseconds a hit.
    pub fn snippets(mut self, before: &'a str, after: &'a str) -> Self {
        self.snippets = Some((before, after));
        self
    }

    /// How long the model stays loaded after this search. Default: as the memory was opened.
    pub fn keep_alive(mut self, keep_alive: KeepAlive) -> Self {
        self.keep_alive = Some(keep_alive);
        self
    }

    /// The query's vector, made by the host with the file's model; the text then only serves to find words.
    pub fn vector(mut self, vector: &'a [f32]) -> Self {
        self.vector = Some(vector);
        self
    }

    /// Stops the search when the token is cancelled.
    pub fn cancel(mut self, token: &CancelToken) -> Self {
        self.cancel = Some(token.clone());
        self
    }

    /// Searches.
    ///
    /// The hits are exact: the `limit` best of all entries that pass the filter, as the file is at this
    /// moment, whoever wrote it.
    ///
    /// # Errors
    /// [`Error::EmptyQuery`], [`Error::InvalidLimit`], [`Error::InvalidThreshold`],
    /// [`Error::InvalidWeights`], [`Error::VectorLength`],
    /// [`Error::VectorValue`]; [`Error::Interrupted`]; [`Error::Core`]. In [`Mode::Semantic`] also what keeps
    /// the query from being embedded: [`Error::NoModel`], [`Error::Model`], [`Error::ModelMismatch`],
    /// [`Error::UnknownQuery`].
    pub fn run(self) -> Result<Recalled, Error> {
        let started = Instant::now();
        self.validate()?;
        let mut degraded = Vec::new();
        let mut space = self.rekall.resident.view(&self.rekall.store, &self.rekall.events)?.space.clone();
        let resident = &self.rekall.resident;
        loop {
            // Embedding comes before the snapshot: a model may take seconds to load.
            let vector = self.query_vector(space.as_ref(), &mut degraded)?;
            check_cancelled(self.cancel.as_ref())?;
            let hits = resident.consistently(&self.rekall.store, &self.rekall.events, |snapshot| {
                if snapshot.view.space != space {
                    // The file's model was changed meanwhile.
                    return Ok(Err(snapshot.view.space.clone()));
                }
                let mut notes = Vec::new();
                self.search(snapshot, vector.as_deref(), &mut notes).map(|hits| Ok((hits, notes)))
            })?;
            match hits {
                Ok((hits, notes)) => {
                    degraded.extend(notes);
                    return Ok(Recalled { hits, degraded, elapsed: started.elapsed() });
                }
                Err(now) => {
                    space = now;
                    degraded.clear();
                }
            }
        }
    }

    fn validate(&self) -> Result<(), Error> {
        if self.text.is_some_and(|text| text.trim().is_empty()) {
            return Err(Error::EmptyQuery);
        }
        if self.text.is_none() && self.mode == Mode::Text {
            return Err(Error::EmptyQuery);
        }
        if !(1..=MAX_LIMIT).contains(&self.limit) {
            return Err(Error::InvalidLimit { max: MAX_LIMIT, got: self.limit });
        }
        if !self.weights.are_sound() {
            return Err(Error::InvalidWeights { semantic: self.weights.semantic, text: self.weights.text });
        }
        match self.threshold {
            Some(got) if !(-1.0..=1.0).contains(&got) => Err(Error::InvalidThreshold { got }),
            _ => Ok(()),
        }
    }

    /// The query as a unit vector of the space; `None` when meaning is not, or cannot be, searched.
    fn query_vector(
        &self,
        space: Option<&Space>,
        degraded: &mut Vec<Degraded>,
    ) -> Result<Option<Arc<[f32]>>, Error> {
        let Some(space) = space else { return Ok(None) };
        if let Some(vector) = self.vector {
            return Ok(Some(normalized(vector, space.dimensions)?.into()));
        }
        let (Some(text), Mode::Hybrid | Mode::Semantic) = (self.text, self.mode) else { return Ok(None) };
        match self.rekall.query_vector(space, text, self.keep_alive) {
            Ok(vector) => Ok(Some(vector)),
            Err(error) if self.mode == Mode::Hybrid && !matches!(error, Error::Interrupted) => {
                degraded.push(Degraded::WordsOnly { reason: error.to_string() });
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn search(
        &self,
        snapshot: &Snapshot<'_>,
        vector: Option<&[f32]>,
        degraded: &mut Vec<Degraded>,
    ) -> Result<Vec<Hit>, Error> {
        let depth = match self.mode {
            Mode::Hybrid => self.limit.max(MIN_DEPTH),
            _ => self.limit,
        };
        let mut found = Found::default();
        if self.mode != Mode::Text
            && let Some(query) = vector
        {
            let admitted = Admitted::new(&snapshot.tx, &self.filter)?;
            let leg = Semantic {
                admitted: &admitted,
                roles: self.roles,
                cancel: self.cancel.as_ref(),
                threads: self.rekall.settings.search_threads,
            };
            found.add_nearest(&leg.nearest(snapshot, query, depth)?);
        }
        if self.mode != Mode::Semantic
            && let Some(text) = self.text
        {
            check_cancelled(self.cancel.as_ref())?;
            let query = self.text_query(text);
            if query.is_empty() && self.mode == Mode::Hybrid && vector.is_some() {
                degraded.push(Degraded::MeaningOnly);
            }
            found.add_words(&by_words(&snapshot.tx, &query, &self.filter, depth)?);
        }
        if self.mode != Mode::Text {
            note_missing_vectors(snapshot, degraded)?;
        }
        if let Some(query) = vector {
            found.compare_rest(snapshot, query, self.roles)?;
        }
        self.hits(snapshot, found)
    }

    fn snippet(&self, snapshot: &Snapshot<'_>, candidate: &Candidate) -> Result<Option<String>, Error> {
        let (Some((before, after)), Some(text), Some(_)) = (self.snippets, self.text, candidate.text) else {
            return Ok(None);
        };
        Ok(snapshot.tx.snippet(&self.text_query(text), candidate.row, SNIPPET_WORDS, before, after)?)
    }

    fn text_query(&self, text: &str) -> TextQuery {
        let query = TextQuery::new(text);
        if self.prefix { query.prefix() } else { query }
    }

    fn hits(&self, snapshot: &Snapshot<'_>, found: Found) -> Result<Vec<Hit>, Error> {
        let mut candidates: Vec<Candidate> = found.candidates.into_values().collect();
        if let Some(threshold) = self.threshold {
            candidates.retain(|candidate| candidate.similarity().is_some_and(|found| found >= threshold));
        }
        let best_text =
            candidates.iter().filter_map(|found| found.text).map(|leg| leg.score).fold(0.0, f64::max);
        for candidate in &mut candidates {
            candidate.score = match (self.mode, candidate.semantic, candidate.text) {
                (Mode::Hybrid, ..) => self.fusion.score(self.weights, candidate.evidence(), best_text),
                (_, Some(leg), _) | (_, None, Some(leg)) => leg.score,
                (_, None, None) => 0.0,
            };
        }
        candidates.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
        // Equal scores at the border are decided by id, so all of them are read.
        let border = candidates.get(self.limit - 1).map_or(f64::NEG_INFINITY, |last| last.score);
        candidates.truncate(candidates.partition_point(|candidate| candidate.score >= border));
        let rows: Vec<i64> = candidates.iter().map(|candidate| candidate.row).collect();
        let entries = snapshot.tx.entries(&rows)?;
        let mut hits = Vec::with_capacity(entries.len());
        for ((row, entry), candidate) in entries.into_iter().zip(candidates) {
            debug_assert_eq!(row, candidate.row, "the snapshot holds every row that its index holds");
            hits.push((candidate, entry));
        }
        hits.sort_by(|a, b| b.0.score.total_cmp(&a.0.score).then(a.1.id.cmp(&b.1.id)));
        hits.truncate(self.limit);
        hits.into_iter()
            .map(|(candidate, entry)| {
                Ok(Hit {
                    entry,
                    score: candidate.score,
                    similarity: candidate.similarity(),
                    chunk: candidate.nearest.map(|near| hit_chunk(snapshot, near.key)).transpose()?.flatten(),
                    snippet: self.snippet(snapshot, &candidate)?,
                    explain: Explain { semantic: candidate.semantic, text: candidate.text },
                })
            })
            .collect()
    }
}

/// Entries found by any leg, by row number.
#[derive(Default)]
struct Found {
    candidates: HashMap<i64, Candidate>,
}

struct Candidate {
    row: i64,
    score: f64,
    nearest: Option<Neighbor>,
    semantic: Option<Leg>,
    text: Option<Leg>,
}

impl Candidate {
    fn evidence(&self) -> Evidence {
        Evidence {
            semantic_rank: self.semantic.map(|leg| leg.rank),
            text_rank: self.text.map(|leg| leg.rank),
            similarity: self.similarity(),
            text_score: self.text.map(|leg| leg.score),
        }
    }

    fn similarity(&self) -> Option<f32> {
        self.nearest.map(|near| near.similarity)
    }
}

impl Found {
    fn at(&mut self, row: i64) -> &mut Candidate {
        let fresh = Candidate { row, score: 0.0, nearest: None, semantic: None, text: None };
        self.candidates.entry(row).or_insert(fresh)
    }

    fn add_nearest(&mut self, neighbors: &[Neighbor]) {
        for (at, near) in neighbors.iter().enumerate() {
            let candidate = self.at(near.key.entry);
            candidate.nearest = Some(*near);
            candidate.semantic = Some(Leg { rank: at + 1, score: near.similarity.into() });
        }
    }

    fn add_words(&mut self, hits: &[TextHit]) {
        for (at, hit) in hits.iter().enumerate() {
            self.at(hit.row).text = Some(Leg { rank: at + 1, score: hit.score });
        }
    }

    /// Hits by words get their similarity too, so that every candidate is judged alike.
    fn compare_rest(&mut self, snapshot: &Snapshot<'_>, query: &[f32], roles: Roles) -> Result<(), Error> {
        let Some(search) = &snapshot.view.search else { return Ok(()) };
        let rest: EntrySet = self
            .candidates
            .values()
            .filter(|candidate| candidate.nearest.is_none())
            .map(|candidate| candidate.row)
            .collect();
        if rest.is_empty() {
            return Ok(());
        }
        let wanted = usize::try_from(rest.len()).unwrap_or(usize::MAX);
        let options = SearchOptions::new(wanted).with_entries(&rest).with_roles(roles);
        let mut found = Vec::new();
        search.search(query, &options, &mut found)?;
        for near in found {
            self.at(near.key.entry).nearest = Some(near);
        }
        Ok(())
    }
}

fn note_missing_vectors(snapshot: &Snapshot<'_>, degraded: &mut Vec<Degraded>) -> Result<(), Error> {
    let count = snapshot.tx.count_pending()?;
    if count > 0 {
        degraded.push(Degraded::Pending { count });
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
