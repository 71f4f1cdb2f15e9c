//! What a folded character is to a word.

use unicode_normalization::char::is_combining_mark;

/// What a folded character is to a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A letter or digit of a script that puts spaces between words.
    Word,
    /// A character of a script that does not, or of Korean, whose endings are written onto the words.
    Unspaced,
    /// A vowel or another sign on the character before, which does not end a word.
    Mark,
    Space,
    Other,
}

pub(super) fn class(character: char) -> Class {
    if character.is_ascii() {
        return match character {
            '0'..='9' | 'a'..='z' | 'A'..='Z' => Class::Word,
            _ if character.is_ascii_whitespace() || character == '\u{b}' => Class::Space,
            _ => Class::Other,
        };
    }
    if is_unspaced(character) {
        Class::Unspaced
    } else if character.is_alphanumeric() {
        Class::Word
    } else if is_combining_mark(character) {
        Class::Mark
    } else if character.is_whitespace() {
        Class::Space
    } else {
        Class::Other
    }
}

/// Letters and vowel signs of Han, kana, bopomofo, Hangul, Thai, Lao, Myanmar, Khmer, Tai Le and Tai Tham. Their digits
/// and punctuation are not among them.
pub(crate) fn is_unspaced(character: char) -> bool {
    matches!(
        character,
        '\u{e01}'..='\u{e3a}' | '\u{e40}'..='\u{e4e}' | '\u{e81}'..='\u{ece}' | '\u{edc}'..='\u{edf}'
            | '\u{1000}'..='\u{103f}' | '\u{1050}'..='\u{108f}' | '\u{109a}'..='\u{109d}'
            | '\u{a9e0}'..='\u{a9ef}' | '\u{a9fa}'..='\u{a9fe}' | '\u{aa60}'..='\u{aa7f}'
            | '\u{1780}'..='\u{17d3}' | '\u{17d7}' | '\u{17dc}'..='\u{17dd}'
            | '\u{1950}'..='\u{1974}' | '\u{1980}'..='\u{19c9}' | '\u{1a20}'..='\u{1a7c}'
            | '\u{1100}'..='\u{11ff}' | '\u{a960}'..='\u{a97c}' | '\u{ac00}'..='\u{d7fb}'
            | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}' | '\u{3031}'..='\u{3035}' | '\u{303b}'
            | '\u{3041}'..='\u{309a}' | '\u{309d}'..='\u{309f}' | '\u{30a1}'..='\u{30fa}'
            | '\u{30fc}'..='\u{312f}' | '\u{31a0}'..='\u{31bf}' | '\u{31f0}'..='\u{31ff}'
            | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
            | '\u{1b000}'..='\u{1b16f}' | '\u{20000}'..='\u{3fffd}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_script_is_spaced_or_not() {
        for letter in "aé1жاאकবஅ한字仮カーไทยລຶມြខ្".chars() {
            let expected = match letter {
                'a' | 'é' | '1' | 'ж' | 'ا' | 'א' | 'क' | 'ব' | 'அ' => Class::Word,
                _ => Class::Unspaced,
            };
            assert_eq!(class(letter), expected, "{letter:?}");
        }
        assert_eq!(class('\u{94d}'), Class::Mark, "the virama");
        assert_eq!([class(' '), class('\n'), class('\u{3000}'), class('\u{a0}')], [Class::Space; 4]);
        assert_eq!(
            [class('。'), class('-'), class('฿'), class('។'), class('🎉'), class('・')],
            [Class::Other; 6]
        );
    }
}
