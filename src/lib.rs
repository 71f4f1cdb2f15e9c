//! A local semantic memory: remember entries, recall them by meaning, by words or both.
//!
//! A program stores *entries* (a bug and its fix, a decision, any note) in one SQLite file and finds them
//! again on the same machine: no server, no account, and no network unless a model from a hub is asked for.
//!
//! ```
//! use rekall::{NewEntry, Rekall};
//!
//! # fn main() -> Result<(), rekall::Error> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("knowledge.db");
//! let rekall = Rekall::builder(path).open()?;
//! rekall.remember(NewEntry::new("CORS fails on Safari").content("The preflight answer lacks a header."))?;
//! rekall.remember(NewEntry::new("Les sauvegardes échouent la nuit").content("Le disque est plein."))?;
//!
//! # let mut printed = Vec::new();
//! for hit in rekall.recall("browser blocks my API call").limit(3).run()? {
//!     println!("{:.2}  {}", hit.similarity.unwrap_or_default(), hit.entry.title);
//! #   printed.push(format!("{:.2}  {}", hit.similarity.unwrap_or_default(), hit.entry.title));
//! }
//! # assert_eq!(printed, ["0.17  CORS fails on Safari", "-0.02  Les sauvegardes échouent la nuit"]);
//! # Ok(())
//! # }
//! ```
//!
//! # Core concepts
//!
//! - [`Rekall`] is one open file, used from any number of threads; any number of processes may share it.
//! - [`NewEntry`] is what is remembered, [`Entry`] what is stored, [`EntryId`] its name (a ULID).
//! - A model turns text into vectors. One for French and English is compiled in; others come from a folder,
//!   a hub or the host (see [`Builder`]). Vectors of two models never mix.
//! - [`Rekall::recall`] searches by meaning and by words and fuses both; a [`Filter`] narrows it down before
//!   anything is ranked, so that a search returns as many hits as there are, up to its limit.
//! - Results are deterministic: best first, equal ones by id.
//! - Nothing is silent: what kept a search from being complete stands in [`Recalled::degraded`].
//!
//! # Parts
//!
//! Each part is a crate of its own, useful alone: [`storage`], [`model`] (embedding), [`mod@index`]
//! (vector search), [`cache`].
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod builder;
mod cancel;
mod config;
mod error;
mod event;
mod long_call;
mod models;
mod opening;
mod read;
mod recall;
mod rekall;
mod retry;
mod scopes;
mod serialize;
mod settings;
mod sources;
mod stats;
pub mod upkeep;
mod vector_index;
mod write;

pub use builder::Builder;
pub use cancel::CancelToken;
pub use config::Config;
pub use error::{ConfigError, Error, ErrorKind};
pub use event::Event;
pub use long_call::LongCall;
pub use models::{EmbedReport, Purpose};
pub use read::{ChangePosition, ChangedEntries, ChangedEntry};
pub use recall::{
    Degraded, Difference, DiversityScore, DuplicatePair, DuplicateSearch, Duplicates, Explain, FusedScore,
    Fusion, Hit, HitChunk, IndexAudit, Mode, NearDuplicate, Passage, PassageNumber, Query, Recall, Recalled,
    Recency, RecencyFactor, RerankScore, RetrievalScore, Similar, Span,
};
pub use rekall::Rekall;
pub use rekall_cache::CacheStats;
pub use rekall_core::{
    Comparison, Context, Entry, EntryId, EntryPatch, EntryTime, Facet, FacetCount, Filter, Link, ListCursor,
    MetadataCondition, NewEntry, NewestBy, NewestPage, Relation, Role, SourceRef, Space, SpaceId, SpaceState,
    Status, StoreStats, StoredSource, Synchronous, TextDigest, Usage,
};
pub use rekall_model::{
    Embedder, Embeddings, KeepAlive, LoadOptions, ModelSource, ModelState, Precision, ReleasedMemory,
    Reranker, UnloadOutcome,
};
pub use settings::VectorBackend;
#[cfg(feature = "files")]
pub use sources::FolderOptions;
pub use sources::{NewSection, NewSource, SourceDefaults, SourceProblem, SourceSync, SyncReport};
pub use stats::{MemoryStats, Stats};
pub use write::{Batch, Progress, Remember, RememberReport, Remembered, Upserted};

pub use rekall_cache as cache;
pub use rekall_core as storage;
#[cfg(feature = "files")]
pub use rekall_files as files;
pub use rekall_index as index;
pub use rekall_model as model;
#[cfg(feature = "postgres")]
pub use rekall_postgres as postgres;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../docs/scopes.md")]
struct ScopesPage;
