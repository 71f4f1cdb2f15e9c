//! A file and a server, to which the same is done.
#![allow(clippy::unwrap_used, reason = "a test reports by panics")]

mod ask;
mod change;
mod random;
mod words;

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rekall_core::{EntryId, Error, LogPosition, ReadTx, SqliteStore, Store, StoreOptions, WallClock};
use rekall_postgres::testing::Server;
use rekall_postgres::{PostgresOptions, PostgresStore};

pub(crate) use random::Random;

/// A clock that both follow.
#[derive(Debug)]
struct Clock(AtomicI64);

impl WallClock for Clock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A file and a server.
pub(crate) struct Pair {
    pub(crate) file: SqliteStore,
    pub(crate) server: PostgresStore,
    clock: Arc<Clock>,
    /// Ids that were given to entries, gone ones included.
    pub(crate) ids: Vec<EntryId>,
    /// Where the logs of both stood at the same moments.
    pub(crate) moments: Vec<(LogPosition, LogPosition)>,
    /// How many answers were compared.
    pub(crate) compared: usize,
    _folder: tempfile::TempDir,
}

impl Pair {
    pub(crate) fn open(server: &Server) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Clock(AtomicI64::new(1_700_000_000_000)));
        let mut options = StoreOptions::default();
        options.clock = Arc::clone(&clock) as Arc<dyn WallClock>;
        let file = SqliteStore::open(folder.path().join("a.db"), &options).unwrap();
        let mut options = PostgresOptions::default();
        options.clock = Arc::clone(&clock) as Arc<dyn WallClock>;
        let server = PostgresStore::open(&server.memory_url(), &options).unwrap();
        let mut pair =
            Self { file, server, clock, ids: Vec::new(), moments: Vec::new(), compared: 0, _folder: folder };
        pair.note_moment();
        pair
    }

    pub(crate) fn pass_time(&self, ms: i64) {
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now_ms()
    }

    pub(crate) fn note_moment(&mut self) {
        let position = |store: &dyn Store| store.read().unwrap().position().unwrap();
        self.moments.push((position(&self.file), position(&self.server)));
    }
}

/// Names entries by their ids: row numbers differ, because a server does not give those of a transaction that was undone again.
pub(crate) struct Names(HashMap<i64, EntryId>);

impl Names {
    pub(crate) fn of(tx: &dyn ReadTx) -> Self {
        Self(tx.all_ids().unwrap().into_iter().collect())
    }

    pub(crate) fn name(&self, row: i64) -> String {
        self.0.get(&row).map_or_else(|| "gone".to_owned(), ToString::to_string)
    }

    pub(crate) fn names(&self, rows: &[i64]) -> Vec<String> {
        rows.iter().map(|&row| self.name(row)).collect()
    }
}

/// An answer as text: errors by what they say, or, where an engine says it, by their kind.
pub(crate) fn answer<T: Debug>(answer: Result<T, Error>) -> String {
    match answer {
        Ok(value) => format!("{value:?}"),
        Err(error @ Error::Engine { .. }) => format!("engine: {:?}", error.kind()),
        Err(error) => format!("error: {error}"),
    }
}
