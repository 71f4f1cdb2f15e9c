//! The functions that the host hands over to be called.

pub(crate) mod clock;
pub(crate) mod embedder;
pub(crate) mod events;
pub(crate) mod listener;
pub(crate) mod reranker;
pub(crate) mod trace;
pub(crate) mod user_data;

pub use clock::*;
pub use embedder::*;
pub use events::*;
pub use reranker::*;
