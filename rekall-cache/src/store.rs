//! What quick_cache holds: the stored value, its weight, and the list of what an operation evicts.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

use quick_cache::sync::{Cache, PlaceholderGuard};
use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, Weighter};

use crate::key::{CacheKey, REFERENCE_COUNTS};
use crate::limits::Limits;

pub(crate) type Store<K> = Cache<K, Cached, Limits, DefaultHashBuilder, CollectEvicted<K>>;
pub(crate) type Guard<'a, K> = PlaceholderGuard<'a, K, Cached, Limits, DefaultHashBuilder, CollectEvicted<K>>;

/// Links, state, counters and hash-table slot that quick_cache keeps for an entry, rounded up.
const SLOT_BYTES: usize = 40;

/// A stored vector.
#[derive(Debug, Clone)]
pub(crate) struct Cached {
    pub(crate) vector: Arc<[f32]>,
    pub(crate) stored_at: Instant,
    pub(crate) bytes: u64,
    /// Distinguishes this insertion from every other one, so that nothing newer is removed by mistake.
    pub(crate) sequence: u64,
    /// Set if the vector may only be handed to threads that wait for it: the bulk epoch in which its
    /// computation began.
    pub(crate) handed_over: Option<u64>,
}

/// What an entry counts against the byte limit: key, vector, and the bookkeeping of both.
pub(crate) fn entry_bytes<K: CacheKey>(key: &K, dimensions: usize) -> u64 {
    let fixed = size_of::<K>() + size_of::<Cached>() + SLOT_BYTES + REFERENCE_COUNTS;
    let vector = dimensions.saturating_mul(size_of::<f32>());
    fixed.saturating_add(key.heap_bytes()).saturating_add(vector) as u64
}

pub(crate) fn new_store<K: CacheKey>(limits: Limits) -> Store<K> {
    let mut options = OptionsBuilder::new();
    options
        .shards(1)
        .estimated_items_capacity(limits.estimated_entries())
        .weight_capacity(limits.capacity())
        .hot_allocation(limits.hot_share());
    let options = match options.build() {
        Ok(options) => options,
        Err(_) => unreachable!("both capacities are set above"),
    };
    Store::with_options(options, limits, DefaultHashBuilder::default(), CollectEvicted(PhantomData))
}

impl<K> Weighter<K, Cached> for Limits {
    fn weight(&self, _key: &K, cached: &Cached) -> u64 {
        match cached.handed_over {
            // More than any capacity: quick_cache gives it to the threads that wait and keeps nothing.
            Some(_) => u64::MAX,
            None => self.weigh(cached.bytes),
        }
    }
}

/// Collects everything that an operation evicts: it is counted, and dropped after the lock is released.
#[derive(Debug)]
pub(crate) struct CollectEvicted<K>(PhantomData<fn(K)>);

impl<K> Clone for CollectEvicted<K> {
    fn clone(&self) -> Self {
        Self(PhantomData)
    }
}

impl<K> Lifecycle<K, Cached> for CollectEvicted<K> {
    type RequestState = Vec<(K, Cached)>;

    fn on_evict(&self, dropped: &mut Self::RequestState, key: K, cached: Cached) {
        dropped.push((key, cached));
    }
}
