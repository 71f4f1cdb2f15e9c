//! What a history of changes leaves behind, and what one change costs.

use std::sync::Arc;
use std::time::Instant;

use rekall_index::testing::Random;
use rekall_index::{ResidentIndex, SearchOptions, VectorSearch};
use serde::Serialize;

use crate::contender::keys;
use crate::input::Input;
use crate::measure::median;
use crate::{BoxError, K};

/// How often a host takes a snapshot: after so many changes.
const CHANGES_PER_SNAPSHOT: usize = 100;

/// Makes `changes` updates and deletions at random, each undone by the next change, so that the index ends with the rows it
/// had, in another order; while a reader holds the snapshot before.
pub(crate) fn wear(index: &mut dyn ResidentIndex, input: &Input, changes: usize) -> Result<(), BoxError> {
    let dimensions = input.dimensions;
    let mut rows = Vec::new();
    input.each_part(|_, part| {
        rows.extend_from_slice(part);
        Ok::<(), BoxError>(())
    })?;
    let row = |number: usize| &rows[number * dimensions..(number + 1) * dimensions];
    let mut random = Random::new(7);
    let mut view = index.snapshot();
    for change in 0..changes / 2 {
        let number = random.below(input.rows as u64) as usize;
        let key = keys(number, 1);
        if change % 2 == 0 {
            index.upsert(&key, row(random.below(input.rows as u64) as usize))?;
        } else {
            index.remove_entry(key[0].entry)?;
        }
        index.upsert(&key, row(number))?;
        if change % (CHANGES_PER_SNAPSHOT / 2) == 0 {
            view = index.snapshot();
        }
    }
    drop(view);
    Ok(())
}

/// Milliseconds from one change to its visibility.
#[derive(Debug, Serialize)]
pub(crate) struct Freshness {
    /// One upsert and a new snapshot, while readers hold the one before.
    upsert_ms: f64,
    most_ms: f64,
    /// The same, and the first search of the new snapshot.
    with_search_ms: f64,
}

pub(crate) fn freshness(index: &mut dyn ResidentIndex, input: &Input) -> Result<Freshness, BoxError> {
    const TIMES: usize = 101;
    let queries = input.queries()?;
    let query = &queries[..input.dimensions];
    let mut random = Random::new(8);
    let mut view: Arc<dyn VectorSearch + Send + Sync> = index.snapshot();
    let (mut upserts, mut searches) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let key = keys(random.below(input.rows as u64) as usize, 1);
        // The vector does not matter, only that it is one.
        let other = &queries[random.below(input.queries as u64) as usize * input.dimensions..];
        let row = &other[..input.dimensions];
        let started = Instant::now();
        index.upsert(&key, row)?;
        let next = index.snapshot();
        upserts.push(started.elapsed().as_secs_f64() * 1e3);
        std::hint::black_box(next.search(query, &SearchOptions::new(K))?);
        searches.push(started.elapsed().as_secs_f64() * 1e3);
        view = next;
    }
    drop(view);
    let most_ms = upserts.iter().copied().fold(0.0, f64::max);
    Ok(Freshness { upsert_ms: median(upserts), most_ms, with_search_ms: median(searches) })
}
