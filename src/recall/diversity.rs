//! Hits that are not all alike: maximal marginal relevance.
//!
//! J. Carbonell and J. Goldstein, "The Use of MMR, Diversity-Based Reranking for Reordering Documents and Producing Summaries",
//! SIGIR 1998.

use std::collections::HashMap;

use rekall_core::VectorKey;
use rekall_index::similarity;

use super::hit::DiversityScore;
use super::rank::Ranked;
use super::retrieve::keep_first;
use crate::cancel::check_cancelled;
use crate::vector_index::Snapshot;
use crate::{CancelToken, EntryId, Error};

/// The most hits of a search that diversifies: each hit is compared with all candidates.
pub(super) const MAX_LIMIT: usize = 1000;

/// The fewest candidates that hits are chosen from.
const MIN_POOL: usize = 100;

/// How many candidates `limit` hits are chosen from.
pub(super) fn pool(limit: usize) -> usize {
    (2 * limit).max(MIN_POOL)
}

/// Puts the best `pool` of what is ranked in the order in which they are chosen, each by its score and by how little it is
/// like those chosen before; leaves out the rest.
pub(super) fn diversify(
    snapshot: &Snapshot<'_>,
    mut ranked: Vec<Ranked>,
    lambda: f64,
    pool: usize,
    cancel: Option<&CancelToken>,
) -> Result<Vec<Ranked>, Error> {
    keep_first(&*snapshot.tx, &mut ranked, pool, |ranked| ranked.score, |ranked| ranked.candidate.row)?;
    let rows: Vec<i64> = ranked.iter().map(|ranked| ranked.candidate.row).collect();
    let ids = snapshot.tx.ids(&rows)?;
    let vectors = vectors(snapshot, &ranked)?;
    let candidates: Vec<Candidate<'_>> = ranked
        .iter()
        .map(|ranked| Candidate {
            score: ranked.score,
            id: ids.get(&ranked.candidate.row).copied(),
            vector: vectors.get(&ranked.candidate.row).map(Vec::as_slice),
        })
        .collect();
    let chosen = choose(&candidates, lambda, || check_cancelled(cancel))?;
    let mut ranked: Vec<Option<Ranked>> = ranked.into_iter().map(Some).collect();
    let in_order = chosen.into_iter().filter_map(|(at, diversity)| {
        let ranked = ranked[at].take()?;
        Some(Ranked { score: diversity.total(), diversity: Some(diversity), ..ranked })
    });
    Ok(in_order.collect())
}

/// The vectors that candidates are compared by, by row number: of each that of the passage which the search found.
fn vectors(snapshot: &Snapshot<'_>, ranked: &[Ranked]) -> Result<HashMap<i64, Vec<f32>>, Error> {
    let Some(space) = &snapshot.view.space else { return Ok(HashMap::new()) };
    let keys: Vec<VectorKey> = ranked.iter().filter_map(|ranked| ranked.candidate.passage()).collect();
    let batch = snapshot.tx.vectors_at(space, &keys)?;
    let rows = batch.rows.chunks_exact(space.dimensions).map(<[f32]>::to_vec);
    Ok(batch.keys.iter().map(|key| key.entry).zip(rows).collect())
}

/// A candidate as the choice sees it.
struct Candidate<'a> {
    score: f64,
    id: Option<EntryId>,
    vector: Option<&'a [f32]>,
}

/// The places of the candidates in the order in which they are chosen; of those with equal totals the lower id comes first. Totals only fall from one to the next, because redundancy only grows.
fn choose(
    candidates: &[Candidate<'_>],
    lambda: f64,
    mut check_cancelled: impl FnMut() -> Result<(), Error>,
) -> Result<Vec<(usize, DiversityScore)>, Error> {
    let scores = || candidates.iter().map(|candidate| candidate.score);
    let (worst, best) = (scores().fold(f64::INFINITY, f64::min), scores().fold(f64::NEG_INFINITY, f64::max));
    let relevance = |score: f64| if best > worst { (score - worst) / (best - worst) } else { 1.0 };
    let mut left: Vec<(usize, DiversityScore)> = candidates
        .iter()
        .map(|&Candidate { score, .. }| DiversityScore {
            lambda,
            relevance: relevance(score),
            redundancy: 0.0,
            score,
        })
        .enumerate()
        .collect();
    let mut chosen = Vec::with_capacity(left.len());
    while !left.is_empty() {
        check_cancelled()?;
        let best = left.iter().enumerate().max_by(|(_, (a, of_a)), (_, (b, of_b))| {
            let by_id = candidates[*b].id.cmp(&candidates[*a].id);
            of_a.total().total_cmp(&of_b.total()).then(by_id)
        });
        let Some((place, _)) = best else { break };
        let (next, score) = left.swap_remove(place);
        chosen.push((next, score));
        let Some(vector) = candidates[next].vector else { continue };
        for (other, score) in &mut left {
            if let Some(other) = candidates[*other].vector {
                score.redundancy = score.redundancy.max(similarity(vector, other).into());
            }
        }
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NORTH: [f32; 2] = [0.0, 1.0];
    const EAST: [f32; 2] = [1.0, 0.0];
    const SOUTH: [f32; 2] = [0.0, -1.0];

    fn order(candidates: &[(f64, Option<[f32; 2]>)], lambda: f64) -> Vec<(usize, f64)> {
        let candidates: Vec<Candidate<'_>> = candidates
            .iter()
            .enumerate()
            .map(|(number, (score, vector))| Candidate {
                score: *score,
                id: Some(format!("{number:026}").parse().unwrap()),
                vector: vector.as_ref().map(<[f32; 2]>::as_slice),
            })
            .collect();
        let chosen = choose(&candidates, lambda, || Ok(())).unwrap();
        chosen.into_iter().map(|(at, score)| (at, score.total())).collect()
    }

    #[test]
    fn what_says_the_same_as_a_better_hit_comes_later() {
        let candidates = [(3.0, Some(NORTH)), (2.9, Some(NORTH)), (2.0, Some(EAST)), (1.0, Some(SOUTH))];
        let places = |lambda| order(&candidates, lambda).into_iter().map(|(at, _)| at).collect::<Vec<_>>();
        assert_eq!(places(1.0), [0, 1, 2, 3]);
        assert_eq!(places(0.5), [0, 2, 3, 1]);
        // Opposite directions are no more different than unrelated ones.
        assert_eq!(order(&candidates, 0.5)[2], (3, 0.0));
    }

    #[test]
    fn equal_totals_come_by_id_and_no_vector_is_like_nothing() {
        let candidates = [(1.0, Some(NORTH)), (1.0, Some(NORTH)), (1.0, None), (1.0, None)];
        assert_eq!(order(&candidates, 0.5), [(0, 0.5), (2, 0.5), (3, 0.5), (1, 0.0)]);
        assert_eq!(order(&[], 0.5), []);
    }
}
