//! Search by words: how a text is cut into tokens, and what a query looks for among them.

pub(crate) mod index;
pub(crate) mod query;
pub(crate) mod store;
pub(crate) mod tokens;

pub use index::{PassageKey, WordHit};
pub use query::WordQuery;
