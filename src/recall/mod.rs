//! Searching: by meaning, by words, or both.

mod audit;
pub(crate) mod base_similarity;
mod builder;
mod candidates;
mod depth;
mod diversity;
mod duplicates;
mod fusion;
pub(crate) mod health;
mod hit;
mod look_ahead;
pub(crate) mod newest_search;
mod options;
mod passage;
mod passage_choice;
mod query;
mod rank;
mod read_hits;
mod recency;
mod rerank;
mod retrieve;
mod search;
mod similar;
mod weights;

pub use audit::IndexAudit;
pub use builder::Recall;
pub use duplicates::{Difference, DuplicatePair, DuplicateSearch, Duplicates, NearDuplicate, Span};
pub use fusion::Fusion;
pub use hit::{
    Degraded, DiversityScore, Explain, FusedScore, Hit, HitChunk, PassageNumber, Recalled, RecencyFactor,
    RerankScore, RetrievalScore,
};
pub use options::Mode;
pub(crate) use options::check_limit;
pub use passage::Passage;
pub use query::Query;
pub use recency::Recency;
pub use similar::Similar;
