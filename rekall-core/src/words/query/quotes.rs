//! What a text puts in quotes.

use std::ops::Range;

/// Opening and closing signs. A German quotation ends with what an English one begins with.
const PAIRS: [(char, &[char]); 12] = [
    ('"', &['"']),
    ('\u{ff02}', &['\u{ff02}']),
    ('\u{201c}', &['\u{201d}', '"']),
    ('\u{201d}', &['\u{201d}']),
    ('\u{201e}', &['\u{201c}', '\u{201d}']),
    ('\u{ab}', &['\u{bb}']),
    ('\u{bb}', &['\u{ab}']),
    ('\u{300c}', &['\u{300d}']),
    ('\u{300e}', &['\u{300f}']),
    ('`', &['`']),
    ('\'', &['\'']),
    ('\u{2018}', &['\u{2019}']),
];

/// The places within quotes, in order, none within another. A quote that does not end is none.
pub(super) fn places(text: &str) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let mut at = 0;
    let mut before = ' ';
    // Signs that nothing closes from here on, so that the rest of the text is searched for each once.
    let mut unclosed: Vec<char> = Vec::new();
    while let Some(character) = text[at..].chars().next() {
        let start = at + character.len_utf8();
        if let Some((_, closing)) = PAIRS.iter().find(|pair| pair.0 == character)
            && !unclosed.contains(&character)
            && !(is_apostrophe(character) && before.is_alphanumeric())
        {
            match end(text, start, character, closing) {
                Some(end) => {
                    places.push(start..end);
                    before = ' ';
                    at = end + text[end..].chars().next().map_or(0, char::len_utf8);
                    continue;
                }
                None => unclosed.push(character),
            }
        }
        before = character;
        at = start;
    }
    places
}

fn is_apostrophe(character: char) -> bool {
    matches!(character, '\'' | '\u{2018}')
}

/// Where the quote ends that begins at `start`.
fn end(text: &str, start: usize, opening: char, closing: &[char]) -> Option<usize> {
    let mut characters = text[start..].char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if !closing.contains(&character) {
            continue;
        }
        let goes_on = characters.peek().is_some_and(|(_, next)| next.is_alphanumeric());
        if !(is_apostrophe(opening) && goes_on) {
            return Some(start + at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(text: &str) -> Vec<&str> {
        places(text).into_iter().map(|place| &text[place]).collect()
    }

    #[test]
    fn all_kinds_of_quotes_are_known() {
        assert_eq!(quoted("say \"disk full\" and \"no\""), ["disk full", "no"]);
        assert_eq!(
            quoted("“a b” „c d“ „e” «f g» »h« 「猫」『犬』 `x y` 'in one' ‘z’"),
            ["a b", "c d", "e", "f g", "h", "猫", "犬", "x y", "in one", "z"]
        );
        assert!(quoted("don't l'or it's the users' 5\" disk").is_empty());
        assert_eq!(quoted("'don't do it' he said"), ["don't do it"]);
        assert_eq!(quoted("“mixed\" ends"), ["mixed"]);
        assert!(quoted("\" never \u{2018} ends \u{ab}").is_empty());
    }

    #[test]
    fn a_text_of_opening_signs_alone_is_read_once() {
        assert!(places(&"\u{ab} \u{201e} ` ".repeat(200_000)).len() <= 200_000);
        assert!(places(&"\u{ab} \u{201e} ".repeat(200_000)).is_empty());
    }
}
