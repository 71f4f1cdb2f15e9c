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
    /// share what it returns ("single flight"), also where the limits let nothing be stored. If the closure
    /// fails or panics, the error or panic is its own caller's, and the next thread that waits runs its own
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
                    // It was invalidated before this call: fit for those who waited then, not for this one.
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
                    // Read after the guard is ours and before the closure reads anything.
                    let began = self.epochs.now();
                    self.counters.lookup(false);
                    let mut tally = LoadTally::begin(&self.counters);
                    let vector = compute()?;
                    tally.failed = false;
                    self.deliver(key, guard, Arc::clone(&vector), began);
                    return Ok(vector);
                }
                // No time limit was given; asking again is right in any case.
                GuardResult::Timeout => {}
            }
        }
    }

    /// Gives a computed vector to those who wait, and stores it unless it was invalidated meanwhile.
    fn deliver(&self, key: &K, guard: Guard<'_, K>, vector: Arc<[f32]>, began: Epoch) {
        let mut cached = self.prepare(key, vector);
        let _held = self.epochs.hold();
        let current = self.epochs.now();
        if began.bulk != current.bulk || self.stores_nothing() {
            cached.handed_over = Some(began.bulk);
        }
        let mut dropped = Vec::new();
        // An error means that the key was removed or stored anew since, so this vector is not to be kept.
        let accepted = guard.insert_with_lifecycle(cached.clone(), &mut dropped).is_ok();
        let mut kept = self.book(key, &cached, accepted, &dropped);
        // Filled through a guard, quick_cache makes room afterwards, and where everything else is hot it
        // takes the newcomer; a plain insertion makes room first. Safe, as nothing has been announced since
        // the computation began, and whoever announces something from now on removes afterwards.
        if !kept && cached.handed_over.is_none() && began.any == current.any {
            kept = self.offer(key, &cached);
        }
        if !kept {
            self.counters.rejections.one();
        }
    }
}

/// Counts a computation, and its failure where it ends by error or by panic.
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
