//! Capacity by entries, by bytes, by both, of zero and of none; and expiry on every path that reads.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use rekall_cache::{CacheOptions, CacheStats, EmbeddingCache, ManualClock};

fn vector(dimensions: usize) -> Arc<[f32]> {
    vec![0.5; dimensions].into()
}

fn computed(cache: &EmbeddingCache<u64>, key: u64, dimensions: usize) -> Arc<[f32]> {
    let Ok(vector) = cache.get_or_try_insert_with(&key, || Ok::<_, Infallible>(vector(dimensions)));
    vector
}

fn accounted(stats: &CacheStats) -> u64 {
    stats.entries + stats.replacements + stats.evictions + stats.expirations + stats.invalidations
}

#[test]
fn the_default_holds_exactly_a_thousand() {
    let cache = EmbeddingCache::new(CacheOptions::new());
    for key in 0..1000_u64 {
        assert!(cache.insert(key, vector(4)));
    }
    assert_eq!(cache.len(), 1000);
    assert!((0..1000).all(|key| cache.contains(&key)));
    for key in 1000..1200_u64 {
        assert!(cache.insert(key, vector(4)), "the newest is kept");
        assert!(cache.contains(&key));
        assert_eq!(cache.len(), 1000);
    }
    assert_eq!(cache.stats().evictions, 200);
}

#[test]
fn entries_read_again_survive_a_long_scan() {
    let cache = EmbeddingCache::new(CacheOptions::new().max_entries(100));
    for key in 0..10_u64 {
        cache.insert(key, vector(4));
    }
    for key in 10..10_000_u64 {
        cache.insert(key, vector(4));
        assert!((0..10).all(|hot| cache.get(&hot).is_some()), "after {key}");
    }
}

#[test]
fn bytes_are_limited_whatever_the_sizes() {
    let entry = EmbeddingCache::entry_bytes(&0_u64, 100);
    let limit = 20 * entry;
    let cache = EmbeddingCache::new(CacheOptions::new().max_entries(None).max_bytes(limit));
    for key in 0..20_u64 {
        assert!(cache.insert(key, vector(100)));
    }
    assert_eq!((cache.len(), cache.stats().bytes), (20, limit), "equal entries fill it exactly");
    for key in 20..500_u64 {
        cache.insert(key, vector((key as usize * 37) % 900));
        computed(&cache, key + 10_000, (key as usize * 53) % 900);
        assert!(cache.stats().bytes <= limit);
    }
    assert_eq!(cache.stats().insertions, accounted(&cache.stats()));
}

#[test]
fn both_limits_hold_together() {
    let entry = EmbeddingCache::entry_bytes(&0_u64, 100);
    let options = CacheOptions::new().max_entries(30).max_bytes(20 * entry);
    let by_bytes = EmbeddingCache::new(options.clone());
    (0..200).for_each(|key| assert!(by_bytes.insert(key, vector(100))));
    assert_eq!(by_bytes.len(), 20, "large vectors: bytes bind");
    let by_entries = EmbeddingCache::new(options);
    (0..200).for_each(|key| assert!(by_entries.insert(key, vector(1))));
    assert_eq!(by_entries.len(), 30, "small vectors: entries bind");
}

#[test]
fn a_vector_larger_than_the_cache_is_returned_but_not_kept() {
    let limit = EmbeddingCache::entry_bytes(&0_u64, 100);
    let cache = EmbeddingCache::new(CacheOptions::new().max_bytes(limit));
    assert!(cache.insert(1, vector(10)));
    assert!(!cache.insert(1, vector(1000)));
    assert_eq!(cache.get(&1), None, "the older vector does not outlive the newer");
    assert_eq!(computed(&cache, 2, 1000).len(), 1000);
    let stats = cache.stats();
    assert_eq!((stats.entries, stats.bytes, stats.rejections, stats.replacements), (0, 0, 2, 1));
}

#[test]
fn room_for_one_goes_to_the_newest() {
    let bytes = 10 * EmbeddingCache::entry_bytes(&0_u64, 4);
    for options in [CacheOptions::new(), CacheOptions::new().max_bytes(bytes)] {
        let cache = EmbeddingCache::new(options.max_entries(1));
        for key in 0..5 {
            computed(&cache, key, 4);
            assert_eq!((cache.contains(&key), cache.len()), (true, 1), "{key}");
            computed(&cache, key + 20, 4);
            assert_eq!((cache.contains(&(key + 20)), cache.len()), (true, 1), "{key}");
            assert!(cache.insert(key + 10, vector(4)));
            assert_eq!((cache.contains(&(key + 10)), cache.len()), (true, 1), "{key}");
        }
    }
}

#[test]
fn a_capacity_of_zero_stores_nothing() {
    let clock = ManualClock::new();
    for options in [
        CacheOptions::new().max_entries(0),
        CacheOptions::new().max_bytes(0),
        CacheOptions::new().max_entries(0).max_bytes(0).time_to_live(None),
        CacheOptions::new().time_to_live(Duration::ZERO).clock(clock.clone()),
    ] {
        let cache = EmbeddingCache::new(options);
        assert!(!cache.insert(1, vector(4)));
        assert_eq!(computed(&cache, 1, 4), vector(4));
        assert!(!cache.begin_fill().insert(1, vector(4)));
        assert_eq!(cache.get(&1), None);
        assert!(!cache.contains(&1) && cache.is_empty());
        assert_eq!(cache.get_matrix(&[1, 2], 4).map(|matrix| matrix.missing), Ok(vec![0, 1]));
        assert!(!cache.invalidate(&1));
        assert_eq!(cache.invalidate_if(|_, _| true), 0);
        cache.clear();
        let stats = cache.stats();
        assert_eq!((stats.insertions, stats.rejections, stats.bytes, stats.loads), (0, 3, 0, 1));
    }
}

#[test]
fn no_limit_keeps_everything() {
    let cache = EmbeddingCache::new(CacheOptions::new().max_entries(None).max_bytes(None).time_to_live(None));
    (0..5000).for_each(|key| assert!(cache.insert(key, vector(2))));
    assert_eq!((cache.len(), cache.stats().evictions), (5000, 0));
}

#[test]
fn limits_at_the_end_of_their_range_are_harmless() {
    let options = CacheOptions::new().max_entries(usize::MAX).max_bytes(u64::MAX).time_to_live(Duration::MAX);
    let cache = EmbeddingCache::new(options);
    (0..100).for_each(|key| assert!(cache.insert(key, vector(2))));
    assert_eq!(cache.len(), 100);
}

/// A cache with one entry that has just expired, and its clock.
fn with_an_expired_entry() -> (EmbeddingCache<u64>, ManualClock) {
    let clock = ManualClock::new();
    let ttl = Duration::from_secs(10);
    let cache = EmbeddingCache::new(CacheOptions::new().time_to_live(ttl).clock(clock.clone()));
    cache.insert(1, vector(4));
    clock.advance(ttl - Duration::from_nanos(1));
    assert!(cache.get(&1).is_some(), "reading does not renew");
    clock.advance(Duration::from_nanos(1));
    assert_eq!(cache.stats().entries, 1, "nothing has met it yet");
    (cache, clock)
}

#[test]
fn every_path_that_reads_checks_the_age() {
    let paths: [fn(&EmbeddingCache<u64>); 9] = [
        |cache| assert_eq!(cache.get(&1), None),
        |cache| assert!(!cache.contains(&1)),
        |cache| assert_eq!(cache.len(), 0),
        |cache| assert!(cache.is_empty()),
        |cache| assert_eq!(cache.remove_expired(), 1),
        |cache| assert_eq!(cache.get_matrix(&[1], 4).map(|matrix| matrix.rows()), Ok(0)),
        |cache| assert!(!cache.invalidate(&1)),
        |cache| assert_eq!(cache.invalidate_if(|_, _| unreachable!("it is not shown")), 0),
        EmbeddingCache::clear,
    ];
    for path in paths {
        let (cache, _clock) = with_an_expired_entry();
        path(&cache);
        let stats = cache.stats();
        assert_eq!((stats.entries, stats.bytes, stats.expirations, stats.invalidations), (0, 0, 1, 0));
    }
}

#[test]
fn an_expired_vector_is_computed_anew_and_lives_its_full_time() {
    let (cache, clock) = with_an_expired_entry();
    assert_eq!(computed(&cache, 1, 7).len(), 7);
    clock.advance(Duration::from_secs(9));
    assert_eq!(computed(&cache, 1, 9).len(), 7, "still the one of 9 seconds ago");
    clock.advance(Duration::from_secs(1));
    assert_eq!(computed(&cache, 1, 9).len(), 9);
    let stats = cache.stats();
    assert_eq!((stats.loads, stats.expirations, stats.insertions), (2, 2, 3));
}

#[test]
fn without_a_time_to_live_nothing_expires() {
    let clock = ManualClock::new();
    let cache = EmbeddingCache::new(CacheOptions::new().time_to_live(None).clock(clock.clone()));
    cache.insert(1_u64, vector(4));
    clock.advance(Duration::MAX);
    assert!(cache.get(&1).is_some() && cache.contains(&1));
    assert_eq!((cache.len(), cache.remove_expired()), (1, 0));
}

#[test]
fn storing_again_renews_and_counts_a_replacement() {
    let clock = ManualClock::new();
    let cache = EmbeddingCache::new(CacheOptions::new().clock(clock.clone()));
    cache.insert(1_u64, vector(4));
    clock.advance(Duration::from_secs(400));
    cache.insert(1, vector(8));
    clock.advance(Duration::from_secs(400));
    assert_eq!(cache.get(&1), Some(vector(8)));
    let stats = cache.stats();
    assert_eq!((stats.insertions, stats.replacements, stats.evictions), (2, 1, 0));
    assert_eq!(stats.bytes, EmbeddingCache::entry_bytes(&1_u64, 8));
}
