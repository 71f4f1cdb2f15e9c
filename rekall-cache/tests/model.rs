//! Random operations against a `HashMap` that forgets nothing: whatever the cache returns is the latest
//! vector stored, unexpired and not invalidated; limits hold and counts add up after every step.
//!
//! The seed is fixed; another one is tried with `PROPTEST_RNG_SEED`. A failure prints the shrunk operations.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rekall_cache::{CacheOptions, EmbeddingCache, ManualClock};

type Key = (u8, String);

#[derive(Debug, Clone)]
enum Op {
    Insert(u8, usize),
    Fill(u8, usize, bool),
    Get(u8),
    Contains(u8),
    Compute(u8, usize, bool),
    Matrix(Vec<u8>, usize),
    Invalidate(u8),
    InvalidateOdd,
    InvalidateLong(usize),
    Clear,
    Len,
    RemoveExpired,
    Advance(u64),
}

fn op() -> impl Strategy<Value = Op> {
    let (key, length) = (0..8_u8, 1..40_usize);
    prop_oneof![
        6 => (key.clone(), length.clone()).prop_map(|(key, length)| Op::Insert(key, length)),
        2 => (key.clone(), length.clone(), any::<bool>())
            .prop_map(|(key, length, late)| Op::Fill(key, length, late)),
        6 => key.clone().prop_map(Op::Get),
        2 => key.clone().prop_map(Op::Contains),
        6 => (key.clone(), length.clone(), prop::bool::weighted(0.8))
            .prop_map(|(key, length, works)| Op::Compute(key, length, works)),
        2 => (prop::collection::vec(key.clone(), 0..6), length.clone())
            .prop_map(|(keys, dimensions)| Op::Matrix(keys, dimensions)),
        2 => key.prop_map(Op::Invalidate),
        1 => Just(Op::InvalidateOdd),
        1 => length.prop_map(Op::InvalidateLong),
        1 => Just(Op::Clear),
        1 => Just(Op::Len),
        1 => Just(Op::RemoveExpired),
        4 => (0..8_u64).prop_map(Op::Advance),
    ]
}

#[derive(Debug, Clone)]
struct Setup {
    max_entries: Option<usize>,
    max_bytes: Option<u64>,
    time_to_live: Option<Duration>,
}

fn setup() -> impl Strategy<Value = Setup> {
    let max_entries = prop_oneof![Just(None), Just(Some(0)), Just(Some(1)), Just(Some(2)), Just(Some(5))];
    let max_bytes =
        prop_oneof![Just(None), Just(Some(0)), Just(Some(300)), Just(Some(800)), Just(Some(1500))];
    let seconds = prop_oneof![Just(None), Just(Some(0)), Just(Some(1)), Just(Some(10))];
    (max_entries, max_bytes, seconds).prop_map(|(max_entries, max_bytes, seconds)| Setup {
        max_entries,
        max_bytes,
        time_to_live: seconds.map(Duration::from_secs),
    })
}

/// The cache, and what it may return.
struct Pair {
    setup: Setup,
    clock: ManualClock,
    cache: EmbeddingCache<Key>,
    model: HashMap<u8, (Arc<[f32]>, Duration)>,
    lookups: u64,
    stamp: f32,
}

fn key(number: u8) -> Key {
    (number, "k".repeat(usize::from(number)))
}

impl Pair {
    fn new(setup: Setup) -> Self {
        let clock = ManualClock::new();
        let options = CacheOptions::new()
            .max_entries(setup.max_entries)
            .max_bytes(setup.max_bytes)
            .time_to_live(setup.time_to_live)
            .clock(clock.clone());
        let cache = EmbeddingCache::new(options);
        Self { setup, clock, cache, model: HashMap::new(), lookups: 0, stamp: 0.0 }
    }

    /// A vector unlike any before.
    fn fresh(&mut self, length: usize) -> Arc<[f32]> {
        self.stamp += 1.0;
        vec![self.stamp; length].into()
    }

    fn expired(&self, stored_at: Duration) -> bool {
        self.setup.time_to_live.is_some_and(|limit| self.clock.elapsed() - stored_at >= limit)
    }

    fn latest(&self, number: u8) -> Option<Arc<[f32]>> {
        let (vector, stored_at) = self.model.get(&number)?;
        (!self.expired(*stored_at)).then(|| Arc::clone(vector))
    }

    /// Absent or the latest; and where nothing limits the cache, never absent.
    fn check_returned(&self, number: u8, returned: Option<&[f32]>) -> Result<(), TestCaseError> {
        let latest = self.latest(number);
        match returned {
            Some(vector) => prop_assert_eq!(Some(vector), latest.as_deref()),
            None if self.setup.max_entries.is_none() && self.setup.max_bytes.is_none() => {
                prop_assert_eq!(None, latest);
            }
            None => {}
        }
        Ok(())
    }

    fn check_counts(&self) -> Result<(), TestCaseError> {
        let stats = self.cache.stats();
        prop_assert_eq!(stats.hits + stats.misses, self.lookups);
        let gone = stats.replacements + stats.evictions + stats.expirations + stats.invalidations;
        prop_assert_eq!(stats.insertions, stats.entries + gone);
        prop_assert!(stats.load_failures <= stats.loads && stats.loads <= stats.misses);
        if let Some(limit) = self.setup.max_entries {
            prop_assert!(stats.entries <= limit as u64, "{} entries", stats.entries);
        }
        if let Some(limit) = self.setup.max_bytes {
            prop_assert!(stats.bytes <= limit, "{} bytes", stats.bytes);
        }
        prop_assert_eq!(stats.bytes == 0, stats.entries == 0);
        Ok(())
    }

    fn step(&mut self, op: Op) -> Result<(), TestCaseError> {
        match op {
            Op::Insert(number, length) => {
                let vector = self.fresh(length);
                let kept = self.cache.insert(key(number), Arc::clone(&vector));
                self.model.insert(number, (vector, self.clock.elapsed()));
                prop_assert_eq!(self.cache.contains(&key(number)), kept);
            }
            Op::Fill(number, length, late) => {
                let vector = self.fresh(length);
                let fill = self.cache.begin_fill();
                if late {
                    self.cache.invalidate(&key(number));
                    self.model.remove(&number);
                }
                let kept = fill.insert(key(number), Arc::clone(&vector));
                prop_assert!(!(late && kept));
                if !late {
                    self.model.insert(number, (vector, self.clock.elapsed()));
                }
            }
            Op::Get(number) => {
                self.lookups += 1;
                let returned = self.cache.get(&key(number));
                self.check_returned(number, returned.as_deref())?;
            }
            Op::Contains(number) => {
                let contained = self.cache.contains(&key(number));
                prop_assert!(!contained || self.latest(number).is_some());
            }
            Op::Compute(number, length, works) => {
                self.lookups += 1;
                let vector = self.fresh(length);
                let mut ran = false;
                let returned = self.cache.get_or_try_insert_with(&key(number), || {
                    ran = true;
                    if works { Ok(Arc::clone(&vector)) } else { Err(()) }
                });
                match (ran, returned) {
                    (false, Ok(returned)) => prop_assert_eq!(Some(returned), self.latest(number)),
                    (true, Ok(returned)) => {
                        prop_assert_eq!(&returned, &vector);
                        self.model.insert(number, (vector, self.clock.elapsed()));
                    }
                    (_, Err(())) => prop_assert!(ran && !works),
                }
            }
            Op::Matrix(numbers, dimensions) => {
                let keys: Vec<Key> = numbers.iter().map(|&number| key(number)).collect();
                match self.cache.get_matrix(&keys, dimensions) {
                    Ok(matrix) => {
                        self.lookups += keys.len() as u64;
                        prop_assert_eq!(matrix.data.len(), matrix.rows() * dimensions);
                        for (&index, row) in matrix.found.iter().zip(matrix.iter_rows()) {
                            self.check_returned(numbers[index], Some(row))?;
                        }
                        for &index in &matrix.missing {
                            self.check_returned(numbers[index], None)?;
                        }
                        let mut positions = [matrix.found, matrix.missing].concat();
                        positions.sort_unstable();
                        prop_assert_eq!(positions, (0..keys.len()).collect::<Vec<_>>());
                    }
                    Err(rekall_cache::Error::DimensionMismatch { index, expected, got }) => {
                        self.lookups += index as u64 + 1;
                        prop_assert_eq!(expected, dimensions);
                        prop_assert_eq!(Some(got), self.latest(numbers[index]).map(|vector| vector.len()));
                    }
                    Err(other) => prop_assert!(false, "{}", other),
                }
            }
            Op::Invalidate(number) => {
                let was_there = self.cache.invalidate(&key(number));
                prop_assert!(!was_there || self.latest(number).is_some());
                self.model.remove(&number);
            }
            Op::InvalidateOdd => {
                self.cache.invalidate_if(|key, _| key.0 % 2 == 1);
                self.model.retain(|number, _| number % 2 == 0);
            }
            Op::InvalidateLong(length) => {
                self.cache.invalidate_if(|_, vector| vector.len() > length);
                self.model.retain(|_, (vector, _)| vector.len() <= length);
            }
            Op::Clear => {
                self.cache.clear();
                self.model.clear();
                prop_assert_eq!(self.cache.stats().entries, 0);
            }
            Op::Len => {
                let len = self.cache.len();
                let living = (0..8).filter(|&number| self.cache.contains(&key(number))).count();
                prop_assert_eq!(len, living);
            }
            Op::RemoveExpired => {
                self.cache.remove_expired();
                let entries = self.cache.stats().entries;
                let living = (0..8).filter(|&number| self.latest(number).is_some()).count();
                prop_assert!(entries <= living as u64);
            }
            Op::Advance(seconds) => self.clock.advance(Duration::from_secs(seconds)),
        }
        self.check_counts()
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        failure_persistence: None,
        rng_seed: std::env::var("PROPTEST_RNG_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok())
            .unwrap_or(RngSeed::Fixed(0x5eed_cafe)),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_cache_returns_the_latest_or_nothing(
        setup in setup(),
        ops in prop::collection::vec(op(), 1..120),
    ) {
        let mut pair = Pair::new(setup);
        for op in ops {
            pair.step(op)?;
        }
    }
}
