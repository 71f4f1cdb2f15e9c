//! From a user's text to an FTS5 expression that is always valid.

use std::collections::HashSet;

use super::stop_words::{self, is_stop_word};

/// A search by words. Any text is a valid query: no character of it is read as FTS5 syntax.
///
/// An entry matches when it holds at least one of the words; entries with more and rarer ones come first.
///
/// ```
/// # use rekall_core::TextQuery;
/// let query = TextQuery::new("what's up with foo-bar in C++?");
/// assert_eq!(query.words(), ["foo", "bar", "C"]);
/// assert!(TextQuery::new("🦀 … ?!").is_empty(), "nothing in it is a word");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextQuery {
    words: Vec<String>,
    prefix: bool,
    /// The text has more words than are searched.
    longer: bool,
}

impl TextQuery {
    /// The most words that are searched: of a longer text the first ones that differ.
    pub const MAX_WORDS: usize = 256;

    /// Takes the words out of `text`, each once, without the ones that stand in most texts (English and French), unless
    /// nothing else is left. The first [`MAX_WORDS`](Self::MAX_WORDS) count. Costs time by the length of the text up to
    /// there.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let (mut kept, mut known) = (Vec::new(), HashSet::new());
        let mut common: Vec<String> = Vec::new();
        let mut longer = false;
        for word in Words::of(text) {
            if stands_in_most_texts(&word) {
                if kept.is_empty() && common.len() <= Self::MAX_WORDS && common.last() != Some(&word) {
                    common.push(word);
                }
            } else if !known.contains(&word) {
                if kept.len() == Self::MAX_WORDS {
                    longer = true;
                    break;
                }
                known.insert(word.clone());
                kept.push(word);
            }
        }
        if kept.is_empty() {
            longer = common.len() > Self::MAX_WORDS;
            common.truncate(Self::MAX_WORDS);
            kept = common;
        }
        Self { words: kept, prefix: false, longer }
    }

    /// Lets the last word be the beginning of one, for a search while the user is typing. Without effect on a text of
    /// more words than are searched: its last word is not among them.
    ///
    /// ```
    /// # use rekall_core::TextQuery;
    /// // Finds "Safari", while its name is still being typed.
    /// let query = TextQuery::new("saf").prefix();
    /// assert_eq!(query.words(), ["saf"]);
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    #[must_use]
    pub fn prefix(mut self) -> Self {
        self.prefix = true;
        self
    }

    /// The words that are searched.
    ///
    /// ```
    /// # use rekall_core::TextQuery;
    /// assert_eq!(TextQuery::new("Safari, CORS!").words().len(), 2);
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether there is no word to search, so that nothing can match.
    ///
    /// ```
    /// # use rekall_core::TextQuery;
    /// assert!(TextQuery::new("?!").is_empty());
    /// # Ok::<(), rekall_core::Error>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The texts that the word at `index` is searched as, any of which counts, and whether each may go on.
    pub(super) fn forms(&self, index: usize) -> Vec<(String, bool)> {
        let word = &self.words[index];
        let is_begun = self.prefix && !self.longer && index + 1 == self.words.len();
        let mut forms = vec![(word.clone(), is_begun)];
        if is_begun {
            forms.extend(completions(word).into_iter().map(|completed| (completed, false)));
        }
        forms
    }
}

/// Endings that the Porter stemmer takes off.
const ENDINGS: [&str; 16] = [
    "able", "ally", "ance", "ation", "ator", "ed", "ement", "ence", "er", "es", "ing", "ion", "ity", "ment",
    "ness", "s",
];

/// Words that a beginning may become by one of these endings.
///
/// Words are stored as stems, `deployment` as `deploy`, and what is searched is stemmed likewise. So a
/// beginning that reaches into the ending (`deploym`) begins no stored word; the completed word finds it.
fn completions(word: &str) -> Vec<String> {
    const SHORTEST: usize = 3;
    let borders = word.char_indices().map(|(at, _)| at).chain([word.len()]);
    let splits = borders.skip(SHORTEST).map(|at| word.split_at(at));
    splits
        .flat_map(|(stem, begun)| {
            let endings = ENDINGS.iter().filter(move |ending| ending.starts_with(begun));
            endings.map(move |ending| format!("{stem}{ending}"))
        })
        .collect()
}

/// Runs of letters, digits and the marks on them; French elisions (l', d', qu') are dropped.
struct Words<'t>(std::str::Chars<'t>);

impl<'t> Words<'t> {
    fn of(text: &'t str) -> Self {
        Self(text.chars())
    }
}

impl Iterator for Words<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let mut word = String::new();
        for character in self.0.by_ref() {
            if character.is_alphanumeric() || is_mark(character) {
                word.push(character);
                continue;
            }
            if matches!(character, '\'' | '’') && is_elision(&word) {
                word.clear();
            }
            if !word.is_empty() {
                return Some(word);
            }
        }
        (!word.is_empty()).then_some(word)
    }
}

fn stands_in_most_texts(word: &str) -> bool {
    // Marks are folded away: a letter has two at most.
    word.len() <= 3 * stop_words::LONGEST && is_stop_word(&fold(word))
}

/// Combining marks belong to the letter before them (text in NFD).
fn is_mark(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}')
}

fn is_elision(word: &str) -> bool {
    let mut letters = word.chars();
    match (letters.next(), letters.next(), letters.next()) {
        (Some(letter), None, None) => "cdjlmnstCDJLMNST".contains(letter),
        (Some('q' | 'Q'), Some('u' | 'U'), None) => true,
        _ => false,
    }
}

/// Lower case without the accents of French: enough to compare with the stop words.
fn fold(word: &str) -> String {
    word.chars()
        .flat_map(char::to_lowercase)
        .filter(|character| !is_mark(*character))
        .map(|character| match character {
            'à' | 'â' | 'ä' => 'a',
            'é' | 'è' | 'ê' | 'ë' => 'e',
            'î' | 'ï' => 'i',
            'ô' | 'ö' => 'o',
            'ù' | 'û' | 'ü' => 'u',
            'ç' => 'c',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words_of(text: &str) -> Vec<String> {
        TextQuery::new(text).words
    }

    #[test]
    fn telling_words_are_kept() {
        assert_eq!(words_of("The disk IS full"), ["disk", "full"]);
        assert_eq!(words_of("l'erreur d’accès qu'il a vue"), ["erreur", "accès", "vue"]);
        assert_eq!(words_of("C++ and C#"), ["C"]);
        assert_eq!(words_of("NEAR AND \"OR\" NOT * ^ : {col}"), ["NEAR", "col"]);
    }

    #[test]
    fn a_query_of_common_words_is_not_emptied() {
        assert_eq!(words_of("to be or not to be"), ["to", "be", "or", "not", "to", "be"]);
        assert!(words_of("?!").is_empty());
    }

    #[test]
    fn a_long_text_is_read_as_far_as_its_words_count() {
        let text: String = (0..700_000).map(|number| format!("word{number} ")).collect();
        let query = TextQuery::new(&text);
        assert_eq!(query.words.len(), TextQuery::MAX_WORDS);
        assert_eq!(query.words[255], "word255");
        assert_eq!(query.clone().prefix().forms(255), [("word255".to_owned(), false)], "not being typed");
        let common = TextQuery::new(&"to be or not ".repeat(1_000_000));
        assert_eq!(common.words.len(), TextQuery::MAX_WORDS);
        let one = TextQuery::new(&"x".repeat(5_000_000)).prefix();
        assert_eq!((one.words.len(), one.forms(0)[0].1), (1, true));
        let fits: String = (0..256).map(|number| format!("word{number} the ")).collect();
        assert_eq!(TextQuery::new(&fits).prefix().forms(255)[0], ("word255".to_owned(), true));
    }

    #[test]
    fn decomposed_letters_stay_whole() {
        assert_eq!(words_of("de\u{301}po\u{302}t vide"), ["de\u{301}po\u{302}t", "vide"]);
    }
}
