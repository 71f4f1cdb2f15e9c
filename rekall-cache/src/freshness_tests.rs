//! Many threads against one promise: no vector older than the last finished invalidation is ever seen.
//!
//! The truth is a version per key. A writer raises it, invalidates, and then publishes it; whoever reads
//! after that must not see an older one, by whatever path and with whatever limits.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::{CacheOptions, EmbeddingCache};

const KEYS: usize = 3;
const READERS: usize = 3;
const ROUNDS: u64 = 2_000;

type Announce = fn(&EmbeddingCache<usize>, usize, u64);
type Read = fn(&EmbeddingCache<usize>, usize, &dyn Fn() -> Arc<[f32]>) -> Option<Arc<[f32]>>;

const ANNOUNCE: [Announce; 4] = [
    |cache, key, _| {
        cache.invalidate(&key);
    },
    |cache, key, _| {
        cache.invalidate_if(|&other, _| other == key);
    },
    |cache, _, _| cache.clear(),
    |cache, key, version| {
        cache.insert(key, [version as f32]);
    },
];

const COMPUTE: Read =
    |cache, key, read| cache.get_or_try_insert_with(&key, || Ok::<_, Infallible>(read())).ok();
const FILL: Read = |cache, key, read| {
    let fill = cache.begin_fill();
    fill.insert(key, read());
    None
};
const GET: Read = |cache, key, _| cache.get(&key);
const MATRIX: Read = |cache, key, _| {
    cache
        .get_matrix(&[key], 1)
        .ok()
        .map(|matrix| matrix.data.into())
        .filter(|row: &Arc<[f32]>| !row.is_empty())
};

fn run(options: CacheOptions, announce: &[Announce], reads: &[Read]) {
    let cache = EmbeddingCache::<usize>::new(options);
    let truth: [AtomicU64; KEYS] = Default::default();
    let published: [AtomicU64; KEYS] = Default::default();
    thread::scope(|scope| {
        let (cache, truth, published) = (&cache, &truth, &published);
        // One writer for each key, so that versions are published in order.
        for key in 0..KEYS {
            scope.spawn(move || {
                for version in 1..=ROUNDS {
                    truth[key].store(version, Ordering::SeqCst);
                    announce[version as usize % announce.len()](cache, key, version);
                    published[key].store(version, Ordering::SeqCst);
                }
            });
        }
        for reader in 0..READERS {
            scope.spawn(move || {
                for round in 0..ROUNDS as usize {
                    let key = (round + reader) % KEYS;
                    let read = || [truth[key].load(Ordering::SeqCst) as f32].into();
                    let at_least = published[key].load(Ordering::SeqCst);
                    let vector = reads[(round / KEYS + reader) % reads.len()](cache, key, &read);
                    if let Some(&[seen]) = vector.as_deref() {
                        assert!(seen as u64 >= at_least, "key {key}: version {seen}, expected {at_least}");
                    }
                }
            });
        }
    });
    let stats = cache.stats();
    let gone = stats.replacements + stats.evictions + stats.expirations + stats.invalidations;
    assert_eq!(stats.insertions, stats.entries + gone);
    assert_eq!(stats.bytes, stats.entries * EmbeddingCache::entry_bytes(&0_usize, 1));
}

fn run_with_each_way_to_announce(reads: &[Read]) {
    for max_entries in [1000, 2, 1, 0] {
        let options = CacheOptions::new().max_entries(max_entries);
        for announce in &ANNOUNCE {
            run(options.clone(), std::slice::from_ref(announce), reads);
        }
        run(options, &ANNOUNCE, reads);
    }
}

#[test]
fn computations_are_never_stale() {
    run_with_each_way_to_announce(&[COMPUTE, GET]);
}

#[test]
fn fills_are_never_stale() {
    run_with_each_way_to_announce(&[FILL, MATRIX]);
}

#[test]
fn all_paths_together_are_never_stale() {
    run_with_each_way_to_announce(&[COMPUTE, FILL, MATRIX, COMPUTE, GET]);
}
