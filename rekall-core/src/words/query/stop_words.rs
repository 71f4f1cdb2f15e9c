//! Words that are too common in a language to tell entries apart. Those that are something else beside (`car`, `or`, `son`,
//! `plus`, `will`) are not among them.

use crate::words::tokens::Language;

const ENGLISH: [&str; 69] = [
    "a", "about", "an", "and", "are", "as", "at", "be", "been", "being", "but", "by", "can", "could", "did",
    "do", "does", "for", "from", "had", "has", "have", "he", "her", "him", "his", "how", "i", "if", "in",
    "into", "is", "it", "its", "me", "my", "not", "of", "on", "or", "our", "she", "should", "so", "that",
    "the", "their", "them", "then", "there", "these", "they", "this", "those", "to", "was", "we", "were",
    "what", "when", "where", "which", "who", "whom", "why", "with", "would", "you", "your",
];
const FRENCH: [&str; 83] = [
    "a", "ai", "as", "au", "aux", "avec", "avons", "ce", "ceci", "cela", "ces", "cet", "cette", "ceux",
    "comme", "comment", "dans", "de", "des", "donc", "dont", "du", "elle", "elles", "en", "est", "et", "il",
    "ils", "j", "je", "l", "la", "le", "les", "leur", "leurs", "lui", "ma", "me", "mes", "mon", "ne", "nos",
    "notre", "nous", "on", "ont", "ou", "où", "par", "pour", "pourquoi", "qu", "quand", "que", "quel",
    "quelle", "quelles", "quels", "qui", "quoi", "sa", "se", "ses", "si", "sont", "sous", "sur", "ta", "te",
    "tes", "tu", "un", "une", "vos", "votre", "vous", "y", "à", "étaient", "était", "être",
];

/// Whether a word in small letters, with its accents, is one of them.
pub(super) fn is_stop_word(word: &str, language: Language) -> bool {
    match language {
        Language::English => ENGLISH.binary_search(&word).is_ok(),
        Language::French => FRENCH.binary_search(&word).is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted() {
        assert!(ENGLISH.is_sorted() && FRENCH.is_sorted());
    }

    #[test]
    fn words_with_another_meaning_are_none() {
        for word in ["car", "or", "son", "plus", "été", "thé", "maïs", "pas", "no"] {
            for language in [Language::English, Language::French] {
                let is_other = language == Language::English && word == "or";
                assert!(is_other || !is_stop_word(word, language), "{word}");
            }
        }
        assert!(is_stop_word("the", Language::English) && is_stop_word("les", Language::French));
        assert!(!is_stop_word("the", Language::French) && !is_stop_word("les", Language::English));
    }
}
