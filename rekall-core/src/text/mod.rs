//! Search by words: SQLite FTS5 with BM25 ranking (<https://sqlite.org/fts5.html>).

pub(crate) mod averages;
pub(crate) mod merge;
pub(crate) mod pages;
mod porter;
mod query;
mod search;
mod snippet;
mod stop_words;
mod tokens;
mod unicode61;

pub use query::TextQuery;
pub use search::TextHit;
pub use snippet::{Passage, Snippets};
