//! The conformance suite: what a [`Store`] promises, as tests that any engine can run.
//!
//! One line gives an engine its tests, each named after a promise. The function makes an empty store whose clock is the one given, with
//! what has to outlive it, such as a temporary folder; `None`: the engine cannot be tested here.
//!
//! ```
//! use std::sync::Arc;
//!
//! use rekall_core::testing::{Clock, Made};
//! use rekall_core::{SqliteStore, StoreOptions};
//!
//! fn file(clock: Arc<Clock>) -> Option<Made> {
//!     let folder = tempfile::tempdir().unwrap();
//!     let mut options = StoreOptions::default();
//!     options.clock = clock;
//!     let store = SqliteStore::open(folder.path().join("a.db"), &options).unwrap();
//!     Some((Arc::new(store), Box::new(folder)))
//! }
//!
//! rekall_core::store_conformance!(in_a_file, file);
//! ```
//!
//! Feature `testing`.

// The suite is made of assertions: it runs inside tests, and a panic is how it reports.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod blocks;
mod changes;
mod crowd;
mod entries;
mod expiry;
mod facets;
mod links;
mod listing;
mod matching;
mod passages;
mod pending;
mod scopes;
mod sources;
mod spaces;
mod supersede;
mod times;
mod transactions;
mod usage;
mod vectors;
mod words;

pub use blocks::*;
pub use changes::*;
pub use crowd::{in_a_crowd, open_scope, scope};
pub use entries::*;
pub use expiry::*;
pub use facets::*;
pub use links::*;
pub use listing::*;
pub use matching::*;
pub use passages::*;
pub use pending::*;
pub use scopes::*;
pub use sources::*;
pub use spaces::*;
pub use supersede::*;
pub use times::*;
pub use transactions::*;
pub use usage::*;
pub use vectors::*;
pub use words::*;

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::{
    Draft, EntryId, Error, Inserted, NewEntry, NewVector, ReadTx, Role, Space, Store, TextDigest, WallClock,
    WriteTx,
};

/// A store, and what has to outlive it.
pub type Made = (Arc<dyn Store>, Box<dyn Any>);

/// When the clock of a test begins, in milliseconds since 1970.
pub const BEGIN: i64 = 1_700_000_000_000;

/// A clock that stands still until it is told to go on.
#[derive(Debug)]
pub struct Clock(AtomicI64);

impl WallClock for Clock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A store under test, empty at first.
pub struct Bench {
    // Dropped in this order.
    store: Arc<dyn Store>,
    clock: Arc<Clock>,
    _kept: Box<dyn Any>,
}

impl Bench {
    /// The store.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// A view of it.
    #[must_use]
    pub fn read(&self) -> Box<dyn ReadTx + '_> {
        self.store.read().unwrap()
    }

    /// Does something in a transaction of its own, and commits it.
    pub fn write<T>(&self, work: impl FnOnce(&mut dyn WriteTx) -> Result<T, Error>) -> T {
        let mut tx = self.store.write().unwrap();
        let done = work(&mut *tx).unwrap();
        tx.commit().unwrap();
        done
    }

    /// Something that must fail, in a transaction that is dropped.
    pub fn refused<T: std::fmt::Debug>(
        &self,
        work: impl FnOnce(&mut dyn WriteTx) -> Result<T, Error>,
    ) -> Error {
        let mut tx = self.store.write().unwrap();
        work(&mut *tx).unwrap_err()
    }

    /// Writes entries in one transaction.
    pub fn insert(&self, entries: &[NewEntry]) -> Vec<Inserted> {
        let drafts: Vec<Draft<'_>> = entries.iter().map(Draft::new).collect();
        self.write(|tx| tx.insert(&drafts))
    }

    /// Writes entries with these titles and nothing else.
    pub fn remember<const N: usize>(&self, titles: [&str; N]) -> [Inserted; N] {
        let written = self.insert(&titles.map(NewEntry::new));
        written.try_into().unwrap()
    }

    /// An id that no entry has.
    #[must_use]
    pub fn unknown(&self) -> EntryId {
        self.store.new_id().unwrap()
    }

    /// What the clock says.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Lets time pass.
    pub fn pass(&self, ms: i64) {
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
    }
}

/// Runs one test on a new store.
///
/// # Panics
/// When the engine breaks the promise.
pub fn run(make: impl FnOnce(Arc<Clock>) -> Option<Made>, test: fn(&Bench)) {
    let clock = Arc::new(Clock(AtomicI64::new(BEGIN)));
    if let Some((store, kept)) = make(Arc::clone(&clock)) {
        test(&Bench { store, clock, _kept: kept });
    }
}

/// A vector of a passage of an entry's summary.
fn vector<'v>(space: &Space, chunk: u16, values: &'v [f32]) -> NewVector<'v> {
    let digest = TextDigest::unknown();
    NewVector { space: space.id, role: Role::Summary, chunk, start: 0, end: 4, digest, values }
}

/// Runs the suite on a store, as a module of tests: `store_conformance!(name, make)`, where `make` is what [`testing`](crate::testing)
/// says.
#[macro_export]
macro_rules! store_conformance {
    ($name:ident, $make:ident) => {
        $crate::__store_conformance! {
            $name, $make;
            entries_come_back_as_they_were_written, ids_are_given_and_refused, entries_are_found_by_id_and_by_row,
            updates_change_what_they_say_and_stamp_it, updates_that_cannot_be_are_refused, what_hangs_on_an_entry_goes_with_it,
            many_entries_are_deleted_at_once,
            links_go_both_ways_and_have_one_reason, links_that_cannot_be_are_refused, neighbours_come_nearest_first,
            filters_admit_what_they_say, metadata_is_compared_by_value, times_bound_a_filter, obsolete_entries_are_listed,
            pages_go_by_id, pages_go_by_time_the_newest_first, entries_are_found_by_their_metadata,
            names_are_counted_the_most_frequent_first,
            entries_expire_when_their_time_has_come, what_expired_is_deleted,
            uses_are_added_up_and_change_nothing, times_are_those_of_the_entries,
            a_successor_ends_the_time_of_the_one_before, no_entry_takes_its_own_place, a_successor_is_named_and_nothing_else_changes,
            spaces_are_added_switched_and_dropped, spaces_that_cannot_be_are_refused, a_leaving_space_goes_piece_by_piece,
            vectors_come_back_bit_by_bit, vectors_of_an_earlier_position_are_told_from_changed_ones, vectors_are_replaced_but_for_those_kept, bad_vectors_are_refused,
            vectors_are_sampled_and_counted,
            entries_wait_for_vectors_until_they_have_them, wordless_entries_wait_for_none, a_filled_space_settles_who_waits,
            passages_have_vectors_of_their_own,
            words_are_found_in_all_that_an_entry_says, words_are_ranked_alike_whatever_was_forgotten,
            quoted_words_may_be_required, words_follow_every_change, words_are_searched_among_the_admitted,
            many_entries_are_searched_by_words,
            sources_are_found_by_what_they_lie_under, sections_have_places, orphans_wait_for_their_run,
            the_log_names_what_changed, the_log_is_silent_about_what_nobody_sees, a_rolled_back_change_is_no_news,
            another_active_space_is_news_for_all,
            blocks_come_back_in_order_once_they_are_sealed, blocks_of_another_history_are_refused, blocks_are_dropped,
            a_writer_is_seen_when_it_commits, figures_are_of_what_is_there, a_flag_stops_a_transaction,
        }
    };
}

/// What a store with scopes promises besides, in the same way: `scopes_conformance!(name, make)`, where `make` makes a store that is bound to none.
/// That the whole suite holds in a scope, too, is `store_conformance!` with [`in_a_crowd`](crate::testing::in_a_crowd).
#[macro_export]
macro_rules! scopes_conformance {
    ($name:ident, $make:ident) => {
        $crate::__store_conformance! {
            $name, $make;
            scopes_with_the_same_ids_do_not_see_each_other, numbers_of_another_scope_address_nothing,
            a_removed_scope_is_gone, scopes_are_listed_and_found_again, a_handle_on_a_scope_does_not_lead_out_of_it,
            exports_are_of_one_scope;
            scopes_equal_stores_of_their_own,
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __store_conformance {
    ($name:ident, $make:ident; $($case:ident),* $(,)? $(; $($beside:ident),* $(,)?)?) => {
        #[cfg(test)]
        mod $name {
            $(
                #[test]
                fn $case() {
                    $crate::testing::run(super::$make, $crate::testing::$case);
                }
            )*
            $($(
                #[test]
                fn $beside() {
                    $crate::testing::$beside(super::$make);
                }
            )*)?
        }
    };
}
