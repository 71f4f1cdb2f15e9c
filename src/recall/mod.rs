//! Searching: by meaning, by words, or both.

mod fusion;
mod hit;
mod legs;
mod query;
mod similar;

pub use fusion::Fusion;
pub use hit::{Degraded, Explain, Hit, HitChunk, Leg, Recalled};
pub use query::{Mode, Recall};
pub use similar::Similar;
