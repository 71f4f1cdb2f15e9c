//! What does it cost that thousands of entries are equally near? 20,000 entries, 384 dimensions, the 10 nearest, each kind of
//! index: once with vectors that all differ, once with equal ones.
//!
//! Prints the median of a search in milliseconds, and how many times as long the one among equals takes.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod common;

use std::path::Path;
use std::time::Instant;

use rekall::{Rekall, VectorBackend};

const ROWS: usize = 20_000;
const DIMENSIONS: usize = 384;
const SEARCHES: usize = 15;

fn main() {
    // `cargo test` builds and runs benches, too, and is not to wait for this one.
    if std::env::args().any(|argument| argument == "--bench") {
        println!("ms a search | all differ | all equal | times");
        for (name, backend, budget) in [
            ("flat", VectorBackend::Flat, None),
            ("sq8", VectorBackend::Sq8, None),
            ("binary", VectorBackend::Binary, None),
            ("sq8 in the file", VectorBackend::Auto, Some(0)),
            #[cfg(feature = "sqlite-vec")]
            ("sqlite-vec", VectorBackend::SqliteVec, None),
        ] {
            let [differ, equal] = [false, true].map(|equal| bench(backend, budget, equal));
            println!("{name} | {differ:.2} | {equal:.2} | {:.1}", equal / differ);
        }
    }
}

fn open(path: &Path, backend: VectorBackend, budget: Option<usize>) -> Rekall {
    let builder = Rekall::builder(path).vectors_of("bench", DIMENSIONS).vector_backend(backend);
    match budget {
        Some(bytes) => builder.memory_budget(bytes).open().unwrap(),
        None => builder.open().unwrap(),
    }
}

fn bench(backend: VectorBackend, budget: Option<usize>, equal: bool) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let rekall = open(&folder.path().join("bench.db"), backend, budget);
    let mut random = common::Random(11);
    let one = random.unit(DIMENSIONS);
    let vectors: Vec<f32> =
        (0..ROWS).flat_map(|_| if equal { one.clone() } else { random.unit(DIMENSIONS) }).collect();
    rekall.remember_many(&common::entries(ROWS)).vectors(&vectors).run().unwrap();
    rekall.rebuild_index().run().unwrap();
    let query = random.unit(DIMENSIONS);
    let mut times: Vec<f64> = (0..=SEARCHES)
        .map(|_| {
            let started = Instant::now();
            assert_eq!(rekall.recall_vector(&query).limit(10).run().unwrap().len(), 10);
            started.elapsed().as_secs_f64() * 1e3
        })
        // The first one reads the index.
        .skip(1)
        .collect();
    times.sort_by(f64::total_cmp);
    times[SEARCHES / 2]
}
