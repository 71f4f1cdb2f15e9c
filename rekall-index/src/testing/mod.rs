//! The conformance suite: what [`VectorIndex`] promises, as tests that any backend can run.
//!
//! One line gives a backend its tests, each named after a promise:
//!
//! ```
//! rekall_index::conformance!(flat, |dimensions| rekall_index::FlatIndex::new(dimensions).unwrap());
//! rekall_index::resident_conformance!(flat_resident, |dimensions| rekall_index::FlatIndex::new(dimensions).unwrap());
//! ```
//!
//! Every result is compared, bit by bit, with [`NaiveIndex`], which follows the definition and nothing else. Randomness comes
//! from fixed seeds, which failures print. Feature `testing`.

// The suite is made of assertions: it runs inside tests, and a panic is how it reports.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cases;
mod changes;
mod data;
mod filters;
mod naive;
mod resident;
mod with_source;

use std::collections::HashSet;

pub use cases::*;
pub use changes::*;
#[cfg(test)]
pub(crate) use data::normalize;
pub use data::{Random, unit_rows};
pub use filters::*;
pub use naive::NaiveIndex;
pub use resident::*;
pub use with_source::WithSource;

pub use crate::dispatch::{Simd, limit_simd};
use crate::{Error, Key, Neighbor, SearchOptions, VectorIndex, VectorSearch, VectorSource};

/// Makes an empty index of the given dimensions.
pub type Make<'a> = &'a dyn Fn(usize) -> Box<dyn VectorIndex>;

/// Searches both ways, and by [`search_unsettled`](VectorSearch::search_unsettled) where the backend has it, and fails unless every bit
/// agrees; gives back the result.
///
/// # Panics
/// When the backend differs from the reference, or fails.
pub fn assert_same(
    index: &dyn VectorSearch,
    naive: &NaiveIndex,
    query: &[f32],
    options: &SearchOptions<'_>,
    context: &str,
) -> Vec<Neighbor> {
    let found = index.search(query, options).unwrap_or_else(|error| panic!("{context}: {error}"));
    let due = naive.search(query, options).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert_lists_agree(&found, &due, context);
    let unsettled = index.search_unsettled(query, options);
    if let Some(unsettled) = unsettled.unwrap_or_else(|error| panic!("{context}: {error}")) {
        let [candidates, open] = [unsettled.candidates(), unsettled.open_rows()].map(|rows| {
            let distinct: HashSet<Key> = rows.iter().copied().collect();
            assert_eq!(distinct.len(), rows.len(), "{context}: rows named twice");
            distinct
        });
        assert!(open.is_subset(&candidates), "{context}: rows that can't come back");
        let settled = unsettled.settle(&Named { naive, open });
        let settled = settled.unwrap_or_else(|error| panic!("{context}, settled: {error}"));
        assert!(settled.iter().all(|near| candidates.contains(&near.key)), "{context}: no candidates");
        assert_lists_agree(&settled, &due, &format!("{context}, settled"));
    }
    found
}

/// The reference's rows, but only those that a search has named.
struct Named<'a> {
    naive: &'a NaiveIndex,
    open: HashSet<Key>,
}

impl VectorSource for Named<'_> {
    fn rows(&self, keys: &[Key], out: &mut Vec<f32>) -> Result<(), Error> {
        match keys.iter().find(|key| !self.open.contains(key)) {
            Some(&key) => Err(Error::MissingRow { key }),
            None => self.naive.rows(keys, out),
        }
    }
}

pub(crate) fn assert_lists_agree(found: &[Neighbor], due: &[Neighbor], context: &str) {
    if let Some(rank) = (0..found.len().max(due.len())).find(|&rank| found.get(rank) != due.get(rank)) {
        panic!("{context}: expected {:?} at rank {rank}, got {:?}", due.get(rank), found.get(rank));
    }
}

/// A backend under test and the reference, kept in step.
pub struct Pair {
    /// The backend.
    pub index: Box<dyn VectorIndex>,
    /// The reference.
    pub naive: NaiveIndex,
}

impl Pair {
    /// Two empty indexes.
    #[must_use]
    pub fn new(make: Make<'_>, dimensions: usize) -> Self {
        let (index, naive) = (make(dimensions), NaiveIndex::new(dimensions));
        assert_eq!(index.dimensions(), dimensions, "dimensions of a fresh index");
        Self { index, naive }
    }

    /// Upserts into both.
    pub fn upsert(&mut self, keys: &[Key], rows: &[f32]) {
        self.index.upsert(keys, rows).unwrap();
        self.naive.upsert(keys, rows).unwrap();
        self.assert_length();
    }

    /// Removes from both.
    pub fn remove(&mut self, keys: &[Key]) {
        assert_eq!(self.index.remove(keys).unwrap(), self.naive.remove(keys).unwrap(), "rows removed");
        self.assert_length();
    }

    /// Removes an entry from both.
    pub fn remove_entry(&mut self, entry: i64) {
        let (index, naive) = (self.index.remove_entry(entry), self.naive.remove_entry(entry));
        assert_eq!(index.unwrap(), naive.unwrap(), "rows of entry {entry} removed");
        self.assert_length();
    }

    /// Compares one search.
    pub fn check(&self, query: &[f32], options: &SearchOptions<'_>, context: &str) -> Vec<Neighbor> {
        assert_same(self.index.as_ref(), &self.naive, query, options, context)
    }

    fn assert_length(&self) {
        assert_eq!(self.index.len(), self.naive.len(), "rows held");
        assert_eq!(self.index.is_empty(), self.naive.is_empty());
    }
}

/// Runs the conformance suite on a backend, as a module of tests: `conformance!(name, |dimensions| index)`, where `index` is
/// an empty [`VectorIndex`](crate::VectorIndex). An approximate backend can't pass; let it search exhaustively for the test.
#[macro_export]
macro_rules! conformance {
    ($name:ident, $make:expr) => {
        $crate::__conformance_tests! {
            $name, $crate::VectorIndex, $make;
            empty_index, k_zero_is_refused, k_above_rows, one_hit_and_4097_hits, ties_at_the_border, ties_come_back_whole, ten_thousand_duplicates,
            near_ties, similarity_is_the_f64_dot_product, dimensions_from_1_to_4096, batch_equals_single, threads_change_nothing,
            cancel_stops_a_search, unsettled_searches_refuse_the_same, wrong_length_is_refused, not_finite_is_refused, not_unit_is_refused, invalid_role_is_refused,
            upsert_replaces, last_of_duplicate_keys_wins, failed_upsert_changes_nothing, remove_absent, remove_whole_entries,
            clear_and_start_again, extreme_keys, churn_leaves_no_trace, random_operations,
            grouping_keeps_the_best_row, filter_one_of_many, filter_all_and_none, filter_roles, filter_exclude, filters_combined,
        }
    };
}

/// Runs the suite of [`ResidentIndex`](crate::ResidentIndex): `resident_conformance!(name, |dimensions| index)`.
#[macro_export]
macro_rules! resident_conformance {
    ($name:ident, $make:expr) => {
        $crate::__conformance_tests! {
            $name, $crate::ResidentIndex, $make;
            snapshots_never_change, snapshots_can_be_searched_while_writing,
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ($name:ident, $trait:path, $make:expr; $($case:ident),* $(,)?) => {
        #[cfg(test)]
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            fn make(dimensions: usize) -> Box<dyn $trait> {
                Box::new(($make)(dimensions))
            }

            $(
                #[test]
                fn $case() {
                    $crate::testing::$case(&make);
                }
            )*
        }
    };
}
