//! Searching: by meaning, by words, or both.

mod found;
mod fusion;
pub(crate) mod health;
mod hit;
mod legs;
mod options;
mod passage;
mod query;
mod search;
mod selftest;
mod similar;

pub use fusion::Fusion;
pub use hit::{Degraded, Explain, Hit, HitChunk, Leg, Recalled};
pub use options::Mode;
pub(crate) use options::check_limit;
pub use passage::Passage;
pub use query::{Query, Recall};
pub use selftest::RecallReport;
pub use similar::Similar;
