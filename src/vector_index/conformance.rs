//! The contract of an index, kept by the whole way from the file to a search: with each backend, rows are written to a file by
//! somebody else, and found through the change log.
#![allow(clippy::unwrap_used)]

use std::cell::Cell;
use std::sync::Arc;

use rekall_core::{SqliteStore, Store, StoreOptions};
use rekall_index::{EntrySet, Error, FlatIndex, Key, Neighbor, SearchOptions, VectorIndex, VectorSearch};
use tempfile::TempDir;

use super::file::IndexFile;
use super::{IndexSettings, VectorIndexKeeper, codes};
use crate::VectorBackend;
use crate::event::Events;
use crate::long_call::Watch;

/// A file, its index, and how it is treated.
struct Memory {
    store: Arc<dyn Store>,
    keeper: VectorIndexKeeper,
    /// Checks input as every index does.
    rules: FlatIndex,
    dimensions: usize,
    treatment: Treatment,
    writes: Cell<usize>,
    _folder: Option<TempDir>,
}

/// What happens after every fourth write.
#[derive(Clone, Copy, PartialEq)]
enum Treatment {
    Nothing,
    /// The index is persisted and read again, as by a process that comes later.
    PersistAndReload,
    /// Likewise, and only the writes after it are in memory.
    Persist,
}

fn memory(
    dimensions: usize,
    backend: VectorBackend,
    memory_budget: Option<usize>,
    treatment: Treatment,
) -> Memory {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("a.db"), &StoreOptions::default()).unwrap();
    let mut memory = of_store(Arc::new(store), dimensions, backend, memory_budget, treatment);
    memory._folder = Some(folder);
    memory
}

fn of_store(
    store: Arc<dyn Store>,
    dimensions: usize,
    backend: VectorBackend,
    memory_budget: Option<usize>,
    treatment: Treatment,
) -> Memory {
    let mut tx = store.write().unwrap();
    tx.ensure_active_space("test", dimensions).unwrap();
    tx.commit().unwrap();
    let settings = IndexSettings { backend, memory_budget, rescored_rows: 1_000_000 };
    Memory {
        keeper: VectorIndexKeeper::new(Arc::clone(&store), Events::default(), settings),
        store,
        rules: FlatIndex::new(dimensions).unwrap(),
        dimensions,
        treatment,
        writes: Cell::new(0),
        _folder: None,
    }
}

/// How far the suite's entries are at the most from 0, from the least number or from the greatest one.
const NEAR: i64 = 1 << 28;

/// The row of an entry of the suite, which may have any number: rows of a memory have numbers above 0. In the same order.
fn row(entry: i64) -> i64 {
    match entry {
        _ if entry < i64::MIN + NEAR => entry - i64::MIN + 1,
        _ if entry > i64::MAX - NEAR => entry - i64::MAX + 4 * NEAR,
        _ => entry + 2 * NEAR,
    }
}

/// The entry that a row stands for.
fn entry(row: i64) -> i64 {
    match row {
        _ if row <= NEAR => row - 1 + i64::MIN,
        _ if row > 3 * NEAR => row - 4 * NEAR + i64::MAX,
        _ => row - 2 * NEAR,
    }
}

fn rows(entries: &EntrySet) -> EntrySet {
    entries.iter().map(row).collect()
}

impl Memory {
    fn write(&self, change: impl FnOnce(&rusqlite::Connection) -> usize) -> usize {
        let tx = self.store.write().unwrap();
        let count = change(super::file::sqlite(&*tx).unwrap());
        tx.commit().unwrap();
        self.wrote();
        count
    }

    /// Treats the index after a write.
    fn wrote(&self) {
        self.writes.set(self.writes.get() + 1);
        if self.writes.get().is_multiple_of(4) && self.treatment != Treatment::Nothing {
            self.keeper.rebuild(&mut Watch::default()).unwrap();
            if self.treatment == Treatment::PersistAndReload {
                self.keeper.clear();
            }
        }
        self.keeper.after_write();
    }

    fn find<T>(&self, search: impl Fn(&dyn VectorSearch) -> Result<T, Error>) -> Result<T, Error> {
        let found = self.keeper.consistently(None, |snapshot| Ok(search(&snapshot.search().unwrap())?));
        found.map_err(|error| match error {
            crate::Error::Index(error) => error,
            crate::Error::Interrupted => Error::Cancelled,
            other => panic!("{other}"),
        })
    }

    fn on_rows<T>(options: &SearchOptions<'_>, search: impl FnOnce(&SearchOptions<'_>) -> T) -> T {
        let (entries, exclude) = (options.entries.map(rows), options.exclude.map(rows));
        let mut options = *options;
        options.entries = entries.as_ref();
        options.exclude = exclude.as_ref();
        search(&options)
    }
}

fn on_entries(found: &mut [Neighbor]) {
    for near in found {
        near.key.entry = entry(near.key.entry);
    }
}

impl VectorSearch for Memory {
    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn len(&self) -> usize {
        let tx = self.store.read().unwrap();
        let space = tx.active_space().unwrap().unwrap();
        usize::try_from(tx.count_vectors(space.id).unwrap()).unwrap()
    }

    fn search(&self, query: &[f32], options: &SearchOptions<'_>) -> Result<Vec<Neighbor>, Error> {
        let mut found = Self::on_rows(options, |options| self.find(|index| index.search(query, options)))?;
        on_entries(&mut found);
        Ok(found)
    }

    fn search_batch(
        &self,
        queries: &[f32],
        options: &SearchOptions<'_>,
    ) -> Result<Vec<Vec<Neighbor>>, Error> {
        let mut lists =
            Self::on_rows(options, |options| self.find(|index| index.search_batch(queries, options)))?;
        lists.iter_mut().for_each(|found| on_entries(found));
        Ok(lists)
    }

    fn memory_bytes(&self) -> usize {
        self.keeper.view().unwrap();
        self.keeper.usage().bytes
    }
}

impl VectorIndex for Memory {
    fn upsert(&mut self, keys: &[Key], vectors: &[f32]) -> Result<(), Error> {
        self.rules.upsert(keys, vectors)?;
        self.rules.clear()?;
        let dimensions = self.dimensions;
        self.write(|connection| {
            let mut insert = connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO entry (id, ulid, title, created_at, updated_at) VALUES (?1, ?1, 'a', 0, 0)",
                )
                .unwrap();
            let mut vector = connection
                .prepare_cached(
                    "INSERT INTO embedding (entry_id, space_id, role, chunk, vector)
                     VALUES (?1, (SELECT id FROM space), ?2, ?3, ?4) ON CONFLICT DO UPDATE SET vector = excluded.vector",
                )
                .unwrap();
            for (key, numbers) in keys.iter().zip(vectors.chunks_exact(dimensions)) {
                let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
                insert.execute([row(key.entry)]).unwrap();
                vector.execute((row(key.entry), key.role, key.chunk, bytes)).unwrap();
            }
            keys.len()
        });
        Ok(())
    }

    fn remove(&mut self, keys: &[Key]) -> Result<usize, Error> {
        Ok(self.write(|connection| {
            let mut remove = connection
                .prepare_cached("DELETE FROM embedding WHERE entry_id = ?1 AND role = ?2 AND chunk = ?3")
                .unwrap();
            keys.iter().map(|key| remove.execute((row(key.entry), key.role, key.chunk)).unwrap()).sum()
        }))
    }

    fn remove_entry(&mut self, entry: i64) -> Result<usize, Error> {
        Ok(self.write(|connection| {
            connection.execute("DELETE FROM embedding WHERE entry_id = ?1", [row(entry)]).unwrap()
        }))
    }

    fn clear(&mut self) -> Result<(), Error> {
        self.write(|connection| connection.execute("DELETE FROM entry", []).unwrap());
        Ok(())
    }
}

/// All but the keys that no file holds.
macro_rules! conformance {
    ($name:ident, $make:expr) => {
        rekall_index::__conformance_tests! {
            $name, VectorIndex, $make;
            empty_index, k_zero_is_refused, k_above_rows, one_hit_and_4097_hits, ties_at_the_border, ties_come_back_whole, ten_thousand_duplicates,
            near_ties, similarity_is_the_f64_dot_product, dimensions_from_1_to_4096, batch_equals_single, threads_change_nothing,
            cancel_stops_a_search, wrong_length_is_refused, not_finite_is_refused, not_unit_is_refused,
            upsert_replaces, last_of_duplicate_keys_wins, failed_upsert_changes_nothing, remove_absent, remove_whole_entries,
            clear_and_start_again, random_operations,
            grouping_keeps_the_best_row, filter_one_of_many, filter_all_and_none, filter_roles, filter_exclude, filters_combined,
        }
    };
}

#[cfg(all(feature = "postgres", unix))]
#[path = "conformance_on_server.rs"]
mod on_server;

conformance!(flat, |dimensions| memory(dimensions, VectorBackend::Flat, None, Treatment::Nothing));
// With every row rescored the approximate one is exact.
conformance!(binary, |dimensions| memory(dimensions, VectorBackend::Binary, None, Treatment::Nothing));
conformance!(sq8, |dimensions| memory(dimensions, VectorBackend::Sq8, None, Treatment::Nothing));
conformance!(persisted_sq8, |dimensions| memory(
    dimensions,
    VectorBackend::Sq8,
    None,
    Treatment::PersistAndReload
));
conformance!(streamed_sq8, |dimensions| memory(dimensions, VectorBackend::Auto, Some(0), Treatment::Persist));
conformance!(rows_in_the_file, |dimensions| memory(
    dimensions,
    VectorBackend::Auto,
    Some(0),
    Treatment::Nothing
));
#[cfg(feature = "sqlite-vec")]
conformance!(sqlite_vec, |dimensions| memory(dimensions, VectorBackend::SqliteVec, None, Treatment::Nothing));
#[cfg(feature = "sqlite-vec")]
conformance!(persisted_sqlite_vec, |dimensions| memory(
    dimensions,
    VectorBackend::SqliteVec,
    None,
    Treatment::Persist
));

/// Unit rows that point about the same way within a thousand, and elsewhere in the next: a mean of their own for each.
fn drifting(rows: i64) -> (Vec<Key>, Vec<f32>) {
    const DIMENSIONS: usize = 8;
    let keys: Vec<Key> = (0..rows).map(|entry| Key::new(entry, 0, 0)).collect();
    let mut numbers = Vec::new();
    for entry in 0..rows {
        let mut row = [0.05 * (entry % 7) as f32 + 0.01; DIMENSIONS];
        row[usize::try_from(entry / 1000).unwrap() % DIMENSIONS] += 1.0;
        row[usize::try_from(entry * 31 % 97).unwrap() % DIMENSIONS] += 0.2;
        let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        numbers.extend(row.map(|x| x / norm));
    }
    (keys, numbers)
}

#[test]
fn blocks_made_within_a_budget_are_taken_up_without_one() {
    let mut lean = memory(8, VectorBackend::Auto, Some(0), Treatment::Nothing);
    let (keys, rows) = drifting(2_700);
    lean.upsert(&keys, &rows).unwrap();
    lean.keeper.rebuild(&mut Watch::default()).unwrap();
    // Three parts with means far apart, and changes since.
    lean.remove_entry(17).unwrap();
    lean.upsert(&keys[..3], &rows[8 * 2_000..][..8 * 3]).unwrap();

    let tx = lean.store.read().unwrap();
    let space = tx.active_space().unwrap().unwrap();
    let source = Arc::new(FlatIndex::new(8).unwrap());
    let (index, _) = codes::load(&IndexFile::new(Arc::clone(&lean.store)), &*tx, &space, source)
        .unwrap()
        .expect("one export");
    assert_eq!(index.len(), 2_700, "as it was persisted");
    drop(tx);

    let keeper = |backend| {
        let settings = IndexSettings { backend, memory_budget: None, rescored_rows: 1 };
        VectorIndexKeeper::new(Arc::clone(&lean.store), Events::default(), settings)
    };
    let (held, flat) = (keeper(VectorBackend::Sq8), keeper(VectorBackend::Flat));
    for query in rows.chunks_exact(8).step_by(90) {
        let search = |keeper: &VectorIndexKeeper| {
            let view = keeper.view().unwrap();
            view.search.as_ref().unwrap().search(query, &SearchOptions::new(12)).unwrap()
        };
        let expected = search(&flat);
        assert_eq!(search(&held), expected);
        assert_eq!(search(&lean.keeper), expected);
    }
}
