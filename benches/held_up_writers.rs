//! How long does each piece of upkeep hold up a writer? 50,000 entries, 384 dimensions, each kind of index in the file.
//!
//! One handle does the work, another one remembers notes without a pause; the longest of its calls is what counts. Prints
//! milliseconds as a table.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod common;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rekall::{NewEntry, Rekall, VectorBackend};

const ROWS: usize = 50_000;
const DIMENSIONS: usize = 384;

fn main() {
    // `cargo test` builds and runs benches, too, and is not to wait for this one.
    if std::env::args().any(|argument| argument == "--bench") {
        for (name, backend, budget) in [
            ("sq8", VectorBackend::Sq8, None),
            ("in the file", VectorBackend::Auto, Some(4 << 20)),
            #[cfg(feature = "sqlite-vec")]
            ("sqlite-vec", VectorBackend::SqliteVec, None),
        ] {
            bench(name, backend, budget);
        }
    }
}

fn open(path: &Path, backend: VectorBackend, budget: Option<usize>, model: &str) -> Rekall {
    let mut builder = Rekall::builder(path).vectors_of(model, DIMENSIONS).vector_backend(backend);
    if let Some(bytes) = budget {
        builder = builder.memory_budget(bytes);
    }
    builder.busy_timeout(Duration::from_secs(60)).open().unwrap()
}

fn bench(name: &str, backend: VectorBackend, budget: Option<usize>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bench.db");
    let rekall = open(&path, backend, budget, "bench");
    let mut random = common::Random(7);
    for entries in common::entries(ROWS).chunks(5_000) {
        let rows: Vec<f32> = entries.iter().flat_map(|_| random.unit(DIMENSIONS)).collect();
        rekall.remember_many(entries).vectors(&rows).run().unwrap();
    }
    println!("{name}: {ROWS} entries of {DIMENSIONS} dimensions");
    println!("{:16} {:>10} {:>8} {:>10} {:>10}", "ms", "takes", "writes", "median", "longest");
    let writer = open(&path, backend, budget, "bench");
    let report = |work: &str, run: &mut dyn FnMut()| {
        let stop = AtomicBool::new(false);
        let (took, mut waits) = std::thread::scope(|scope| {
            let writing = scope.spawn(|| {
                let vector = common::Random(11).unit(DIMENSIONS);
                let mut waits = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let started = Instant::now();
                    writer.remember_with_vector(NewEntry::new("a note among others"), &vector).unwrap();
                    waits.push(started.elapsed().as_secs_f64() * 1e3);
                }
                waits
            });
            let started = Instant::now();
            run();
            let took = started.elapsed().as_secs_f64() * 1e3;
            stop.store(true, Ordering::Relaxed);
            (took, writing.join().unwrap())
        });
        waits.sort_by(f64::total_cmp);
        let (median, longest) = (waits[waits.len() / 2], waits[waits.len() - 1]);
        println!("{work:16} {took:10.1} {:8} {median:10.2} {longest:10.1}", waits.len());
    };
    let query = common::Random(13).unit(DIMENSIONS);
    report("nothing", &mut || std::thread::sleep(Duration::from_secs(2)));
    report("recall", &mut || {
        for _ in 0..200 {
            rekall.recall_vector(&query).run().unwrap();
        }
    });
    report("rebuild_index", &mut || rekall.rebuild_index().run().unwrap());
    report("check", &mut || assert!(rekall.check().run().unwrap().is_clean()));
    report("repair", &mut || assert!(rekall.repair().run().unwrap().repaired.is_empty()));
    report("export", &mut || {
        rekall.export_jsonl(&mut std::io::sink()).run().unwrap();
    });
    report("backup", &mut || rekall.backup(folder.path().join("copy.db")).run().unwrap());
    report("compact", &mut || {
        rekall.compact().run().unwrap();
    });
}
