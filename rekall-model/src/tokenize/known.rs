//! How much of a text a model knows.

/// Counts of the characters that say something: letters, digits and emoji. Word borders, white space and punctuation say
/// nothing, whatever vectors a model has for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// Those of the text.
    all: usize,
    /// Those in pieces that the model has.
    in_pieces: usize,
    /// Those in pieces that stand for something: see [`add_piece`](Self::add_piece).
    in_words: usize,
}

/// Characters from which a part of a word counts as known. A model has a piece for every letter and for most pairs of them,
/// so that base64, hashes and words of other languages fall apart into pieces that the model has, and that mean nothing.
const PART_OF_A_WORD: usize = 3;

impl Known {
    /// A piece that the model has: all or a part of a word. `starts` and `ends` say whether it does so with a word (a run of
    /// letters and digits). It is known when it is the whole word, or not too short a part of it.
    pub(crate) fn add_piece(&mut self, piece: &str, starts: bool, ends: bool) {
        let (count, weight) = count(piece);
        self.all += count;
        self.in_pieces += count;
        if weight >= PART_OF_A_WORD || (starts && ends) {
            self.in_words += count;
        }
    }

    /// Text for which the model has no piece.
    pub(crate) fn add_unknown(&mut self, text: &str) {
        self.all += count(text).0;
    }

    /// The number of characters in all, where the pieces do not tell it: a tokenizer may give one and the same piece for
    /// all that is unknown.
    pub(crate) fn set_text(&mut self, text: &str) {
        // Normalization can also make text longer.
        self.all = count(text).0.max(self.in_pieces);
    }

    /// Whether the model has any piece that is more than punctuation.
    #[cfg(any(test, feature = "transformer"))]
    pub(crate) fn has_piece(&self) -> bool {
        self.in_pieces > 0
    }

    /// Whether it knows a word, or a part of one.
    pub(crate) fn has_word(&self) -> bool {
        self.in_words > 0
    }

    /// The known share, 0 to 1; 0 for a text that says nothing.
    pub(crate) fn share(&self) -> f32 {
        match self.all {
            0 => 0.0,
            all => (self.in_words as f64 / all as f64) as f32,
        }
    }
}

/// How many characters say something, and how many letters of an alphabet they are worth: where a character is a syllable
/// or a word, one is enough.
fn count(text: &str) -> (usize, usize) {
    text.chars().filter(|&c| says_something(c)).fold((0, 0), |(count, weight), c| {
        (count + 1, weight + if is_alphabetic_script(c) { 1 } else { PART_OF_A_WORD })
    })
}

/// Whether a character says something.
pub(crate) fn says_something(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '\u{2600}'..='\u{27bf}' | '\u{1f000}'..='\u{1faff}')
}

/// False for Chinese characters, kana, Hangul, emoji.
fn is_alphabetic_script(c: char) -> bool {
    c < '\u{2600}'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(pieces: &[(&str, bool, bool)]) -> Known {
        let mut known = Known::default();
        for &(piece, starts, ends) in pieces {
            known.add_piece(piece, starts, ends);
        }
        known
    }

    #[test]
    fn whole_words_are_known_and_short_parts_are_not() {
        let whole = known(&[("▁a", true, true), ("▁browser", true, true), (".", false, true)]);
        assert_eq!((whole.share(), whole.has_word()), (1.0, true));
        let parts =
            known(&[("▁kub", true, false), ("er", false, false), ("net", false, false), ("es", false, true)]);
        assert_eq!(parts.share(), 0.6);
        let hash = known(&[("▁3", true, false), ("f", false, false), ("77", false, true)]);
        assert_eq!((hash.share(), hash.has_word(), hash.has_piece()), (0.0, false, true));
    }

    #[test]
    fn borders_and_punctuation_say_nothing() {
        let nothing = known(&[("▁", true, true), ("...", true, true), ("—", true, true)]);
        assert_eq!((nothing.share(), nothing.has_piece()), (0.0, false));
    }

    #[test]
    fn a_character_of_a_script_without_an_alphabet_is_enough() {
        assert_eq!(known(&[("高", true, false), ("🎉", false, true)]).share(), 1.0);
        let mut half = known(&[("高", true, false)]);
        half.add_unknown("血");
        assert_eq!(half.share(), 0.5);
    }

    #[test]
    fn the_text_tells_what_one_piece_for_all_that_is_unknown_does_not() {
        let mut known = known(&[("server", true, true)]);
        known.set_text("server Привет!");
        assert_eq!(known.share(), 0.5);
    }
}
