//! Search by words: how a text is cut into tokens, and what a query looks for among them.

pub(crate) mod index;
pub(crate) mod query;
pub(crate) mod tokens;

#[allow(unused_imports)]
pub use index::PassageKey;
#[allow(unused_imports)]
pub(crate) use query::WordQuery;
