//! What terms begin with: enough to see that most words of a text are none of them, without stemming them.

/// A set of beginnings of two bytes. It may hold more than was put into it.
#[derive(Debug, Clone)]
pub(super) struct Beginnings(Vec<bool>);

/// Places for beginnings, which share them by a hash.
const PLACES: usize = 1_024;

impl Beginnings {
    pub(super) fn of<'t>(terms: impl Iterator<Item = &'t str>) -> Self {
        let mut places = vec![false; PLACES];
        for term in terms {
            match place(term) {
                Some(place) => places[place] = true,
                // What a single letter begins may be anything.
                None => places.fill(true),
            }
        }
        Self(places)
    }

    /// Whether a word may have one of the terms as its stem: stemming leaves the first two letters alone, but for a y
    /// (`dying`, `die`).
    pub(super) fn contain(&self, word: &str) -> bool {
        place(word).is_none_or(|place| self.0[place])
    }
}

fn place(word: &str) -> Option<usize> {
    let [first, second] = *word.as_bytes().first_chunk()?;
    let second = if second == b'y' { b'i' } else { second };
    Some((usize::from(first) << 5 ^ usize::from(second)) % PLACES)
}

#[cfg(test)]
mod tests {
    use super::super::{Tokenizer, stem::Stems};
    use super::*;

    #[test]
    fn stems_begin_as_their_words() {
        let mut stems = Stems::without_memory();
        for first in 'a'..='z' {
            for second in 'a'..='z' {
                for rest in ["s", "es", "er", "ing", "ions", "ment", "ied", "yance", "ees"] {
                    let word = format!("{first}{second}{rest}");
                    let pair = stems.of(&word, &word);
                    for stem in [pair.english, pair.french] {
                        // A stem of one letter lets every word pass.
                        assert!(Beginnings::of([stem].into_iter()).contain(&word), "{word}: {stem}");
                    }
                }
            }
        }
    }

    #[test]
    fn words_that_are_not_sought_are_not_stemmed() {
        let mut found = Vec::new();
        let mut tokenizer = Tokenizer::looking_for(["run"].into_iter());
        tokenizer.tokenize("Running disks", None, &mut |token| found.push(token.term.to_owned()));
        assert_eq!(found, ["run", "running", "disks"]);
    }
}
