//! An answer that does not grow beyond what was asked for.

use crate::arguments::Count;
use crate::tokens;

/// How long an answer may be, in tokens.
pub(super) type MaxTokens = Count<200, 20_000>;

/// What is said when it is not asked for otherwise.
pub(super) const MAX_TOKENS: usize = 2_000;

/// Kept for the last line, which says what is missing.
const LAST_LINE: usize = 60;

/// A text, and what may be added to it.
pub(super) struct Answer {
    text: String,
    left: usize,
}

impl Answer {
    pub(super) fn new(max_tokens: Option<MaxTokens>) -> Self {
        let left = max_tokens.map_or(MAX_TOKENS, Count::get) - LAST_LINE;
        Self { text: String::new(), left }
    }

    /// Tokens that may still be added.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// Adds a piece if all of it fits.
    pub(super) fn add(&mut self, piece: &str) -> bool {
        let cost = tokens::estimate(piece);
        if cost > self.left {
            return false;
        }
        self.left -= cost;
        self.text.push_str(piece);
        true
    }

    /// The text; `last` may be as long as a short sentence, whatever was added before.
    pub(super) fn end(mut self, last: &str) -> String {
        self.text.push_str(last);
        self.text.truncate(self.text.trim_end().len());
        self.text
    }
}
