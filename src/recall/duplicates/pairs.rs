//! All pairs of entries of a file that say nearly the same.

use std::collections::HashMap;

use rekall_core::{Filter, Role, Space};
use rekall_index::{EntrySet, Roles, SearchOptions};
use serde::Serialize;

use super::super::options::check_limit;
use super::super::retrieve::Admitted;
use super::compare::{Suspect, passages, similarity_of, suspects};
use super::differences::{Difference, differences};
use super::of_entry::summary;
use super::{NEAR, check_threshold};
use crate::long_call::Watch;
use crate::vector_index::{Snapshot, SnapshotSearch};
use crate::{CancelToken, EntryId, Error, LongCall, Rekall};

/// Entries whose neighbors are searched at a time.
const BATCH: usize = 64;

/// What [`Rekall::duplicates`] looks for; set by setters of the call.
#[derive(Debug, Clone)]
pub struct DuplicateSearch {
    threshold: f32,
    filter: Filter,
    limit: usize,
}

/// Pairs of entries that say nearly the same.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Duplicates {
    /// The most similar pairs, best first, equal ones by the ids of their entries.
    pub pairs: Vec<DuplicatePair>,
    /// How many pairs there are in all.
    pub found: u64,
}

/// Two entries that say nearly the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DuplicatePair {
    /// The one with the lower id, which is usually the older one.
    pub first: EntryId,
    /// The other one.
    pub second: EntryId,
    /// Their similarity as a whole, -1 to 1.
    pub similarity: f32,
    /// Where their texts differ; see [`NearDuplicate::differences`](crate::NearDuplicate::differences).
    pub differences: Vec<Difference>,
}

impl LongCall<'_, Duplicates, DuplicateSearch> {
    /// The least similarity of a pair as a whole, -1 to 1. Default 0.98.
    pub fn threshold(mut self, similarity: f32) -> Self {
        self.options.threshold = similarity;
        self
    }

    /// Which entries are compared with each other. Default: active ones.
    pub fn filter(mut self, filter: impl Into<Filter>) -> Self {
        self.options.filter = filter.into();
        self
    }

    /// The most pairs wanted, 1 to 100,000. Default 1,000. [`Duplicates::found`] counts all.
    pub fn limit(mut self, pairs: usize) -> Self {
        self.options.limit = pairs;
        self
    }
}

impl Rekall {
    /// Lists the pairs of entries that say nearly the same ([`near_duplicates`](Self::near_duplicates) says what that means, and
    /// why none is dropped). Exact: every pair above the threshold is found. Goes by stored vectors: needs no model, and leaves
    /// out entries that have none, as those that cannot be read.
    ///
    /// Progress counts vectors. Costs a search for each entry, many at a time: O(n²), about a second for 10,000 entries. One
    /// state of the file is looked at: where others write meanwhile, it may start over.
    ///
    /// ```
    /// # fn main() -> Result<(), rekall::Error> {
    /// # use rekall::{NewEntry, Rekall};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let rekall = Rekall::builder(folder.path().join("a.db")).vectors_of("host's model", 2).open()?;
    /// rekall.remember_with_vector(NewEntry::new("port 8080 is taken"), &[0.6, 0.8])?;
    /// rekall.remember_with_vector(NewEntry::new("port 9090 is taken"), &[0.61, 0.79])?;
    /// rekall.remember_with_vector(NewEntry::new("bread"), &[-0.8, 0.6])?;
    /// let report = rekall.duplicates().threshold(0.95).run()?;
    /// assert_eq!(report.found, 1);
    /// for pair in &report.pairs {
    ///     println!("{:.3} {} {} ({} differences)", pair.similarity, pair.first, pair.second, pair.differences.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidThreshold`], [`Error::InvalidLimit`], [`Error::Interrupted`], [`Error::Core`], [`Error::Index`].
    pub fn duplicates(&self) -> LongCall<'_, Duplicates, DuplicateSearch> {
        let options = DuplicateSearch { threshold: NEAR, filter: Filter::new(), limit: 1000 };
        LongCall::with_options(options, |options, watch| {
            check_threshold(options.threshold)?;
            check_limit(options.limit)?;
            options.filter.validate()?;
            let token = watch.token();
            self.vector_index.consistently(token.as_ref(), |snapshot| self.pairs(snapshot, &options, watch))
        })
    }

    fn pairs(
        &self,
        snapshot: &Snapshot<'_>,
        wanted: &DuplicateSearch,
        watch: &mut Watch<'_>,
    ) -> Result<Duplicates, Error> {
        let (Some(space), Some(search)) = (&snapshot.view.space, snapshot.search()) else {
            return Ok(Duplicates::default());
        };
        let tx = &snapshot.tx;
        let total = usize::try_from(tx.count_vectors(space.id)?).unwrap_or(usize::MAX);
        let mut comparison = Comparison {
            snapshot,
            space,
            search,
            admitted: Admitted::new(snapshot, &wanted.filter, self.store.now_ms())?,
            of_several: tx.entries_of_several_passages(space.id, Role::Summary)?.into_iter().collect(),
            ids: tx.all_ids()?.into_iter().collect(),
            wanted,
            threads: self.opening.settings.search_threads,
            token: watch.token(),
            found: 0,
            best: Vec::new(),
        };
        let mut done = 0;
        tx.vectors(space, BATCH, |batch| {
            watch.check_cancelled()?;
            let rows = batch.keys.iter().zip(batch.rows.chunks_exact(space.dimensions));
            let firsts = rows.filter(|(key, _)| key.role == Role::Summary.number() && key.chunk == 0);
            comparison.compare(&firsts.map(|(key, vector)| (key.entry, vector)).collect::<Vec<_>>())?;
            done += batch.keys.len() + batch.unusable.len();
            watch.report(done, total);
            Ok::<(), Error>(())
        })?;
        comparison.finish()
    }
}

/// A pair as it is found: the rows of the entries are looked up when it is known to stay.
struct Pair {
    ids: (EntryId, EntryId),
    rows: (i64, i64),
    similarity: f32,
}

/// The comparison of all entries with each other.
struct Comparison<'a> {
    snapshot: &'a Snapshot<'a>,
    space: &'a Space,
    search: SnapshotSearch<'a>,
    admitted: Admitted,
    /// Entries with more than one passage.
    of_several: EntrySet,
    ids: HashMap<i64, EntryId>,
    wanted: &'a DuplicateSearch,
    threads: usize,
    token: Option<CancelToken>,
    found: u64,
    best: Vec<Pair>,
}

impl Comparison<'_> {
    /// Compares entries, given with the vectors of their first passages, with those after them.
    fn compare(&mut self, entries: &[(i64, &[f32])]) -> Result<(), Error> {
        let entries: Vec<&(i64, &[f32])> =
            entries.iter().filter(|(row, _)| self.admitted.admits(*row)).collect();
        if entries.is_empty() {
            return Ok(());
        }
        let vectors: Vec<&[f32]> = entries.iter().map(|(_, vector)| *vector).collect();
        let mut options =
            SearchOptions::new(0).with_roles(Roles::only(Role::Summary.number())).with_threads(self.threads);
        options.cancel = self.token.as_ref().map(CancelToken::flag);
        let threshold = self.wanted.threshold;
        let lists = suspects(&self.search, &self.admitted, &vectors, threshold, options)?;
        for (&&(row, _), suspects) in entries.iter().zip(lists) {
            let mut own = None;
            for suspect in suspects.into_iter().filter(|suspect| suspect.row > row) {
                let similarity = self.similarity(row, &suspect, &mut own)?;
                if similarity >= threshold {
                    self.note(row, suspect.row, similarity);
                }
            }
        }
        Ok(())
    }

    /// The similarity of two entries as a whole. `own` is filled when the vectors of the first one are needed.
    fn similarity(&self, row: i64, suspect: &Suspect, own: &mut Option<Vec<Vec<f32>>>) -> Result<f32, Error> {
        if !self.of_several.contains(row) && !self.of_several.contains(suspect.row) {
            return Ok(suspect.similarity);
        }
        let own = match own {
            Some(own) => own,
            None => own.insert(passages(self.snapshot, self.space, row)?),
        };
        Ok(similarity_of(own, &passages(self.snapshot, self.space, suspect.row)?))
    }

    fn note(&mut self, a: i64, b: i64, similarity: f32) {
        let (Some(&id_a), Some(&id_b)) = (self.ids.get(&a), self.ids.get(&b)) else { return };
        self.found += 1;
        let (ids, rows) = if id_a < id_b { ((id_a, id_b), (a, b)) } else { ((id_b, id_a), (b, a)) };
        self.best.push(Pair { ids, rows, similarity });
        if self.best.len() >= 2 * self.wanted.limit {
            self.keep_best();
        }
    }

    fn keep_best(&mut self) {
        self.best.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(a.ids.cmp(&b.ids)));
        self.best.truncate(self.wanted.limit);
    }

    fn finish(mut self) -> Result<Duplicates, Error> {
        self.keep_best();
        let mut pairs = Vec::with_capacity(self.best.len());
        for Pair { ids: (first, second), rows, similarity } in &self.best {
            let mut texts = self.snapshot.tx.readable_entries(&[rows.0, rows.1])?.into_iter();
            if let (Some((_, Ok(one))), Some((_, Ok(other)))) = (texts.next(), texts.next()) {
                let differences = differences(&summary(&one), &summary(&other));
                pairs.push(DuplicatePair {
                    first: *first,
                    second: *second,
                    similarity: *similarity,
                    differences,
                });
            }
        }
        Ok(Duplicates { pairs, found: self.found })
    }
}
