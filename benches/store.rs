//! Writing and reading the file, beside a bare rusqlite program that writes the same tables.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rekall::{NewEntry, Rekall};
use rusqlite::Connection;

const ROWS: usize = 5_000;
const DIMENSIONS: usize = 384;

struct Batch {
    entries: Vec<NewEntry>,
    vectors: Vec<f32>,
}

fn batch() -> Batch {
    let mut random = common::Random(1);
    let vectors = (0..ROWS).flat_map(|_| random.unit(DIMENSIONS)).collect();
    Batch { entries: common::entries(ROWS), vectors }
}

fn open(path: &Path) -> Rekall {
    Rekall::builder(path).vectors_of("bench", DIMENSIONS).open().unwrap()
}

/// The same rows by hand: same file, same triggers, one transaction, prepared statements.
fn write_bare(path: &Path, batch: &Batch) {
    let mut connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON").unwrap();
    let tx = connection.transaction().unwrap();
    {
        tx.execute(
            "INSERT INTO space (fingerprint, dimensions, state, created_at) VALUES ('bare', ?1, 'active', 0)",
            [DIMENSIONS as i64],
        )
        .unwrap();
        let mut entry = tx
            .prepare(
                "INSERT INTO entry (ulid, title, content, kind, tags, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, 0, 0)",
            )
            .unwrap();
        let mut vector = tx
            .prepare(
                "INSERT INTO embedding (entry_id, space_id, role, chunk, start, end, digest, vector)
                 VALUES (?1, 1, 0, 0, 0, 10, x'00112233445566778899aabbccddeeff', ?2)",
            )
            .unwrap();
        for (number, (new, row)) in
            batch.entries.iter().zip(batch.vectors.chunks_exact(DIMENSIONS)).enumerate()
        {
            let tags = serde_json::to_string(&new.tags).unwrap();
            entry.execute((format!("{number:026}"), &new.title, &new.content, &new.kind, tags)).unwrap();
            let bytes: Vec<u8> = row.iter().flat_map(|value| value.to_le_bytes()).collect();
            vector.execute((tx.last_insert_rowid(), bytes)).unwrap();
        }
    }
    tx.commit().unwrap();
}

/// Times only the writing: opening and removing the file are left out.
fn timed(iterations: u64, mut write: impl FnMut(&Path) -> Duration) -> Duration {
    (0..iterations)
        .map(|_| {
            let folder = tempfile::tempdir().unwrap();
            write(&folder.path().join("bench.db"))
        })
        .sum()
}

fn bulk_write(criterion: &mut Criterion) {
    let batch = batch();
    let mut group = criterion.benchmark_group("write_5k_entries_384d_in_one_transaction");
    group.throughput(Throughput::Elements(ROWS as u64)).sample_size(10);
    group.bench_function("rekall", |bencher| {
        bencher.iter_custom(|iterations| {
            timed(iterations, |path| {
                let rekall = open(path);
                let started = Instant::now();
                rekall.remember_many(&batch.entries).vectors(&batch.vectors).run().unwrap();
                started.elapsed()
            })
        });
    });
    group.bench_function("bare_rusqlite", |bencher| {
        bencher.iter_custom(|iterations| {
            timed(iterations, |path| {
                drop(open(path));
                let started = Instant::now();
                write_bare(path, &batch);
                started.elapsed()
            })
        });
    });
    group.finish();
}

fn read_and_open(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bench.db");
    let rekall = open(&path);
    let batch = batch();
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.extend(rekall.remember_many(&batch.entries).vectors(&batch.vectors).run().unwrap());
    }
    let mut random = common::Random(3);
    criterion.bench_function("get_one_of_100k", |bencher| {
        bencher.iter(|| black_box(rekall.get(ids[random.below(ids.len())]).unwrap()));
    });
    criterion.bench_function("probe_data_version", |bencher| {
        bencher.iter(|| black_box(rekall.store().data_version().unwrap()));
    });
    drop(rekall);
    criterion.bench_function("open_a_file_of_100k_entries", |bencher| {
        bencher.iter(|| black_box(open(&path)));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).without_plots();
    targets = bulk_write, read_and_open
}
criterion_main!(benches);
