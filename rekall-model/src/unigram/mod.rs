//! A SentencePiece Unigram tokenizer, for the family of `tokenizer.json` files that multilingual
//! models ship: a precompiled character map, a split at white space, `▁` for the space, and pieces
//! chosen by the Viterbi algorithm (Kudo, "Subword Regularization", 2018).
//!
//! The `tokenizers` crate runs these files too, and this module returns the same ids (`differential` tests
//! that over many texts). It exists because that crate builds a hash map per trie node when it loads, and
//! allocates per candidate piece when it runs. Here both tries are double arrays that can lie in the
//! executable's read-only data: loading them costs nothing, and nothing is allocated per piece.

mod charsmap;
#[cfg(test)]
mod differential;
mod packed;
mod parse;
mod pieces;
mod tokenizer;
mod trie;
mod viterbi;

pub(crate) use charsmap::max_expansion;
pub(crate) use parse::ParseOutcome;
pub(crate) use pieces::MAX_PIECE_BYTES;
pub(crate) use tokenizer::{Scratch, Unigram};
