//! One computation for many callers.

use std::sync::Arc;

use quick_cache::sync::GuardResult;

use crate::cache::EmbeddingCache;
use crate::epoch::Epoch;
use crate::key::CacheKey;
use crate::stats::Counters;
use crate::store::Guard;

impl<K: CacheKey> EmbeddingCache<K> {
    /// The vector stored for this key, or else what `compute` returns, which is then stored.
    ///
    /// Of any number of threads that ask for one key at once, one runs its closure and the others wait and
    /// share what it returns ("single flight"), even if the limits let nothing be stored. If the closure
    /// fails or panics, its own caller gets the error or panic, and the next waiting thread runs its own
    /// closure. An expired vector is replaced in the same way.
    ///
    /// The closure runs under no lock and may use the cache, except that asking this function for the same
    /// key, directly or through another thread it waits for, waits for itself.
    ///
    /// # Errors
    ///
    /// The error of `compute`, unchanged; nothing is stored then.
    ///
    /// # Examples
    ///
    /// ```
    /// use rekall_cache::{CacheOptions, EmbeddingCache};
    ///
    /// let cache = EmbeddingCache::new(CacheOptions::new());
    /// let failed = cache.get_or_try_insert_with(&"key", || Err("model not loaded"));
    /// assert_eq!(failed, Err("model not loaded"));
    /// let vector = cache.get_or_try_insert_with(&"key", || Ok::<_, ()>([0.6, 0.8].into()));
    /// assert_eq!(vector.as_deref(), Ok(&[0.6, 0.8][..]));
    /// ```
    pub fn get_or_try_insert_with<E>(
        &self,
        key: &K,
        compute: impl FnOnce() -> Result<Arc<[f32]>, E>,
    ) -> Result<Arc<[f32]>, E> {
        let called = self.epochs.now();
        loop {
            match self.store.get_value_or_guard(key, None) {
                GuardResult::Value(cached) => match cached.handed_over {
                    // It was invalidated before this call: valid for the callers that waited then, not for
                    // this one.
                    Some(began) if began < called.bulk => {}
                    None if self.expired(&cached, self.read_time()) => {
                        self.drop_expired(key, cached.sequence);
                    }
                    _ => {
                        self.counters.lookup(true);
                        return Ok(cached.vector);
                    }
                },
                GuardResult::Guard(guard) => {
                    // Read after the guard is taken and before the closure reads anything.
                    let began = self.epochs.now();
                    self.counters.lookup(false);
                    let mut tally = LoadTally::begin(&self.counters);
                    let vector = compute()?;
                    tally.failed = false;
                    self.deliver(key, guard, Arc::clone(&vector), began);
                    return Ok(vector);
                }
                // No time limit was given; asking again is correct in any case.
                GuardResult::Timeout => {}
            }
        }
    }

    /// Hands a computed vector to the waiting callers, and stores it unless it was invalidated meanwhile.
    fn deliver(&self, key: &K, guard: Guard<'_, K>, vector: Arc<[f32]>, began: Epoch) {
        let mut cached = self.prepare(key, vector);
        let _held = self.epochs.hold();
        let current = self.epochs.now();
        if began.bulk != current.bulk || self.stores_nothing() {
            cached.handed_over = Some(began.bulk);
        }
        let mut dropped = Vec::new();
        // An error means that the key was removed or stored again since, so this vector must not be kept.
        let accepted = guard.insert_with_lifecycle(cached.clone(), &mut dropped).is_ok();
        let mut kept = self.record_insertion(key, &cached, accepted, &dropped);
        // quick_cache makes room after a guard is filled, and evicts the new entry if all others are hot; a
        // plain insertion makes room first. This is safe: no change has been announced since the computation
        // began, and a change announced from now on removes the entry afterwards.
        if !kept && cached.handed_over.is_none() && began.any == current.any {
            kept = self.try_store(key, &cached);
        }
        if !kept {
            self.counters.rejections.one();
        }
    }
}

/// Counts a computation, and its failure if it ends by an error or a panic.
struct LoadTally<'a> {
    counters: &'a Counters,
    failed: bool,
}

impl<'a> LoadTally<'a> {
    fn begin(counters: &'a Counters) -> Self {
        counters.loads.one();
        Self { counters, failed: true }
    }
}

impl Drop for LoadTally<'_> {
    fn drop(&mut self) {
        if self.failed {
            self.counters.load_failures.one();
        }
    }
}
