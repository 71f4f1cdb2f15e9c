//! What does a write cost that is a transaction of its own? 10,000 entries, 384 dimensions, each kind of index.
//!
//! Remembers, then forgets a thousand entries one by one: through the facade, and through the storage below it, which knows
//! of no index. Prints microseconds a write as a table.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod common;

use std::path::Path;
use std::time::Instant;

use rekall::{EntryId, NewEntry, Rekall, VectorBackend};

const ROWS: usize = 10_000;
const WRITES: usize = 1_000;
const DIMENSIONS: usize = 384;

fn main() {
    // `cargo test` builds and runs benches, too, and is not to wait for this one.
    if std::env::args().any(|argument| argument == "--bench") {
        println!("µs a write | remember | forget | forget, storage alone");
        for (name, backend, budget) in [
            ("flat", VectorBackend::Flat, None),
            ("sq8", VectorBackend::Sq8, None),
            ("sq8 in the file", VectorBackend::Auto, Some(4 << 20)),
            #[cfg(feature = "sqlite-vec")]
            ("sqlite-vec", VectorBackend::SqliteVec, None),
        ] {
            bench(name, backend, budget);
        }
    }
}

fn open(path: &Path, backend: VectorBackend, budget: Option<usize>) -> Rekall {
    let mut builder = Rekall::builder(path).vectors_of("bench", DIMENSIONS).vector_backend(backend);
    if let Some(bytes) = budget {
        builder = builder.memory_budget(bytes);
    }
    builder.open().unwrap()
}

fn bench(name: &str, backend: VectorBackend, budget: Option<usize>) {
    let folder = tempfile::tempdir().unwrap();
    let rekall = open(&folder.path().join("bench.db"), backend, budget);
    let mut random = common::Random(5);
    let vectors: Vec<f32> = (0..ROWS).flat_map(|_| random.unit(DIMENSIONS)).collect();
    let entries = common::entries(ROWS);
    rekall.remember_many(&entries).vectors(&vectors).run().unwrap();
    rekall.recall_vector(&vectors[..DIMENSIONS]).run().unwrap();

    let started = Instant::now();
    let remember = |(entry, vector): (&NewEntry, &[f32])| rekall.remember_with_vector(entry.clone(), vector);
    let ids: Vec<EntryId> = entries
        .iter()
        .zip(vectors.chunks_exact(DIMENSIONS))
        .take(WRITES)
        .map(|new| remember(new).unwrap())
        .collect();
    let remembering = started.elapsed();

    let (by_facade, by_storage) = ids.split_at(WRITES / 2);
    let started = Instant::now();
    by_facade.iter().for_each(|&id| rekall.forget(id).unwrap());
    let forgetting = started.elapsed();

    let started = Instant::now();
    for &id in by_storage {
        let mut tx = rekall.store().write().unwrap();
        tx.delete(id).unwrap();
        tx.commit().unwrap();
    }
    let storage = started.elapsed();
    let micros = |elapsed: std::time::Duration, writes: usize| elapsed.as_secs_f64() * 1e6 / writes as f64;
    println!(
        "{name} | {:.0} | {:.0} | {:.0}",
        micros(remembering, WRITES),
        micros(forgetting, by_facade.len()),
        micros(storage, by_storage.len()),
    );
}
