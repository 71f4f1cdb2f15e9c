//! The stemmer of the full-text index: Porter's ("An algorithm for suffix stripping", 1980) as SQLite's FTS5 has it,
//! which works on bytes: what is not ASCII counts as consonants.

/// Longer words are left as they are, and so are those shorter than three bytes.
const LONGEST: usize = 64;

/// Endings with what takes their place where the rest is long enough; of those that fit, the first decides.
type Rules = [(&'static str, &'static str)];

const STEP_2: &Rules = &[
    ("ational", "ate"),
    ("tional", "tion"),
    ("enci", "ence"),
    ("anci", "ance"),
    ("izer", "ize"),
    ("logi", "log"),
    ("bli", "ble"),
    ("alli", "al"),
    ("entli", "ent"),
    ("eli", "e"),
    ("ousli", "ous"),
    ("ization", "ize"),
    ("ation", "ate"),
    ("ator", "ate"),
    ("alism", "al"),
    ("iveness", "ive"),
    ("fulness", "ful"),
    ("ousness", "ous"),
    ("aliti", "al"),
    ("iviti", "ive"),
    ("biliti", "ble"),
];
const STEP_3: &Rules = &[
    ("ical", "ic"),
    ("ness", ""),
    ("icate", "ic"),
    ("iciti", "ic"),
    ("ful", ""),
    ("ative", ""),
    ("alize", "al"),
];
const STEP_4: &Rules = &[
    ("al", ""),
    ("ance", ""),
    ("ence", ""),
    ("er", ""),
    ("ic", ""),
    ("able", ""),
    ("ible", ""),
    ("ant", ""),
    ("ement", ""),
    ("ment", ""),
    ("ent", ""),
    ("ion", ""),
    ("ou", ""),
    ("ism", ""),
    ("ate", ""),
    ("iti", ""),
    ("ous", ""),
    ("ive", ""),
    ("ize", ""),
];

/// Makes a folded word its stem.
pub(super) fn stem(word: &mut Vec<u8>) {
    if !(3..=LONGEST).contains(&word.len()) {
        return;
    }
    plural(word);
    past_and_progressive(word);
    if let Some((b'y', rest)) = word.split_last()
        && has_vowel(rest)
    {
        let last = word.len() - 1;
        word[last] = b'i';
    }
    replace(word, STEP_2, |_, rest| measure(rest) > 0);
    replace(word, STEP_3, |_, rest| measure(rest) > 0);
    replace(word, STEP_4, |ending, rest| {
        measure(rest) > 1 && (ending != "ion" || matches!(rest.last(), Some(b's' | b't')))
    });
    if let Some((b'e', rest)) = word.split_last()
        && (measure(rest) > 1 || (measure(rest) == 1 && !ends_short(rest)))
    {
        word.pop();
    }
    if word.ends_with(b"ll") && measure(&word[..word.len() - 1]) > 1 {
        word.pop();
    }
}

/// Step 1a.
fn plural(word: &mut Vec<u8>) {
    let length = word.len();
    let dropped = match word.as_slice() {
        [.., b's', b's', b'e', b's'] if length > 4 => 2,
        [.., b'i', b'e', b's'] if length > 3 => 2,
        [.., b's', b's'] => 0,
        [.., b's'] => 1,
        _ => 0,
    };
    word.truncate(length - dropped);
}

/// Step 1b.
fn past_and_progressive(word: &mut Vec<u8>) {
    if let Some(rest) = before(word, "eed") {
        if measure(rest) > 0 {
            word.pop();
        }
        return;
    }
    let Some(rest) = before(word, "ed").or_else(|| before(word, "ing")).filter(|rest| has_vowel(rest)) else {
        return;
    };
    word.truncate(rest.len());
    if ["at", "bl", "iz"].into_iter().any(|ending| before(word, ending).is_some()) {
        word.push(b'e');
        return;
    }
    match word.as_slice() {
        [.., one, other] if one == other && !is_vowel(*one, false) && !matches!(one, b'l' | b's' | b'z') => {
            word.pop();
        }
        rest if measure(rest) == 1 && ends_short(rest) => word.push(b'e'),
        _ => {}
    }
}

/// What stands before an ending, if anything does.
fn before<'w>(word: &'w [u8], ending: &str) -> Option<&'w [u8]> {
    word.strip_suffix(ending.as_bytes()).filter(|rest| !rest.is_empty())
}

fn replace(word: &mut Vec<u8>, rules: &Rules, applies: impl Fn(&str, &[u8]) -> bool) {
    for (ending, other) in rules {
        if let Some(rest) = before(word, ending) {
            if applies(ending, rest) {
                word.truncate(rest.len());
                word.extend_from_slice(other.as_bytes());
            }
            return;
        }
    }
}

fn is_vowel(byte: u8, after_consonant: bool) -> bool {
    matches!(byte, b'a' | b'e' | b'i' | b'o' | b'u') || (after_consonant && byte == b'y')
}

/// How often consonants follow vowels: 0, 1, or 2 for more.
fn measure(word: &[u8]) -> u8 {
    let (mut count, mut after_consonant, mut in_vowels) = (0, false, false);
    for &byte in word {
        let vowel = is_vowel(byte, after_consonant);
        if in_vowels && !vowel {
            count += 1;
            if count == 2 {
                break;
            }
        }
        (in_vowels, after_consonant) = (vowel, !vowel);
    }
    count
}

fn has_vowel(word: &[u8]) -> bool {
    word.iter().enumerate().any(|(at, &byte)| is_vowel(byte, at > 0))
}

/// Whether the word ends with a consonant, a vowel and a consonant that is not w, x or y.
fn ends_short(word: &[u8]) -> bool {
    if matches!(word.last(), None | Some(b'w' | b'x' | b'y')) {
        return false;
    }
    let (mut last, mut consonant) = (0_u8, false);
    for &byte in word {
        consonant = !is_vowel(byte, consonant);
        last = (last << 1 | u8::from(consonant)) & 0b111;
    }
    last == 0b101
}

#[cfg(test)]
mod tests {
    #[test]
    fn words_become_stems() {
        for (word, stem) in [
            ("caresses", "caress"),
            ("ponies", "poni"),
            ("agreed", "agre"),
            ("plastered", "plaster"),
            ("hopping", "hop"),
            ("filing", "file"),
            ("happy", "happi"),
            ("relational", "relat"),
            ("adoption", "adopt"),
            ("controll", "control"),
            ("deployments", "deploy"),
            ("is", "is"),
            ("d\u{e9}ploy\u{e9}s", "d\u{e9}ploy\u{e9}"),
        ] {
            let mut bytes = word.as_bytes().to_vec();
            super::stem(&mut bytes);
            assert_eq!(String::from_utf8(bytes).unwrap(), stem, "{word}");
        }
    }
}
