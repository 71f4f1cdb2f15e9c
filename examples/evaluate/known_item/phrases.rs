//! Phrases as somebody copies them out of a note, and titles as somebody remembers them.

use std::collections::BTreeMap;

use super::Item;
use super::random::Random;
use super::texts::{Texts, one_line};

/// Phrases of each language or script that are asked for.
const PHRASES: usize = 40;

/// Titles that are asked for.
const TITLES: usize = 60;

/// Words of a phrase.
const WORDS: usize = 6;

/// Characters of a phrase in a script that is written without spaces.
const CHARACTERS: usize = 8;

/// Places looked at in a note before the next one is tried.
const TRIES: usize = 8;

/// Phrases that stand in one or two notes, for each language that the notes name, or else for each script.
pub(super) fn items(texts: &Texts<'_>, seed: u64) -> Vec<Item> {
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (number, note) in texts.notes.iter().enumerate() {
        let group = note.lang.clone().or_else(|| Some(script(&note.content)?.to_owned()));
        groups.entry(group.unwrap_or_default()).or_default().push(number);
    }
    groups.remove("");
    let mut items = Vec::new();
    for (group, mut notes) in groups {
        let kind = format!("copied, {group}");
        let mut random = Random::new(seed, &kind);
        random.shuffle(&mut notes);
        let copied = notes.into_iter().filter_map(|number| copied(texts, number, &mut random));
        items.extend(copied.take(PHRASES).map(|(phrase, right)| Item::of(&kind, &phrase, right)));
    }
    items
}

/// A phrase of a note, and the notes that hold it.
fn copied(texts: &Texts<'_>, number: usize, random: &mut Random) -> Option<(String, Vec<usize>)> {
    let content = &texts.notes.get(number)?.content;
    let spaceless = script(content).is_some_and(|script| SPACELESS.contains(&script));
    let cut = if spaceless { characters } else { words };
    (0..TRIES).find_map(|_| {
        let phrase = cut(content, random)?;
        let right = texts.holders_of_part(&phrase)?;
        Some((phrase, right))
    })
}

/// Six words of a line.
fn words(content: &str, random: &mut Random) -> Option<String> {
    let lines: Vec<Vec<&str>> = content
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|words| words.len() >= WORDS)
        .collect();
    let line = lines.get(random.below(lines.len()))?;
    let start = random.below(line.len() - WORDS + 1);
    let phrase = line.get(start..start + WORDS)?;
    let is_word = |word: &&&str| word.chars().any(char::is_alphabetic) && !word.contains("://");
    (phrase.iter().filter(is_word).count() == WORDS).then(|| phrase.join(" "))
}

/// Eight characters between two punctuation marks.
fn characters(content: &str, random: &mut Random) -> Option<String> {
    let text: Vec<char> = content.chars().collect();
    let start = random.below(text.len());
    let phrase = text.get(start..start + CHARACTERS)?;
    let of_the_script = phrase.iter().all(|&character| is_spaceless(character));
    let next = text.get(start + CHARACTERS).copied().unwrap_or(' ');
    (of_the_script && !is_mark(phrase[0]) && !is_mark(next)).then(|| phrase.iter().collect())
}

/// Titles of two words or more that one or two notes have.
pub(super) fn titles(texts: &Texts<'_>, seed: u64) -> Vec<Item> {
    const KIND: &str = "title";
    let mut titles: Vec<String> = texts.notes.iter().map(|note| one_line(&note.title)).collect();
    titles.retain(|title| is_telling(title));
    titles.sort_unstable();
    titles.dedup();
    Random::new(seed, KIND).shuffle(&mut titles);
    let rare = titles.into_iter().filter_map(|title| Some((texts.titled(&title)?, title)));
    rare.take(TITLES).map(|(right, title)| Item::of(KIND, &title, right)).collect()
}

/// Whether a title says something: two words with letters, or four characters without spaces.
pub(super) fn is_telling(title: &str) -> bool {
    let words = title.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic)).count();
    words >= 2 || title.chars().filter(|&character| is_spaceless(character)).count() >= 4
}

/// Scripts whose words are not apart.
const SPACELESS: [&str; 5] = ["Chinese", "Japanese", "Thai", "Lao", "Khmer"];

/// The script that most letters of a text are of, Japanese if a tenth of them is Kana.
fn script(text: &str) -> Option<&'static str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for script in text.chars().filter_map(script_of) {
        *counts.entry(script).or_default() += 1;
    }
    let letters: usize = counts.values().sum();
    let most = counts.iter().max_by_key(|(_, count)| **count).map(|(script, _)| *script)?;
    let kana = counts.get("Japanese").copied().unwrap_or(0);
    Some(if kana * 10 >= letters { "Japanese" } else { most })
}

fn script_of(character: char) -> Option<&'static str> {
    Some(match character {
        'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => "Latin",
        '\u{370}'..='\u{3ff}' => "Greek",
        '\u{400}'..='\u{52f}' => "Cyrillic",
        '\u{590}'..='\u{5ff}' => "Hebrew",
        '\u{600}'..='\u{6ff}' => "Arabic",
        '\u{900}'..='\u{97f}' => "Devanagari",
        '\u{e00}'..='\u{e7f}' => "Thai",
        '\u{e80}'..='\u{eff}' => "Lao",
        '\u{1780}'..='\u{17ff}' => "Khmer",
        '\u{3041}'..='\u{30ff}' => "Japanese",
        '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}' => "Chinese",
        '\u{ac00}'..='\u{d7a3}' => "Korean",
        _ => return None,
    })
}

fn is_spaceless(character: char) -> bool {
    script_of(character).is_some_and(|script| SPACELESS.contains(&script))
}

/// Whether a character is written on the one before it, from which nobody takes it away.
fn is_mark(character: char) -> bool {
    matches!(character,
        '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}'
        | '\u{eb1}' | '\u{eb4}'..='\u{ebc}' | '\u{ec8}'..='\u{ece}' | '\u{17b4}'..='\u{17d3}')
}
