//! What both retrievers say of a query's candidates, taken once and fused in many ways.

use std::collections::HashMap;

use rekall::{EntryId, Error, ErrorKind, Mode, Recalled, Rekall};

use crate::judged::{DEPTH, ndcg};

/// How deep each retriever looks, as in a hybrid search of the default limit.
const RETRIEVED: usize = 100;

/// A candidate of one query.
pub(crate) struct Candidate {
    pub(crate) id: EntryId,
    pub(crate) gain: f64,
    /// The similarity, also of a candidate that only words found.
    pub(crate) similarity: Option<f64>,
    /// Rank by meaning, from 1.
    pub(crate) semantic_rank: Option<usize>,
    /// BM25 score and rank, from 1.
    pub(crate) text: Option<(f64, usize)>,
    /// How much of the query, 0 to 1, stands in it exactly as it is written joined or quoted.
    pub(crate) exact: f64,
}

/// All candidates of one query.
pub(crate) struct Pool {
    pub(crate) candidates: Vec<Candidate>,
    relevant: HashMap<String, f64>,
    /// nDCG@10 of the hybrid search of the library as it is.
    pub(crate) library: f64,
}

impl Pool {
    /// Asks both retrievers.
    pub(crate) fn retrieve(
        rekall: &Rekall,
        query: &str,
        relevant: &HashMap<String, f64>,
        names: &HashMap<EntryId, &str>,
    ) -> Result<Self, Error> {
        let gain = |id: &EntryId| names.get(id).and_then(|name| relevant.get(*name)).copied().unwrap_or(0.0);
        let mut seen: HashMap<EntryId, Candidate> = HashMap::new();
        for mode in [Mode::Semantic, Mode::Text] {
            for (place, hit) in found(rekall, query, mode, RETRIEVED)?.into_iter().flatten().enumerate() {
                let candidate = seen.entry(hit.entry.id).or_insert(Candidate {
                    id: hit.entry.id,
                    gain: gain(&hit.entry.id),
                    similarity: hit.similarity.map(f64::from),
                    semantic_rank: None,
                    text: None,
                    exact: 0.0,
                });
                match mode {
                    Mode::Semantic => candidate.semantic_rank = Some(place + 1),
                    _ => candidate.text = Some((hit.score, place + 1)),
                }
            }
        }
        let hybrid = found(rekall, query, Mode::Hybrid, RETRIEVED)?;
        for hit in hybrid.iter().flatten() {
            if let (Some(candidate), Some(fused)) = (seen.get_mut(&hit.entry.id), hit.explain.fused) {
                candidate.exact = fused.exact;
            }
        }
        let library = hybrid.map_or(0.0, |found| {
            let gains: Vec<f64> = found.iter().take(DEPTH).map(|hit| gain(&hit.entry.id)).collect();
            ndcg(&gains, relevant)
        });
        Ok(Self { candidates: seen.into_values().collect(), relevant: relevant.clone(), library })
    }

    /// nDCG@10 of the candidates in the order of a score; those without one are left out.
    pub(crate) fn ndcg(&self, score: impl Fn(&Candidate) -> Option<f64>) -> f64 {
        let mut ranked: Vec<(f64, &Candidate)> =
            self.candidates.iter().filter_map(|candidate| Some((score(candidate)?, candidate))).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.id.cmp(&b.1.id)));
        let gains: Vec<f64> = ranked.iter().take(DEPTH).map(|(_, candidate)| candidate.gain).collect();
        ndcg(&gains, &self.relevant)
    }
}

/// The hits of a search; `None` where the query has nothing that this mode can use.
fn found(rekall: &Rekall, query: &str, mode: Mode, limit: usize) -> Result<Option<Recalled>, Error> {
    // In a search by words alone the vector serves to give the hits their similarity.
    let vector = match rekall.embed(query, rekall::Purpose::Query) {
        Ok(vector) => Some(vector),
        Err(error) if error.kind() == ErrorKind::InvalidInput => None,
        Err(error) => return Err(error),
    };
    let mut recall = rekall.recall(query).mode(mode).limit(limit);
    if let Some(vector) = vector {
        recall = recall.vector(vector);
    } else if mode == Mode::Semantic {
        return Ok(None);
    }
    recall.run().map(Some)
}
