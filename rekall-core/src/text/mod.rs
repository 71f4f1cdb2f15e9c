//! Search by words: SQLite FTS5 with BM25 ranking (<https://sqlite.org/fts5.html>).

pub(crate) mod averages;
pub(crate) mod pages;
mod query;
mod search;
mod stop_words;

pub use query::TextQuery;
pub use search::TextHit;
