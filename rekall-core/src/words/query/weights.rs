//! How much each word of a query counts beside its rarity.

use unicode_normalization::UnicodeNormalization;

use super::pieces::Piece;
use super::stop_words::is_stop_word;
use crate::words::tokens::Language;

/// A common word of the language that the query is in. Rarity alone would do in a large file; in a small one a common word
/// can be rare by chance.
pub(super) const STOP_WORD: f32 = 0.2;

/// The least that a part of an identifier counts.
const LEAST_PART: f32 = 0.25;

/// The weight of each piece.
pub(super) fn of(text: &str, pieces: &[Piece]) -> Vec<f32> {
    let language = Language::of(text);
    let has_small = pieces.iter().any(|piece| piece.text.chars().any(char::is_lowercase));
    let is_stop = |piece: &Piece| {
        // IT, WHO: not the word that is written in small letters.
        let is_name = has_small && piece.text.len() > 1 && piece.text.chars().all(char::is_uppercase);
        let word: String = piece.text.nfc().flat_map(char::to_lowercase).collect();
        !is_name && language.is_some_and(|language| is_stop_word(&word, language))
    };
    let stops: Vec<bool> = pieces.iter().map(is_stop).collect();
    let only_stops = stops.iter().all(|is_stop| *is_stop);
    let mut weights = Vec::with_capacity(pieces.len());
    for group in pieces.chunk_by(|_, next| next.is_glued) {
        let parts = group.iter().filter(|piece| !piece.is_pair).count().max(1);
        let part = (1.0 / parts as f32).max(LEAST_PART);
        for piece in group {
            let is_stop = group.len() == 1 && !only_stops && stops[weights.len()];
            weights.push(match (is_stop, piece.is_pair) {
                (true, _) => STOP_WORD,
                (false, true) => 1.0,
                (false, false) => part,
            });
        }
    }
    weights
}
