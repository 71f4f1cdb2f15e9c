//! The notes' texts, and in which of them something is written.

use std::cell::OnceCell;
use std::collections::HashMap;

use super::notes::Note;

/// A string is asked for when it stands in that many notes at most.
const MOST_NOTES: usize = 2;

/// The texts of all notes, title and content, with white space as one space.
pub(super) struct Texts<'n> {
    pub(super) notes: &'n [Note],
    pub(super) exact: Vec<String>,
    /// The same in lower case: notes that differ in case only hold the same string.
    folded: Vec<String>,
    /// In how many notes a word stands.
    frequencies: OnceCell<HashMap<String, usize>>,
}

impl<'n> Texts<'n> {
    pub(super) fn new(notes: &'n [Note]) -> Self {
        let exact: Vec<String> =
            notes.iter().map(|note| one_line(&format!("{} {}", note.title, note.content))).collect();
        let folded = exact.iter().map(|text| text.to_lowercase()).collect();
        Self { notes, exact, folded, frequencies: OnceCell::new() }
    }

    /// The notes in which a string stands, not as a part of a longer word or number; `None` if there are more
    /// than may be.
    pub(super) fn holders(&self, string: &str) -> Option<Vec<usize>> {
        let string = string.to_lowercase();
        self.notes_where(|text| stands_in(&string, text))
    }

    /// The same for a string that may begin and end anywhere.
    pub(super) fn holders_of_part(&self, string: &str) -> Option<Vec<usize>> {
        let string = string.to_lowercase();
        self.notes_where(|text| text.contains(&string))
    }

    fn notes_where(&self, holds: impl Fn(&str) -> bool) -> Option<Vec<usize>> {
        let holders = self.folded.iter().enumerate().filter(|(_, text)| holds(text)).map(|(at, _)| at);
        let holders: Vec<usize> = holders.take(MOST_NOTES + 1).collect();
        (1..=MOST_NOTES).contains(&holders.len()).then_some(holders)
    }

    /// The notes that have this title, case aside.
    pub(super) fn titled(&self, title: &str) -> Option<Vec<usize>> {
        let wanted = one_line(title).to_lowercase();
        let titled = |note: &Note| one_line(&note.title).to_lowercase() == wanted;
        let titled = self.notes.iter().enumerate().filter(|(_, note)| titled(note)).map(|(at, _)| at);
        let titled: Vec<usize> = titled.take(MOST_NOTES + 1).collect();
        (1..=MOST_NOTES).contains(&titled.len()).then_some(titled)
    }

    /// In how many notes a word stands, case aside.
    pub(super) fn frequency(&self, word: &str) -> usize {
        let frequencies = self.frequencies.get_or_init(|| {
            let mut frequencies: HashMap<String, usize> = HashMap::new();
            for text in &self.folded {
                let mut words: Vec<&str> = text.split(|mark: char| !mark.is_alphanumeric()).collect();
                words.sort_unstable();
                words.dedup();
                for word in words {
                    *frequencies.entry(word.to_owned()).or_default() += 1;
                }
            }
            frequencies
        });
        frequencies.get(&word.to_lowercase()).copied().unwrap_or(0)
    }
}

/// The text with each run of white space as one space.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a string stands in a text as itself: `1.2.3` is not written in `11.2.3`, nor in `1.2.3.4`.
fn stands_in(string: &str, text: &str) -> bool {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let begins_a_word = string.starts_with(is_word);
    let ends_a_word = string.ends_with(is_word);
    let number = string.starts_with(|character: char| character.is_ascii_digit());
    text.match_indices(string).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + string.len()..]);
        // `v1.2.3` is the same version.
        let bare = before.strip_suffix('v').filter(|rest| number && !rest.ends_with(is_word));
        let before = bare.unwrap_or(before);
        let free_before = !begins_a_word || !before.ends_with(is_word);
        let free_after = !ends_a_word || !after.starts_with(is_word);
        let goes_on = |mut rest: std::str::Chars<'_>| {
            rest.next() == Some('.') && rest.next().is_some_and(|next| next.is_ascii_digit())
        };
        let mut back = before.chars().rev();
        let number_before =
            back.next() == Some('.') && back.next().is_some_and(|character| character.is_ascii_digit());
        free_before && free_after && !(number && (number_before || goes_on(after.chars())))
    })
}
