//! How long a text is, in weighed characters.

/// The target length of a passage, in weighed characters: no passage is longer, unless it holds a code block
/// or a word of its own that cannot be cut. How it was chosen: `docs/decisions/0017-passages.md`.
pub(super) const PASSAGE_LENGTH: usize = 400;

/// The weight of a character: about how many letters of an alphabet say as much. A line of white space counts
/// as one character, whatever its length.
pub(super) fn weight(before: char, character: char) -> usize {
    match character {
        _ if character.is_whitespace() => usize::from(!before.is_whitespace()),
        // Kana and Hangul syllables; ideographs.
        '\u{3040}'..='\u{30ff}' | '\u{ac00}'..='\u{d7a3}' => 2,
        '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' => 3,
        _ => 1,
    }
}

/// The weight of a text that stands after white space or begins.
pub(super) fn weighed(text: &str) -> usize {
    let mut before = ' ';
    text.chars().map(|character| weight(std::mem::replace(&mut before, character), character)).sum()
}

#[cfg(test)]
mod tests {
    use super::weighed;

    #[test]
    fn a_character_weighs_what_it_says_and_never_more_than_its_bytes() {
        for (text, expected) in
            [("", 0), ("été", 3), ("a \n\n b", 3), ("数据", 6), ("カ", 2), ("한글", 4), ("ไทย", 3)]
        {
            assert_eq!(weighed(text), expected, "{text}");
            assert!(weighed(text) <= text.len());
        }
    }
}
