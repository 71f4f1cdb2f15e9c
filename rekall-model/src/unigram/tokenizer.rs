//! From a text to the ids of its tokens.

use std::ops::Range;

use super::charsmap::Charsmap;
use super::pieces::Pieces;
use super::viterbi::Lattice;
use crate::tokenize::Known;

/// SentencePiece's visible space, U+2581.
pub(super) const META: char = '\u{2581}';

/// Token ids of texts; see the [module](super) for the files it can run.
#[derive(Debug, Clone)]
pub(crate) struct Unigram {
    pub(super) charsmap: Charsmap,
    pub(super) pieces: Pieces,
    /// The character that replaces a run of spaces, if runs are collapsed.
    pub(super) collapse: Option<char>,
    /// Whether words are split at any white space, not only at the space.
    pub(super) whitespace_split: bool,
    /// Tokens that are matched in the raw text before anything else.
    pub(super) added: Vec<AddedToken>,
}

/// A token that is matched literally, before normalization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AddedToken {
    pub(super) text: String,
    pub(super) id: u32,
    /// Whether it strips white space on its left, and on its right.
    pub(super) strip: (bool, bool),
}

/// Buffers reused by one caller, so that a batch allocates once.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    normalized: String,
    collapsed: String,
    word: String,
    lattice: Lattice,
    /// What is known of all texts since this was set back.
    pub(crate) known: Known,
}

impl Unigram {
    /// Appends the ids of `text` to `ids`, at most `limit` of them.
    ///
    /// A run of unknown characters inside a word is one unknown token.
    pub(crate) fn encode(&self, text: &str, limit: usize, scratch: &mut Scratch, ids: &mut Vec<u32>) {
        let end = ids.len().saturating_add(limit);
        let mut rest = text;
        while let Some((range, token)) = self.next_added(rest) {
            self.encode_segment(&rest[..range.start], end, scratch, ids);
            if ids.len() < end {
                ids.push(token.id);
            }
            rest = &rest[range.end..];
        }
        self.encode_segment(rest, end, scratch, ids);
    }

    /// The id of the unknown piece.
    pub(crate) fn unknown_id(&self) -> u32 {
        self.pieces.unknown_id
    }

    /// The id of a token that is matched literally.
    #[cfg(feature = "transformer")]
    pub(crate) fn added_id(&self, token: &str) -> Option<u32> {
        self.added.iter().find(|added| added.text == token).map(|added| added.id)
    }

    /// Number of ids.
    pub(crate) fn vocabulary(&self) -> usize {
        let after_added = self.added.iter().map(|token| token.id as usize + 1).max();
        after_added.unwrap_or(0).max(self.pieces.len())
    }

    /// Heap held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.charsmap.memory_bytes() + self.pieces.memory_bytes()
    }

    /// The leftmost, then longest, added token with the white space that it strips.
    fn next_added(&self, text: &str) -> Option<(Range<usize>, &AddedToken)> {
        let may_begin = |byte: u8| self.added.iter().any(|token| token.text.as_bytes()[0] == byte);
        let mut start = 0;
        let token = loop {
            start += text.as_bytes()[start..].iter().position(|&byte| may_begin(byte))?;
            let here = self.added.iter().filter(|t| text.as_bytes()[start..].starts_with(t.text.as_bytes()));
            match here.max_by_key(|token| token.text.len()) {
                Some(token) => break token,
                None => start += 1,
            }
        };
        let end = start + token.text.len();
        let start = if token.strip.0 { text[..start].trim_end().len() } else { start };
        let end = if token.strip.1 { text.len() - text[end..].trim_start().len() } else { end };
        Some((start..end, token))
    }

    /// Text without added tokens.
    fn encode_segment(&self, text: &str, end: usize, scratch: &mut Scratch, ids: &mut Vec<u32>) {
        if text.is_empty() || ids.len() >= end {
            return;
        }
        let Scratch { normalized, collapsed, word, lattice, known } = scratch;
        normalized.clear();
        self.charsmap.normalize(text, normalized);
        let normalized = match self.collapse {
            // Splitting at white space removes runs of spaces anyway.
            Some(' ') if self.whitespace_split => &*normalized,
            Some(by) => {
                collapsed.clear();
                collapse_spaces(normalized, by, collapsed);
                &*collapsed
            }
            None => &*normalized,
        };
        if self.whitespace_split {
            for part in normalized.split(char::is_whitespace).filter(|part| !part.is_empty()) {
                if ids.len() >= end {
                    return;
                }
                self.encode_words(part, end, word, (&mut *lattice, &mut *known), ids);
            }
        } else if !normalized.is_empty() {
            self.encode_words(normalized, end, word, (lattice, known), ids);
        }
    }

    /// `part` with its spaces replaced by `▁` and one added in front; each `▁` begins a word.
    fn encode_words(
        &self,
        part: &str,
        end: usize,
        word: &mut String,
        (lattice, known): (&mut Lattice, &mut Known),
        ids: &mut Vec<u32>,
    ) {
        word.clear();
        if !part.starts_with([META, ' ']) {
            word.push(META);
        }
        for c in part.chars() {
            let c = if c == ' ' { META } else { c };
            if c == META && !word.is_empty() {
                lattice.encode(&self.pieces, word, ids, known);
                word.clear();
                if ids.len() >= end {
                    break;
                }
            }
            word.push(c);
        }
        if !word.is_empty() && ids.len() < end {
            lattice.encode(&self.pieces, word, ids, known);
        }
        ids.truncate(end);
    }
}

/// Each run of two or more spaces becomes one `by`.
fn collapse_spaces(text: &str, by: char, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find("  ") {
        out.push_str(&rest[..at]);
        out.push(by);
        rest = rest[at..].trim_start_matches(' ');
    }
    out.push_str(rest);
}
