//! What is left of characters when compatibility forms, case and accents are folded.

use unicode_normalization::char::{compose, is_combining_mark};

/// Whether a character belongs to the one before: an accent, a vowel sign, the second part of a Korean syllable, or one
/// that is not seen.
pub(super) fn is_extender(character: char) -> bool {
    match character {
        '\u{ad}' => true,
        ..'\u{300}' => false,
        // Marks of Thai that neither move nor join.
        '\u{e31}' | '\u{e34}'..='\u{e37}' | '\u{e47}' => false,
        '\u{2010}'..='\u{2027}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' => false,
        '\u{640}' | '\u{1160}'..='\u{11ff}' | '\u{3131}'..='\u{318e}' | '\u{d7b0}'..='\u{d7fb}' => true,
        '\u{ff9e}'..='\u{ffdc}' | '\u{16d67}' => true,
        _ => is_unseen(character) || is_combining_mark(character),
    }
}

/// Characters without a shape of their own: soft hyphens, joiners, marks of direction, selectors of variants.
pub(super) fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Marks without which a word is the same word to a reader in a hurry: the accents of Latin, Greek and Cyrillic, the points
/// of Hebrew, the vowel marks of Arabic and Syriac and the line that draws Arabic words out. Those of other scripts are
/// vowels of the word.
pub(super) fn is_dropped_mark(character: char) -> bool {
    matches!(
        character,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'
            | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{640}'
            | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e8}'
            | '\u{6ea}'..='\u{6ed}' | '\u{711}' | '\u{730}'..='\u{74a}' | '\u{8ca}'..='\u{8ff}'
            | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fb1e}'
            | '\u{fe20}'..='\u{fe2f}'
    )
}

/// Whether folding leaves the character what it is, wherever it stands.
pub(super) fn is_as_it_is(character: char) -> bool {
    matches!(
        character,
        '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fc}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
            | '\u{ac00}'..='\u{d7a3}' | '\u{e01}'..='\u{e32}' | '\u{e34}'..='\u{e37}' | '\u{e40}'..='\u{e47}'
            | '\u{3001}'..='\u{3011}'
    )
}

/// What a small letter becomes that no decomposition takes apart; a sign that is written in several ways becomes one.
pub(super) fn plain_letters(letter: char) -> &'static str {
    match letter {
        'ß' => "ss",
        'œ' => "oe",
        'æ' => "ae",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ħ' => "h",
        'ŧ' => "t",
        'ı' => "i",
        'ς' => "σ",
        // The same letters on the keyboards of Persian and Urdu.
        'ى' | 'ی' => "ي",
        'ک' => "ك",
        // Apostrophes and hyphens.
        '‘' | '’' | 'ʼ' | '׳' => "'",
        '\u{2010}' | '−' => "-",
        '\u{5f4}' => "\"",
        _ => "",
    }
}

/// The digits of other scripts as ours.
pub(super) fn ascii_digit(character: char) -> Option<char> {
    /// The zeros of scripts in use.
    const ZEROS: [u32; 22] = [
        0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50,
        0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0xa9f0, 0x1d7ce,
    ];
    let code = u32::from(character);
    let before = ZEROS.partition_point(|zero| *zero <= code);
    let value = code - ZEROS.get(before.checked_sub(1)?)?;
    char::from_digit(value, 10).filter(|_| value < 10)
}

/// A small letter with its mark where French has it: what its endings are known by.
pub(super) fn french_letter(letter: char, mark: char) -> char {
    match compose(letter, mark) {
        Some(accented) if is_french(accented) => accented,
        _ => letter,
    }
}

/// The small letters of French that are not plain.
pub(super) fn is_french(letter: char) -> bool {
    matches!(
        letter,
        'à' | 'â' | 'ä' | 'ç' | 'é' | 'è' | 'ê' | 'ë' | 'î' | 'ï' | 'ô' | 'ö' | 'ù' | 'û' | 'ü' | 'ÿ'
    )
}

/// A letter of French without its accent.
pub(super) fn without_accent(letter: char) -> char {
    match letter {
        'à' | 'â' | 'ä' => 'a',
        'ç' => 'c',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'î' | 'ï' => 'i',
        'ô' | 'ö' => 'o',
        'ù' | 'û' | 'ü' => 'u',
        'ÿ' => 'y',
        other => other,
    }
}
