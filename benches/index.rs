//! Searches of each resident index beside the limit of the machine: reading the rows once.
//!
//! `cargo bench --bench index`; a size in rows as argument narrows it down (`-- 100000`).
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rekall_index::testing::{Random, unit_rows};
use rekall_index::{
    BinaryIndex, FlatIndex, Key, ResidentIndex, SearchOptions, Sq8Index, VectorIndex, VectorSearch,
};

const DIMENSIONS: usize = 384;

/// Adds up the rows, as fast as memory gives them.
fn read_once(rows: &[f32]) -> f32 {
    let mut sums = [0f32; 64];
    for line in rows.as_chunks::<64>().0 {
        sums.iter_mut().zip(line).for_each(|(sum, x)| *sum += x);
    }
    sums.iter().sum()
}

/// Vectors around a common direction, as sentence models give them.
fn sentences(random: &mut Random, rows: usize) -> Vec<f32> {
    let direction = random.unit(DIMENSIONS);
    (0..rows).flat_map(|_| random.near(&direction, 0.12)).collect()
}

fn indexes(criterion: &mut Criterion) {
    for rows in [1_000, 10_000, 100_000] {
        let mut random = Random::new(1);
        let data = sentences(&mut random, rows);
        let keys: Vec<Key> = (0..rows as i64).map(|entry| Key::new(entry, 0, 0)).collect();
        let mut flat = FlatIndex::new(DIMENSIONS).unwrap();
        flat.upsert(&keys, &data).unwrap();
        let mut sq8 = Sq8Index::new(DIMENSIONS, Arc::new(flat.clone())).unwrap();
        sq8.upsert(&keys, &data).unwrap();
        let mut binary = BinaryIndex::new(DIMENSIONS, Arc::new(flat.clone())).unwrap();
        binary.upsert(&keys, &data).unwrap();
        let queries = unit_rows(&mut random, 32, DIMENSIONS);

        let mut group = criterion.benchmark_group("index");
        group.throughput(Throughput::Elements(rows as u64)).sample_size(20);
        group.bench_function(BenchmarkId::new("read rows once", rows), |bencher| {
            bencher.iter(|| read_once(black_box(&data)));
        });
        let contenders: [(&str, &dyn VectorSearch); 3] =
            [("flat", &flat), ("sq8", &sq8), ("binary", &binary)];
        for (name, index) in contenders {
            for threads in [1, 2] {
                let options = SearchOptions::new(10).with_threads(threads);
                group.bench_function(
                    BenchmarkId::new(format!("{name}, {threads} threads"), rows),
                    |bencher| {
                        bencher.iter(|| index.search(&queries[..DIMENSIONS], &options).unwrap());
                    },
                );
                let name = format!("{name}, batch of 32, {threads} threads");
                group.bench_function(BenchmarkId::new(name, rows), |bencher| {
                    bencher.iter(|| index.search_batch(&queries, &options).unwrap());
                });
            }
        }
        // One row changed, and visible to readers.
        let mut view = flat.snapshot();
        let mut next = 0;
        group.bench_function(BenchmarkId::new("flat, upsert and snapshot", rows), |bencher| {
            bencher.iter(|| {
                next = (next + 7919) % rows;
                flat.upsert(&keys[next..=next], &queries[..DIMENSIONS]).unwrap();
                view = flat.snapshot();
            });
        });
        drop(view);
        group.finish();
    }
}

criterion_group!(benches, indexes);
criterion_main!(benches);
