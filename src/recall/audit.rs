//! How much of what is nearest a search finds, measured on the file's own vectors.

use rekall_core::Space;
use rekall_index::{EntrySet, Key, Neighbor, SearchOptions, VectorSearch, similarity};
use serde::Serialize;

use super::options::{MAX_LIMIT, check_limit};
use crate::long_call::Watch;
use crate::vector_index::{Snapshot, keep_best};
use crate::{Error, LongCall, Rekall};

/// Rows read from the file at a time.
const BATCH: usize = 1024;

/// What [`Rekall::audit_index`] found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct IndexAudit {
    /// Name of the backend that was tested, as in [`Stats::index_backend`](crate::Stats::index_backend);
    /// `None`: the file has no vectors.
    pub backend: Option<&'static str>,
    /// Vectors in the file's space.
    pub rows: usize,
    /// Searches made.
    pub queries: usize,
    /// Hits asked of each.
    pub k: usize,
    /// Share of the `k` nearest entries that were found, 0 to 1, on average; 1 when nothing was searched.
    pub recall: f64,
    /// The same of the worst search.
    pub worst: f64,
    /// Searches whose hits, their order or their similarities were not, to the bit, those of brute force.
    pub differing: usize,
}

impl IndexAudit {
    /// Whether every search found exactly what brute force found. Required of every backend but the
    /// approximate one.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.differing == 0
    }
}

/// A stored vector that serves as a query, and what is nearest to it.
struct Probe {
    entry: i64,
    vector: Vec<f32>,
    nearest: Vec<Neighbor>,
}

impl Rekall {
    /// Compares the vector index with brute force: up to `queries` stored vectors (100,000 at the most),
    /// taken evenly from the file, serve as queries, each without its own entry, and the `k` hits of each are
    /// held against all rows of the file compared one by one in `f64`. Reads every vector twice; about 0.2 µs
    /// a row and query for 384 dimensions.
    ///
    /// ```
    /// # use rekall::{NewEntry, Rekall};
    /// # fn main() -> Result<(), rekall::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).open()?;
    /// # rekall.remember(NewEntry::new("Disk full on the build machine"))?;
    /// let report = rekall.audit_index(100, 10).run()?;
    /// assert!(report.is_exact());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidLimit`] for no queries, or for `k` outside 1 to 100,000; [`Error::Interrupted`];
    /// [`Error::Core`]; [`Error::Index`].
    pub fn audit_index(&self, queries: usize, k: usize) -> LongCall<'_, IndexAudit> {
        LongCall::new(move |watch| self.audit_index_watched(queries, k, watch))
    }

    fn audit_index_watched(
        &self,
        queries: usize,
        k: usize,
        watch: &mut Watch<'_>,
    ) -> Result<IndexAudit, Error> {
        let queries = queries.min(MAX_LIMIT);
        check_limit(queries)?;
        check_limit(k)?;
        self.vector_index.consistently(None, |snapshot| {
            let view = &snapshot.view;
            let mut report = IndexAudit {
                backend: view.backend,
                rows: 0,
                queries: 0,
                k,
                recall: 1.0,
                worst: 1.0,
                differing: 0,
            };
            let (Some(space), Some(search)) = (&view.space, snapshot.search()) else { return Ok(report) };
            report.rows = count(snapshot, space)?;
            let mut probes = sample(snapshot, space, queries)?;
            by_brute_force(snapshot, space, &mut probes, k, watch)?;
            report.queries = probes.len();
            let mut sum = 0.0;
            for probe in &probes {
                watch.check_cancelled()?;
                let own: EntrySet = [probe.entry].into_iter().collect();
                let found = search.search(&probe.vector, &SearchOptions::new(k).with_exclude(&own))?;
                let share = share_found(&probe.nearest, &found);
                sum += share;
                report.worst = report.worst.min(share);
                report.differing += usize::from(found != probe.nearest);
            }
            if !probes.is_empty() {
                report.recall = sum / probes.len() as f64;
            }
            Ok(report)
        })
    }
}

fn count(snapshot: &Snapshot<'_>, space: &Space) -> Result<usize, Error> {
    Ok(usize::try_from(snapshot.tx.count_vectors(space.id)?).unwrap_or(usize::MAX))
}

/// About `wanted` vectors, evenly spread over the file.
fn sample(snapshot: &Snapshot<'_>, space: &Space, wanted: usize) -> Result<Vec<Probe>, Error> {
    let rows = count(snapshot, space)?;
    let step = rows.div_ceil(wanted).max(1);
    let mut probes = Vec::with_capacity(wanted.min(rows));
    let mut number = 0;
    snapshot.tx.vectors(space, BATCH, |batch| {
        for (key, vector) in batch.keys.iter().zip(batch.rows.chunks_exact(space.dimensions)) {
            if number % step == 0 {
                probes.push(Probe { entry: key.entry, vector: vector.to_vec(), nearest: Vec::new() });
            }
            number += 1;
        }
        Ok::<(), Error>(())
    })?;
    Ok(probes)
}

/// Finds what is nearest to each probe by the definition alone: nothing of an index is used.
fn by_brute_force(
    snapshot: &Snapshot<'_>,
    space: &Space,
    probes: &mut [Probe],
    k: usize,
    watch: &mut Watch<'_>,
) -> Result<(), Error> {
    let total = count(snapshot, space)?;
    let mut done = 0;
    snapshot.tx.vectors(space, BATCH, |batch| {
        for probe in &mut *probes {
            watch.check_cancelled()?;
            for (key, vector) in batch.keys.iter().zip(batch.rows.chunks_exact(space.dimensions)) {
                if key.entry != probe.entry {
                    let key = Key::new(key.entry, key.role, key.chunk);
                    probe.nearest.push(Neighbor { key, similarity: similarity(&probe.vector, vector) });
                }
            }
            keep_best(&mut probe.nearest, &SearchOptions::new(k));
        }
        done += batch.keys.len();
        watch.report(done, total);
        Ok(())
    })
}

/// The share of the nearest that was found; one as near as the last of them counts as well as it.
fn share_found(nearest: &[Neighbor], found: &[Neighbor]) -> f64 {
    let Some(last) = nearest.last() else { return 1.0 };
    let hits = found.iter().filter(|hit| hit.similarity >= last.similarity).count();
    hits.min(nearest.len()) as f64 / nearest.len() as f64
}
