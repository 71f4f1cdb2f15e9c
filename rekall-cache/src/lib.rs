//! A bounded, expiring, single-flight cache of embedding vectors.
//!
//! [`EmbeddingCache`] keeps vectors (`Arc<[f32]>`) by key, so that a repeated query costs no model and a row
//! read from disk is not read again. Its content is derived data: it may drop anything at any moment, and
//! what it returns is always the latest vector stored for the key, unexpired and not invalidated.
//!
//! ```
//! use std::time::Duration;
//! use rekall_cache::{CacheOptions, EmbeddingCache};
//!
//! # fn embed(text: &str) -> Result<Vec<f32>, std::io::Error> { Ok(vec![text.len() as f32, 1.0]) }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The key holds what distinguishes vectors: here the space's number and the text.
//! let cache: EmbeddingCache<(u64, String)> = EmbeddingCache::new(
//!     CacheOptions::new().max_entries(500).max_bytes(4 << 20).time_to_live(Duration::from_secs(300)),
//! );
//!
//! let key = (1, "browser blocks my call".to_owned());
//! let first = cache.get_or_try_insert_with(&key, || embed(&key.1).map(Into::into))?;
//! let again = cache.get_or_try_insert_with(&key, || -> Result<_, std::io::Error> { unreachable!() })?;
//! assert_eq!(first, again);
//!
//! // Many at once, as one contiguous matrix; what is missing is listed.
//! let keys = [key.clone(), (1, "never asked".to_owned())];
//! let matrix = cache.get_matrix(&keys, 2)?;
//! assert_eq!((matrix.found, matrix.missing), (vec![0], vec![1]));
//!
//! assert!(cache.invalidate(&key));
//! assert_eq!(cache.get(&key), None);
//! # Ok(())
//! # }
//! ```
//!
//! # What is evicted
//!
//! Eviction is *approximately* least recently used. Underneath is [`quick_cache`], a modified Clock-PRO
//! (Jiang, Chen and Zhang, USENIX ATC 2005) close to S3-FIFO (Yang et al., SOSP 2023): entries read again
//! become hot, about 97 % of the room belongs to them, and one long scan passes through the rest without
//! pushing them out. Strict LRU order is not promised; in particular, if the cache is full of hot entries,
//! the new entry may be evicted.
//!
//! Both limits hold at every moment, also in combination: an entry weighs the larger of its share of
//! [`max_entries`](CacheOptions::max_entries) and its share of [`max_bytes`](CacheOptions::max_bytes),
//! and the weights never add up to more than one. With entries of equal size that wastes nothing; with
//! very unequal sizes and both limits set, entries may go before either limit is quite reached. A vector
//! that takes more than 97 % of `max_bytes` is not kept.
//!
//! # Freshness
//!
//! A vector expires [`time_to_live`](CacheOptions::time_to_live) after it was stored, and reading does
//! not renew it. Every call that reads checks the age, on a monotonic [`Clock`] that can be passed in.
//!
//! A vector whose computation began before an [`invalidate`](EmbeddingCache::invalidate),
//! [`invalidate_if`](EmbeddingCache::invalidate_if) or [`clear`](EmbeddingCache::clear) that concerns it is
//! not kept, however late the computation ends. The threads that were already waiting get it; a call that
//! starts after the invalidation has returned does not. Code that reads a batch somewhere else and stores it
//! afterwards gets the same promise from [`begin_fill`](EmbeddingCache::begin_fill).
//!
//! # Costs
//!
//! * Memory: [`entry_bytes`](EmbeddingCache::entry_bytes) per entry, about 1.7 kB at 384 dimensions. Tables
//!   grow by powers of two and remember the hashes of recently evicted keys (half as many as entries), so
//!   the slots themselves may take up to three times what the entries account for; the vectors do not.
//! * Locks: one reader-writer lock. Hits share it; storing, removing, and a miss of
//!   [`get_or_try_insert_with`](EmbeddingCache::get_or_try_insert_with) take it alone, for well under a
//!   microsecond. There is one shard, because a limit split over shards cannot be exact.
//! * The caller's code (computations, predicates, [`CacheKey::heap_bytes`]) and the clock run under no lock
//!   of the cache. Computations and predicates may use the cache, and may panic.
//! * No thread is started, nothing is global, nothing is printed. Expired vectors are dropped when a call
//!   finds them, or all at once by [`remove_expired`](EmbeddingCache::remove_expired).
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod cache;
mod clock;
mod epoch;
mod error;
mod fill;
#[cfg(test)]
mod freshness_tests;
mod invalidate;
mod key;
mod limits;
mod load;
mod matrix;
mod options;
mod stats;
mod store;

pub use cache::EmbeddingCache;
pub use clock::{Clock, ManualClock, SystemClock};
pub use error::{Error, ErrorKind};
pub use fill::Fill;
pub use key::CacheKey;
pub use matrix::Matrix;
pub use options::CacheOptions;
pub use stats::CacheStats;
