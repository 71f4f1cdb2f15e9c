//! Search by words: SQLite FTS5 with BM25 ranking (<https://sqlite.org/fts5.html>).

mod porter;
mod query;
mod snippet;
mod stop_words;
mod tokens;
mod unicode61;

pub use query::TextQuery;
pub use snippet::{Passage, Snippets};
