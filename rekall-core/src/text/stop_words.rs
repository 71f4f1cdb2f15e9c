//! Words too common to distinguish entries: English and French, as they stand after accents are folded.

/// Sorted, for binary search.
const STOP_WORDS: [&str; 192] = [
    "a", "about", "after", "all", "also", "an", "and", "any", "are", "as", "at", "au", "aussi", "aux",
    "avec", "avoir", "be", "because", "been", "before", "being", "between", "but", "by", "can", "car", "ce",
    "cela", "ces", "cet", "cette", "ceux", "comme", "comment", "could", "d", "dans", "de", "des", "did",
    "do", "does", "doing", "donc", "dont", "du", "during", "each", "elle", "elles", "en", "encore", "entre",
    "est", "et", "etait", "ete", "etre", "eu", "fait", "few", "for", "from", "had", "has", "have", "having",
    "he", "her", "here", "his", "how", "i", "if", "il", "ils", "in", "into", "is", "it", "its", "je", "just",
    "l", "la", "le", "les", "leur", "leurs", "lui", "ma", "mais", "me", "meme", "mes", "moi", "mon", "more",
    "most", "my", "ne", "no", "non", "nor", "nos", "not", "notre", "nous", "of", "off", "on", "only", "ont",
    "or", "other", "ou", "our", "out", "over", "par", "pas", "peu", "peut", "plus", "pour", "pourquoi", "qu",
    "quand", "que", "quel", "quelle", "quelles", "quels", "qui", "quoi", "s", "sa", "same", "sans", "se",
    "ses", "she", "should", "si", "so", "some", "son", "sont", "sous", "such", "sur", "t", "ta", "te", "tes",
    "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "to", "toi",
    "ton", "too", "tout", "tu", "un", "under", "une", "up", "very", "was", "we", "were", "what", "when",
    "where", "which", "while", "who", "why", "will", "with", "would", "you", "your",
];

/// No stop word has more letters.
pub(super) const LONGEST: usize = 8;

/// Whether a folded, lower-case word is one of them.
pub(super) fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.binary_search(&word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_found_in() {
        assert!(STOP_WORDS.is_sorted());
        assert_eq!(STOP_WORDS.iter().map(|word| word.len()).max(), Some(LONGEST));
        for word in ["the", "les", "a", "your", "etait"] {
            assert!(is_stop_word(word), "{word}");
        }
        for word in ["go", "c", "r", "ui", "error", "erreur"] {
            assert!(!is_stop_word(word), "{word} tells entries apart");
        }
    }
}
