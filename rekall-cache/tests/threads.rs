//! Single flight, panics, and invalidation while a computation is under way. Threads meet at barriers and
//! channels; nothing here depends on how long anything takes.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;

use rekall_cache::{CacheOptions, EmbeddingCache};

const THREADS: usize = 8;

type Vector = Arc<[f32]>;

fn one_value(value: f32) -> Vector {
    [value].into()
}

#[test]
fn the_cache_is_shared_between_threads() {
    fn is_shared<T: Send + Sync + 'static>() {}
    is_shared::<EmbeddingCache<(u64, String)>>();
}

#[test]
fn many_callers_share_one_computation() {
    let cache = EmbeddingCache::new(CacheOptions::new());
    for key in 0..200_u64 {
        let (barrier, computations) = (Barrier::new(THREADS), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    barrier.wait();
                    let vector = cache.get_or_try_insert_with(&key, || {
                        computations.fetch_add(1, Ordering::SeqCst);
                        Ok::<_, Infallible>(one_value(key as f32))
                    });
                    assert_eq!(vector, Ok(one_value(key as f32)));
                });
            }
        });
        assert_eq!(computations.into_inner(), 1);
    }
    let stats = cache.stats();
    assert_eq!((stats.loads, stats.misses, stats.hits), (200, 200, 200 * (THREADS as u64 - 1)));
}

#[test]
fn after_an_error_the_next_caller_computes() {
    let cache = EmbeddingCache::new(CacheOptions::new());
    let (barrier, computations) = (Barrier::new(THREADS), AtomicUsize::new(0));
    let errors: usize = thread::scope(|scope| {
        let run = || {
            barrier.wait();
            let vector =
                cache.get_or_try_insert_with(&1_u64, || match computations.fetch_add(1, Ordering::SeqCst) {
                    attempt @ 0..3 => Err(attempt),
                    _ => Ok(one_value(1.0)),
                });
            usize::from(vector.is_err())
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!((errors, computations.into_inner()), (3, 4));
    let stats = cache.stats();
    assert_eq!((stats.loads, stats.load_failures, stats.insertions), (4, 3, 1));
    assert_eq!(stats.hits + stats.misses, THREADS as u64);
}

#[test]
fn after_a_panic_the_next_caller_computes() {
    let cache = EmbeddingCache::new(CacheOptions::new());
    let (barrier, computations) = (Barrier::new(THREADS), AtomicUsize::new(0));
    let panics: usize = thread::scope(|scope| {
        let run = || {
            barrier.wait();
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                cache.get_or_try_insert_with(&1_u64, || {
                    // resume_unwind panics without calling the hook, which would print.
                    if computations.fetch_add(1, Ordering::SeqCst) == 0 {
                        std::panic::resume_unwind(Box::new("no model"));
                    }
                    Ok::<_, Infallible>(one_value(1.0))
                })
            }));
            assert!(outcome.as_ref().map_or(true, |vector| *vector == Ok(one_value(1.0))));
            usize::from(outcome.is_err())
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!((panics, computations.into_inner()), (1, 2));
    let stats = cache.stats();
    assert_eq!((stats.loads, stats.load_failures), (2, 1));
    assert!(cache.contains(&1));
}

/// A computation is started and held up; `change` happens; then it ends. Returns the cache.
fn with_a_change_meanwhile(
    options: CacheOptions,
    change: impl FnOnce(&EmbeddingCache<u64>),
) -> EmbeddingCache<u64> {
    let cache = EmbeddingCache::new(options);
    cache.insert(2, one_value(2.0));
    let (started, has_started) = channel();
    let (release, released) = channel::<()>();
    thread::scope(|scope| {
        let cache = &cache;
        scope.spawn(move || {
            let vector = cache.get_or_try_insert_with(&1, || {
                let _ = started.send(());
                let _ = released.recv();
                Ok::<_, Infallible>(one_value(-1.0))
            });
            assert_eq!(vector, Ok(one_value(-1.0)), "its own caller gets it");
        });
        assert!(has_started.recv().is_ok());
        change(cache);
        // A call that starts after the change waits for nobody's stale vector, or does not take it.
        let (called, has_called) = channel();
        let late = scope.spawn(move || {
            let _ = called.send(());
            cache.get_or_try_insert_with(&1, || Ok::<_, Infallible>(one_value(1.0)))
        });
        assert!(has_called.recv().is_ok());
        drop(release);
        assert!(late.join().is_ok_and(|vector| vector == Ok(one_value(1.0))));
    });
    cache
}

#[test]
fn a_computation_overtaken_by_an_invalidation_is_not_kept() {
    let changes: [fn(&EmbeddingCache<u64>); 4] = [
        |cache| assert!(!cache.invalidate(&1)),
        |cache| assert_eq!(cache.invalidate_if(|&key, _| key == 1), 0),
        // What the computation will return is unknown, so a condition on other keys overtakes it, too.
        |cache| assert_eq!(cache.invalidate_if(|&key, _| key == 2), 1),
        EmbeddingCache::clear,
    ];
    for change in changes {
        let cache = with_a_change_meanwhile(CacheOptions::new(), change);
        let stored = cache.get(&1);
        assert!(stored.is_none() || stored == Some(one_value(1.0)), "never the stale one");
        let stats = cache.stats();
        let gone = stats.replacements + stats.evictions + stats.expirations + stats.invalidations;
        assert_eq!(stats.insertions, stats.entries + gone);
    }
}

#[test]
fn the_same_holds_where_nothing_can_be_stored() {
    for options in [CacheOptions::new().max_entries(0), CacheOptions::new().max_entries(1)] {
        with_a_change_meanwhile(options.clone(), |cache| {
            cache.invalidate(&1);
        });
        with_a_change_meanwhile(options, EmbeddingCache::clear);
    }
}

#[test]
fn alone_an_overtaken_computation_leaves_nothing() {
    let changes: [fn(&EmbeddingCache<u64>); 3] = [
        |cache| {
            cache.invalidate(&1);
        },
        |cache| {
            cache.invalidate_if(|_, _| false);
        },
        EmbeddingCache::clear,
    ];
    for change in changes {
        let cache = EmbeddingCache::new(CacheOptions::new());
        // The change may as well come from within: the closure runs under no lock.
        let vector = cache.get_or_try_insert_with(&1, || {
            change(&cache);
            Ok::<_, Infallible>(one_value(-1.0))
        });
        assert_eq!(vector, Ok(one_value(-1.0)));
        assert_eq!(cache.get(&1), None);
        let stats = cache.stats();
        assert_eq!((stats.insertions, stats.rejections, stats.entries), (0, 1, 0));
        let again = cache.get_or_try_insert_with(&1, || Ok::<_, Infallible>(one_value(1.0)));
        assert_eq!((again, cache.get(&1)), (Ok(one_value(1.0)), Some(one_value(1.0))));
    }
}

#[test]
fn a_computation_overtaken_by_a_newer_vector_does_not_overwrite_it() {
    let small = EmbeddingCache::entry_bytes(&1_u64, 1);
    let cache = EmbeddingCache::new(CacheOptions::new().max_bytes(2 * small));
    for (newer, kept) in [(one_value(2.0), true), (vec![2.0; 1000].into(), false)] {
        cache.clear();
        let vector = cache.get_or_try_insert_with(&1, || {
            assert_eq!(cache.insert(1, newer.clone()), kept);
            Ok::<_, Infallible>(one_value(-1.0))
        });
        assert_eq!(vector, Ok(one_value(-1.0)));
        assert_eq!(cache.get(&1), kept.then_some(newer));
    }
}

#[test]
fn an_invalidation_of_another_key_leaves_a_computation_alone() {
    let cache = EmbeddingCache::new(CacheOptions::new());
    let vector = cache.get_or_try_insert_with(&1, || {
        cache.invalidate(&2);
        Ok::<_, Infallible>(one_value(1.0))
    });
    assert_eq!(vector.ok(), cache.get(&1));
    assert!(cache.contains(&1));
}

#[test]
fn a_panicking_condition_leaves_the_cache_usable() {
    let cache = EmbeddingCache::new(CacheOptions::new());
    (0..10_u64).for_each(|key| assert!(cache.insert(key, one_value(0.0))));
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut seen = 0;
        cache.invalidate_if(|_, _| {
            seen += 1;
            if seen == 4 {
                std::panic::resume_unwind(Box::new("stop"));
            }
            true
        })
    }));
    assert!(outcome.is_err());
    let stats = cache.stats();
    assert_eq!((stats.entries, stats.invalidations), (7, 3));
    assert_eq!(cache.invalidate_if(|_, _| true), 7);
}
