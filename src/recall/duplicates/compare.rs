//! How alike two entries are as a whole.

use rekall_core::{Role, Space};
use rekall_index::{SearchOptions, VectorSearch, similarity};

use super::super::retrieve::Admitted;
use crate::Error;
use crate::vector_index::{Snapshot, SnapshotSearch};

/// The neighbors that a search looks at to begin with.
const FIRST_DEPTH: usize = 16;

/// The vectors of an entry's summary, one for each passage.
pub(super) type Passages = Vec<Vec<f32>>;

/// An entry that may be nearly the same as another one.
pub(super) struct Suspect {
    pub(super) row: i64,
    /// Of the first passage of the one and the nearest of the other.
    pub(super) similarity: f32,
}

/// The vectors of an entry's summary, none where it has no vector.
pub(super) fn passages(snapshot: &Snapshot<'_>, space: &Space, row: i64) -> Result<Passages, Error> {
    let batch = snapshot.tx.vectors_of(space, &[row])?;
    let rows = batch.keys.iter().zip(batch.rows.chunks_exact(space.dimensions));
    let of_summary = rows.filter(|(key, _)| key.role == Role::Summary.number());
    Ok(of_summary.map(|(_, vector)| vector.to_vec()).collect())
}

/// The similarity of two entries as a whole: that of the passage, of either, which has the least similar counterpart in the
/// other. A long entry that holds another one, or shares a part with it, is not like it for that. Of entries of one passage:
/// the similarity of their vectors.
pub(super) fn similarity_of(these: &Passages, those: &Passages) -> f32 {
    least_matched(these, those).min(least_matched(those, these))
}

fn least_matched(these: &Passages, those: &Passages) -> f32 {
    let nearest =
        |vector: &Vec<f32>| those.iter().map(|other| similarity(vector, other)).fold(-1.0, f32::max);
    these.iter().map(nearest).fold(1.0, f32::min)
}

/// For each of several vectors the admitted entries of which a passage is as similar as the threshold. Every near duplicate of
/// the entry whose first passage it is is among them.
pub(super) fn suspects(
    search: &SnapshotSearch<'_>,
    admitted: &Admitted,
    vectors: &[&[f32]],
    threshold: f32,
    options: SearchOptions<'_>,
) -> Result<Vec<Vec<Suspect>>, Error> {
    let mut options = admitted.restrict(options);
    options.k = FIRST_DEPTH;
    let mut lists = search.search_batch(&vectors.concat(), &options)?;
    for (found, vector) in lists.iter_mut().zip(vectors) {
        let mut deeper = options;
        while found.len() >= deeper.k && found.last().is_some_and(|last| last.similarity >= threshold) {
            deeper.k *= 8;
            *found = search.search(vector, &deeper)?;
        }
    }
    let near = lists.into_iter().map(|found| {
        let near = found.into_iter().take_while(|near| near.similarity >= threshold);
        near.map(|near| Suspect { row: near.key.entry, similarity: near.similarity }).collect()
    });
    Ok(near.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_passage_needs_a_counterpart() {
        let (north, east) = (vec![0.0, 1.0], vec![1.0, 0.0]);
        let (one, both) = (vec![north.clone()], vec![north.clone(), east.clone()]);
        assert_eq!(similarity_of(&one, &one), 1.0);
        assert_eq!(similarity_of(&both, &vec![east, north]), 1.0);
        assert_eq!(similarity_of(&one, &both), 0.0);
        assert_eq!(similarity_of(&both, &one), 0.0);
    }
}
