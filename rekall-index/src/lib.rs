//! Exact vector search over grouped rows: one contract, a conformance suite, and the backends that keep it.
//!
//! A row is a unit vector under a [`Key`]: the entry it belongs to, its role, its chunk. A search returns the k entries whose best
//! rows are nearest to a query, exactly and repeatably (see [`VectorSearch`] for the promises, which every backend keeps to
//! the bit).
//!
//! ```
//! use rekall_index::{EntrySet, FlatIndex, Key, SearchOptions, VectorIndex, VectorSearch};
//!
//! let mut index = FlatIndex::new(3)?;
//! index.upsert(
//!     &[Key::new(1, 0, 0), Key::new(1, 1, 0), Key::new(2, 0, 0)],
//!     &[1.0, 0.0, 0.0, /* the same entry in another role */ 0.0, 1.0, 0.0, /* another entry */ 0.6, 0.8, 0.0],
//! )?;
//!
//! let hits = index.search(&[0.0, 1.0, 0.0], &SearchOptions::new(10))?;
//! assert_eq!(hits.iter().map(|hit| hit.key.entry).collect::<Vec<_>>(), [1, 2]);
//!
//! let project: EntrySet = [2].into_iter().collect();
//! let hits = index.search(&[0.0, 1.0, 0.0], &SearchOptions::new(10).with_entries(&project))?;
//! assert_eq!(hits[0].similarity, 0.8);
//! # Ok::<(), rekall_index::Error>(())
//! ```
//!
//! # Which index
//! | | result | in memory, a row of d dimensions | time for 100,000 × 384, k = 10, one thread | needs |
//! | --- | --- | --- | --- | --- |
//! | [`FlatIndex`] | exact | 4 d + 20 bytes | 1 × reading the rows once (8 to 15 ms) | nothing |
//! | [`Sq8Index`] | exact, the same bits | d + 32 bytes | 0.1 to 0.3 × that | exact rows elsewhere |
//! | [`Sq8Stream`] | exact, the same bits | nothing | 1.8 × that with the blocks in SQLite, in the page cache | blocks and exact rows elsewhere |
//! | [`BinaryIndex`] | approximate | d / 8 + 20 bytes | 0.16 × that, most of it 1,000 exact rows | exact rows elsewhere |
//! | `SqliteVecIndex` | exact, the same bits | nothing | 4 to 5 × that | a SQLite connection |
//!
//! [`Choice::auto`] picks among the first three by size and memory budget.
//!
//! # A backend of your own
//! `examples/own_backend.rs` is one, whole, in two hundred lines, and `tests/own_backend.rs` runs the conformance suite on it.
//!
//! # Features
//! - `faer`: large batches (128 queries and more) as faer matrix products, up to 1.15 times as fast as without (about two
//!   CPU minutes to compile). Results are the same.
//! - `sqlite-vec`: `SqliteVecIndex`; `bundled-sqlite` compiles SQLite in for it.
//! - `testing`: the conformance suite, `testing`, for backends of your own.
#![deny(unsafe_code)]

mod batch;
mod binary;
mod center;
mod check;
mod checksum;
mod choice;
mod contract;
mod dispatch;
mod dot;
mod entry_set;
mod error;
mod flat;
mod kernels;
mod key;
mod options;
mod scan;
mod shortlist;
mod similarity;
mod sq8;
mod table;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod thresholds;
mod tile;
mod unsettled;
#[cfg(feature = "sqlite-vec")]
mod vec0;

pub use binary::BinaryIndex;
pub use check::{MAX_DIMENSIONS, UNIT_TOLERANCE, check_vectors};
pub use choice::Choice;
pub use contract::{ResidentIndex, VectorIndex, VectorSearch, VectorSource};
pub use entry_set::EntrySet;
pub use error::{Error, ErrorKind};
pub use flat::FlatIndex;
pub use key::{Key, Neighbor, Roles};
pub use options::SearchOptions;
pub use similarity::similarity;
pub use sq8::{BlockSource, Sq8Import, Sq8Index, Sq8Stats, Sq8Stream};
pub use unsettled::Unsettled;
#[cfg(feature = "sqlite-vec")]
pub use vec0::SqliteVecIndex;
