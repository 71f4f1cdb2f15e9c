//! Strings of the kinds that people search as they are written: numbers, names, options, paths.

use std::collections::BTreeSet;

use regex::Regex;

use super::Item;
use super::random::Random;
use super::texts::Texts;
use crate::judged::Failure;

/// Strings of each kind that are asked for.
const STRINGS: usize = 60;

/// Each word of two in quotes stands in that many notes at least: alone it would find something else.
const COMMON: usize = 5;

/// What a kind is called, and what its strings look like.
const KINDS: [(&str, &str); 11] = [
    ("version", r"v?[0-9]+\.[0-9]+\.[0-9]+(-?(alpha|beta|rc|a|b)\.?[0-9]+)?"),
    ("date", r"[0-9]{4}([-/.])[0-9]{2}[-/.][0-9]{2}|[0-9]{2}[./][0-9]{2}[./][0-9]{4}"),
    ("IP address", r"[0-9]{1,3}(\.[0-9]{1,3}){3}(/[0-9]{1,2}|:[0-9]{2,5})?"),
    ("snake_case", r"_?[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)+"),
    ("camelCase", r"[a-z]+[0-9]*([A-Z][a-z0-9]+)+|([A-Z][a-z0-9]+){2,}"),
    ("kebab-case", r"[a-z][a-z0-9]*(-[a-z0-9]+)+"),
    ("dotted name", r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]+)+"),
    ("--flag", r"--[a-z][a-z0-9]+(-[a-z0-9]+)*"),
    ("path", r"(\.{1,2}|~)?(/?[A-Za-z0-9_.-]*[A-Za-z0-9_-])?(/[A-Za-z0-9_.-]*[A-Za-z0-9_-])+"),
    (
        "error code",
        "[A-Z]{1,8}[-_]?[0-9]{3,5}|0x[0-9A-Fa-f]{4,16}|(ERR|SQLITE|SSL|HTTP)_[A-Z_]*[A-Z]|\
         E(ACCES|ADDRINUSE|AGAIN|AI_AGAIN|BADF|BUSY|CONNREFUSED|CONNRESET|EXIST|INTR|INVAL|IO|ISDIR|LOOP|MFILE|\
         NOENT|NOMEM|NOSPC|NOTDIR|NOTEMPTY|NOTFOUND|PERM|PIPE|TIMEDOUT|XDEV)",
    ),
    ("C++, C#, .NET", r"[A-Za-z][A-Za-z0-9]*(\+\+[0-9]*|#)|\.[A-Za-z][A-Za-z0-9]+"),
];

/// For each kind, strings that stand in one or two notes.
pub(super) fn items(texts: &Texts<'_>, seed: u64) -> Result<Vec<Item>, Failure> {
    let mut items = Vec::new();
    for (kind, pattern) in KINDS {
        let pattern = Regex::new(pattern)?;
        let candidates: BTreeSet<&str> =
            texts.exact.iter().flat_map(|text| written(&pattern, text)).collect();
        let mut candidates: Vec<&str> = candidates.into_iter().collect();
        Random::new(seed, kind).shuffle(&mut candidates);
        let rare = candidates.into_iter().filter_map(|string| Some((string, texts.holders(string)?)));
        items.extend(rare.take(STRINGS).map(|(string, right)| Item::of(kind, string, right)));
    }
    items.extend(quoted(texts, seed));
    Ok(items)
}

/// The matches of a pattern that stand between white space, quotes, brackets or punctuation.
fn written<'t>(pattern: &Regex, text: &'t str) -> impl Iterator<Item = &'t str> {
    pattern
        .find_iter(text)
        .filter(move |found| {
            let before = text[..found.start()].chars().next_back();
            let mut after = text[found.end()..].chars();
            let opens = |mark: char| mark.is_whitespace() || "([{\"'`«“‘<|=,;（「『、。".contains(mark);
            let closes = |mark: char| mark.is_whitespace() || ")]}\"'`»”’>|,;:!?）」』、。".contains(mark);
            let free_after = match (after.next(), after.next()) {
                (Some('.'), next) => next.is_none_or(char::is_whitespace),
                (next, _) => next.is_none_or(closes),
            };
            before.is_none_or(opens) && free_after
        })
        .map(|found| found.as_str())
}

/// Two words of a text, in quotes: each is common, and they stand side by side in one or two notes.
fn quoted(texts: &Texts<'_>, seed: u64) -> Vec<Item> {
    const KIND: &str = "\"two words\"";
    let mut random = Random::new(seed, KIND);
    let is_common = |word: &&str| {
        word.chars().count() >= 3 && word.chars().all(char::is_alphabetic) && texts.frequency(word) >= COMMON
    };
    let mut pairs = BTreeSet::new();
    for text in &texts.exact {
        let words: Vec<&str> = text.split(' ').collect();
        pairs.extend(words.windows(2).filter(|pair| pair.iter().all(&is_common)).map(|pair| pair.join(" ")));
    }
    let mut pairs: Vec<String> = pairs.into_iter().collect();
    random.shuffle(&mut pairs);
    let rare = pairs.into_iter().filter_map(|pair| Some((texts.holders(&pair)?, pair)));
    rare.take(STRINGS)
        .map(|(right, pair)| Item { query: format!("\"{pair}\""), ..Item::of(KIND, &pair, right) })
        .collect()
}
