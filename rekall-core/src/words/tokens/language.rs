//! The language of a text, told by its function words.

/// A language whose inflection is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    French,
}

/// Bytes of a text that are read to tell its language.
const READ: usize = 1_000;

/// Letters of the longest function word.
const LONGEST: usize = 8;

/// Small words that are frequent in English, and in none of the languages below.
const ENGLISH: [&[u8]; 40] = [
    b"and", b"are", b"as", b"be", b"been", b"but", b"by", b"can", b"do", b"does", b"for", b"from", b"had",
    b"has", b"have", b"how", b"if", b"is", b"it", b"not", b"of", b"or", b"should", b"than", b"that", b"the",
    b"then", b"these", b"they", b"this", b"to", b"was", b"we", b"what", b"when", b"which", b"will", b"with",
    b"you", b"your",
];

/// The same of French.
const FRENCH: [&[u8]; 38] = [
    b"au", b"aux", b"avec", b"ce", b"cette", b"comment", b"dans", b"des", b"donc", b"du", b"elle", b"est",
    b"et", b"il", b"ils", b"je", b"la", b"le", b"les", b"leur", b"mais", b"ne", b"nous", b"ont", b"ou",
    b"par", b"pas", b"peut", b"pour", b"quand", b"que", b"qui", b"sont", b"sur", b"un", b"une", b"vous",
    b"y",
];

/// The same of languages that are easily taken for French or English: German, Spanish, Italian, Portuguese, Dutch.
const OTHERS: [&[u8]; 62] = [
    b"aber", b"al", b"als", b"auch", b"auf", b"com", b"como", b"con", b"da", b"das", b"de", b"dei", b"del",
    b"della", b"dem", b"den", b"der", b"di", b"die", b"do", b"e", b"een", b"ein", b"eine", b"el", b"em",
    b"en", b"es", b"esta", b"het", b"il", b"ist", b"la", b"las", b"los", b"mit", b"na", b"nel", b"nicht",
    b"niet", b"no", b"non", b"o", b"op", b"os", b"para", b"per", b"por", b"que", b"se", b"sich", b"sie",
    b"sind", b"sono", b"su", b"um", b"una", b"und", b"van", b"von", b"y", b"zu",
];

/// Each word as a number, in order, with the languages it stands for.
static WORDS: [(u64, u8); ENGLISH.len() + FRENCH.len() + OTHERS.len()] = {
    let lists: [(&[&[u8]], u8); 3] = [(&ENGLISH, IS_ENGLISH), (&FRENCH, IS_FRENCH), (&OTHERS, IS_OTHER)];
    let mut words = [(0, 0); ENGLISH.len() + FRENCH.len() + OTHERS.len()];
    let mut count = 0;
    let mut list = 0;
    while list < lists.len() {
        let mut at = 0;
        while at < lists[list].0.len() {
            // Sorted by insertion, at compile time.
            let number = number(lists[list].0[at]);
            let mut place = count;
            while place > 0 && words[place - 1].0 > number {
                words[place] = words[place - 1];
                place -= 1;
            }
            words[place] = (number, lists[list].1);
            count += 1;
            at += 1;
        }
        list += 1;
    }
    words
};

const IS_ENGLISH: u8 = 1;
const IS_FRENCH: u8 = 2;
const IS_OTHER: u8 = 4;

/// A word of at most [`LONGEST`] letters, small or not, as a number.
const fn number(word: &[u8]) -> u64 {
    let mut number = 0;
    let mut at = 0;
    while at < word.len() {
        number = number << 8 | (word[at] | 0x20) as u64;
        at += 1;
    }
    number
}

impl Language {
    /// The language of a text where its function words tell it: two at least, three times as many as of the other
    /// language, and more than of neighbors. The first 1,000 bytes are read.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let head = &text.as_bytes()[..text.len().min(READ)];
        let (mut english, mut french, mut others) = (0, 0, 0);
        // Words with letters beyond ASCII are none of them.
        let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
        for word in head.split(|byte| !is_letter(byte)) {
            if word.is_empty() || word.len() > LONGEST || !word.is_ascii() {
                continue;
            }
            let number = number(word);
            let first = WORDS.partition_point(|(other, _)| *other < number);
            for (_, language) in WORDS[first..].iter().take_while(|(other, _)| *other == number) {
                english += u32::from(language & IS_ENGLISH != 0);
                french += u32::from(language & IS_FRENCH != 0);
                others += u32::from(language & IS_OTHER != 0);
            }
        }
        // Words that French shares with its neighbors count for both.
        if english >= 2 && english >= 3 * french && english >= 2 * others {
            Some(Self::English)
        } else if french >= 2 && french >= 3 * english && french > others {
            Some(Self::French)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_in_the_table_once_for_its_language() {
        assert!(WORDS.is_sorted());
        for list in [&ENGLISH as &[&[u8]], &FRENCH, &OTHERS] {
            assert!(list.iter().all(|word| word.len() <= LONGEST && word.is_ascii()));
        }
        for (word, languages) in [("the", 1), ("les", 2), ("la", 6), ("und", 4), ("disk", 0)] {
            let found = WORDS.iter().filter(|found| found.0 == number(word.as_bytes()));
            assert_eq!(found.map(|found| found.1).sum::<u8>(), languages, "{word}");
        }
    }

    #[test]
    fn function_words_tell_the_language() {
        for (text, language) in [
            ("The header is missing, so the browser blocks it.", Some(Language::English)),
            ("how to undo the last commit", Some(Language::English)),
            ("Le dépôt est vide", Some(Language::French)),
            ("Cloner le dépôt à nouveau, puis relancer les tests.", Some(Language::French)),
            ("Der Server ist nicht erreichbar, und die Verbindung wird von dem Proxy getrennt.", None),
            ("El servidor no está disponible y la conexión se pierde en el proxy de la red", None),
            ("Il server non è raggiungibile e la connessione si perde nel proxy della rete", None),
            ("car insurance", None),
            ("IT support", None),
            ("thé vert", None),
            ("", None),
            ("Привет, мир. Это не по-русски: the word.", None),
        ] {
            assert_eq!(Language::of(text), language, "{text}");
        }
    }
}
