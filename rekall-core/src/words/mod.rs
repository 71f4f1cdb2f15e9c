//! Search by words: how a text is cut into tokens, what a query looks for among them, and where a text holds it.

pub(crate) mod index;
pub(crate) mod query;
pub(crate) mod snippet;
pub(crate) mod stored;
pub(crate) mod tokens;

pub use index::{PassageKey, WordHit};
pub use query::TextQuery;
pub use snippet::{Snippet, Snippets};

/// The length of all terms that a text is cut into, for measuring how fast that is.
#[doc(hidden)]
#[must_use]
pub fn bytes_of_terms(text: &str) -> usize {
    let mut bytes = 0;
    tokens::Tokenizer::new().tokenize(text, None, &mut |token| bytes += token.term.len());
    bytes
}
