//! Entries and their storage in one SQLite file.
//!
//! `rekall-core` keeps what a program remembers: entries with their tags, links and context, the
//! vectors made from them, an index of words, and a log of changes from which everything derived can
//! catch up. It knows nothing of models or of vector search; those live in sibling crates.
//!
//! A [`Store`] is one open file. Reading and writing happen in transactions: [`read`](crate::Store::read) gives a
//! [`ReadTx`] (a consistent view that takes no write lock), [`write`](crate::Store::write) a [`WriteTx`] (all or nothing).
//!
//! ```
//! use rekall_core::{Draft, NewEntry, SqliteStore, Store, StoreOptions};
//!
//! # fn main() -> Result<(), rekall_core::Error> {
//! # let folder = tempfile::tempdir().unwrap();
//! let store = SqliteStore::open(folder.path().join("knowledge.db"), &StoreOptions::default())?;
//! let note = NewEntry::new("CORS fails on Safari").content("Send the header on errors, too.").tags(["cors"]);
//!
//! let mut tx = store.write()?;
//! let ids = tx.insert(&[Draft::new(&note)])?;
//! tx.commit()?;
//!
//! let entry = store.read()?.get(ids[0].id)?;
//! assert_eq!(entry.title, "CORS fails on Safari");
//! # Ok(())
//! # }
//! ```
//!
//! [`store`] says what every engine promises. SQLite's is behind the default feature `sqlite`; without it the crate is what engines have in
//! common ([`engine`]).
//!
//! The file is described in `docs/storage.md`. Costs: opening takes about a millisecond whatever the
//! file's size; reading by id tens of microseconds; a write is one SQLite transaction.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod clock;
mod digest;
pub mod engine;
mod entry;
mod error;
#[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "a store in a file needs all of it"))]
mod files;
mod filter;
mod id;
mod json;
pub mod jsonl;
mod link;
mod lock;
mod passage;
mod scope;
mod source;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "a store in a file needs all of it"))]
mod staged_file;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod vector;
mod words;

pub use clock::{SystemWallClock, WallClock};
pub use digest::TextDigest;
pub use entry::{
    Context, Entry, EntryJson, EntryPatch, EntryText, LinkJson, NewEntry, Origin, Status, limits,
};
pub use error::{Error, ErrorKind};
pub use filter::{Comparison, Filter, MetadataCondition};
pub use id::EntryId;
pub use link::{Link, Relation};
pub use passage::{EntryPassage, EntryPassages, PassageField};
pub use scope::ScopeName;
pub use source::{NewPlace, SourceRef, StoredSection, StoredSource, check_uri, is_under, section_digest};
#[cfg(feature = "sqlite")]
pub use sqlite::{SalvageReport, SqliteStore, StoreOptions, Synchronous, legacy};
#[cfg(feature = "sqlite")]
pub use store::LegacyImport;
pub use store::{
    BlockWriter, Changes, CheckReport, CompactReport, Draft, EntryTime, ExportReport, Facet, FacetCount,
    Inserted, JsonlExportOptions, JsonlImportOptions, JsonlImportReport, ListCursor, LogPosition, NewestBy,
    NewestPage, OnDuplicate, PUSHED_KIND, Problem, ProblemKind, Progress, PushedAsk, PushedRows,
    PushedSearch, PushedState, PushedVectors, ReadTx, RepairReport, RepairedEntry, Scopes, Space, SpaceId,
    SpaceState, Store, StoreStats, Transfer, Upkeep, Usage, VectorBatch, WriteTx,
};
pub use vector::{NewVector, Role, StoredVector, VectorKey};
#[doc(hidden)]
pub use words::bytes_of_terms;
pub use words::{PassageKey, Snippet, Snippets, TextQuery, WordHit};
