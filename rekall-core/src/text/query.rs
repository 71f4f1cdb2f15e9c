//! From a user's text to an FTS5 expression that is always valid.

use super::stop_words::is_stop_word;

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
}

/// Words beyond this many add cost and hardly any meaning: the rarest are searched first.
pub(super) const MAX_WORDS: usize = 32;

impl TextQuery {
    /// Takes the words out of `text`, without the ones that stand in most texts (English and French), unless
    /// nothing else is left.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let all = words(text);
        let mut kept: Vec<String> = Vec::new();
        let telling = all.iter().filter(|word| !is_stop_word(&fold(word)));
        for word in telling {
            if !kept.contains(word) {
                kept.push(word.clone());
            }
        }
        if kept.is_empty() {
            kept = all;
            kept.dedup();
        }
        Self { words: kept, prefix: false }
    }

    /// Lets the last word be the beginning of one, for a search while the user is typing.
    #[must_use]
    pub fn prefix(mut self) -> Self {
        self.prefix = true;
        self
    }

    /// The words that are searched.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether there is no word to search, so that nothing can match.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The FTS5 term of the word at `index`. Words hold letters and digits only, so nothing needs escaping
    /// inside the quotes.
    pub(super) fn term(&self, index: usize) -> String {
        let word = &self.words[index];
        if !self.prefix || index + 1 < self.words.len() {
            return format!("\"{word}\"");
        }
        let mut term = format!("(\"{word}\" *");
        for completed in completions(word) {
            term.push_str(&format!(" OR \"{completed}\""));
        }
        term + ")"
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
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for character in text.chars().chain([' ']) {
        if character.is_alphanumeric() || is_mark(character) {
            word.push(character);
            continue;
        }
        if matches!(character, '\'' | '’') && is_elision(&word) {
            word.clear();
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
    }
    words
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
    fn decomposed_letters_stay_whole() {
        assert_eq!(words_of("de\u{301}po\u{302}t vide"), ["de\u{301}po\u{302}t", "vide"]);
    }
}
