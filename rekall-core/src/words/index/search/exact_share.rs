//! How much of a query stands in a passage as it was written.

use super::FoundWord;
use super::phrase::FoundPhrase;

/// The share of the query's weight that stands in phrases which were meant as such. All of it stands in a passage that
/// holds the whole query.
pub(super) struct ExactShare<'a> {
    words: &'a [FoundWord],
    phrases: Vec<&'a FoundPhrase<'a>>,
    /// Passages that hold the whole query, in order.
    copies: &'a [(usize, u32)],
    whole: f64,
    /// Whether each word stands in such a phrase of the passage.
    stands: Vec<bool>,
}

impl<'a> ExactShare<'a> {
    pub(super) fn of(
        words: &'a [FoundWord],
        phrases: &'a [FoundPhrase<'a>],
        copies: &'a [(usize, u32)],
    ) -> Self {
        let phrases = phrases.iter().filter(|found| found.phrase.kind.is_meant()).collect();
        let whole = words.iter().map(|word| word.gain).sum();
        Self { words, phrases, copies, whole, stands: vec![false; words.len()] }
    }

    pub(super) fn of_passage(&mut self, source: usize, ordinal: u32) -> f32 {
        if self.copies.binary_search(&(source, ordinal)).is_ok() {
            return 1.0;
        }
        let mut any = false;
        self.stands.fill(false);
        for found in self.phrases.iter().filter(|found| found.is_in(source, ordinal)) {
            any = true;
            found.phrase.words.iter().for_each(|&word| self.stands[word] = true);
        }
        if !any {
            return 0.0;
        }
        if self.whole == 0.0 {
            return 1.0;
        }
        let part: f64 = self
            .words
            .iter()
            .zip(&self.stands)
            .filter(|(_, stands)| **stands)
            .map(|(word, _)| word.gain)
            .sum();
        (part / self.whole) as f32
    }
}
