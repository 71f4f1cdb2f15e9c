//! Terms of bounded length.

/// No term is longer, in bytes.
pub(crate) const MAX_TERM_BYTES: usize = 64;

/// Digits of the hash that stands for the end of a long word.
const HASH_DIGITS: usize = 16;

/// The word, or, where it is longer than a term, its beginning and a hash of the whole.
pub(super) fn bounded<'w>(word: &'w str, buffer: &'w mut String) -> &'w str {
    if word.len() <= MAX_TERM_BYTES {
        return word;
    }
    buffer.clear();
    buffer.push_str(&word[..word.floor_char_boundary(MAX_TERM_BYTES - HASH_DIGITS)]);
    buffer.push_str(&blake3::hash(word.as_bytes()).to_hex()[..HASH_DIGITS]);
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_differ_by_what_was_cut_off() {
        let mut buffer = String::new();
        let (short, long) = ("x".repeat(64), "x".repeat(65));
        assert_eq!(bounded(&short, &mut buffer), short);
        let other = bounded(&format!("{short}y"), &mut buffer).to_owned();
        let term = bounded(&long, &mut buffer).to_owned();
        assert_eq!(term.len(), MAX_TERM_BYTES);
        assert_ne!(term, other);
        assert!(bounded(&"é".repeat(50), &mut buffer).len() <= MAX_TERM_BYTES);
    }
}
