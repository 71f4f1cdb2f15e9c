//! The language of a text, told by its function words.

/// A language whose inflection is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    French,
}

/// Bytes of a text that are read to tell its language.
const READ: usize = 1_000;

/// Small words that are frequent in English, and in none of the languages below.
const ENGLISH: [&str; 40] = [
    "and", "are", "as", "be", "been", "but", "by", "can", "do", "does", "for", "from", "had", "has", "have",
    "how", "if", "is", "it", "not", "of", "or", "should", "than", "that", "the", "then", "these", "they",
    "this", "to", "was", "we", "what", "when", "which", "will", "with", "you", "your",
];

const FRENCH: [&str; 38] = [
    "au", "aux", "avec", "ce", "cette", "comment", "dans", "des", "donc", "du", "elle", "est", "et", "il",
    "ils", "je", "la", "le", "les", "leur", "mais", "ne", "nous", "ont", "ou", "par", "pas", "peut", "pour",
    "quand", "que", "qui", "sont", "sur", "un", "une", "vous", "y",
];

/// The same of languages that are easily taken for French or English: German, Spanish, Italian, Portuguese, Dutch.
const OTHERS: [&str; 62] = [
    "aber", "al", "als", "auch", "auf", "com", "como", "con", "da", "das", "de", "dei", "del", "della",
    "dem", "den", "der", "di", "die", "do", "e", "een", "ein", "eine", "el", "em", "en", "es", "esta", "het",
    "il", "ist", "la", "las", "los", "mit", "na", "nel", "nicht", "niet", "no", "non", "o", "op", "os",
    "para", "per", "por", "que", "se", "sich", "sie", "sind", "sono", "su", "um", "una", "und", "van", "von",
    "y", "zu",
];

impl Language {
    /// The language of a text where its function words tell it: those of one language, two at least, and three times as
    /// many as of another. The first 1,000 bytes are read.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let head = &text[..text.floor_char_boundary(READ)];
        let (mut english, mut french, mut others) = (0, 0, 0);
        let is_letter = |character: char| character.is_alphabetic();
        let mut small = [0; 8];
        for word in head.split(|character: char| !is_letter(character)) {
            let Some(letters) = small.get_mut(..word.len()).filter(|letters| !letters.is_empty()) else {
                continue;
            };
            letters.copy_from_slice(word.as_bytes());
            letters.make_ascii_lowercase();
            let Ok(word) = std::str::from_utf8(letters) else { continue };
            english += i32::from(ENGLISH.binary_search(&word).is_ok());
            french += i32::from(FRENCH.binary_search(&word).is_ok());
            others += i32::from(OTHERS.binary_search(&word).is_ok());
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
    fn lists_are_sorted() {
        assert!(ENGLISH.is_sorted() && FRENCH.is_sorted() && OTHERS.is_sorted());
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
