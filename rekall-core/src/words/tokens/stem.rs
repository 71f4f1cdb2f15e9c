//! Words without their endings, by the Snowball algorithms for English and French (<https://snowballstem.org>).
//!
//! English is stemmed without accents. French is stemmed with them, because its endings are known by them (`é`, `ère`), and
//! loses them afterwards.

use rust_stemmers::{Algorithm, Stemmer};

use super::fold;

/// A longer word, in bytes, is not inflected: it is a name, or no word.
const LONGEST: usize = 40;

/// A French stem with fewer letters is marked: `note` would become `not`, and `use` `us`, which are English words.
const FEWEST_LETTERS: usize = 4;

/// Stands after such a stem. No word has it.
const MARK: char = '~';

/// The stems of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StemPair<'s> {
    pub(super) english: &'s str,
    pub(super) french: &'s str,
}

/// Stems words, and keeps the stems of frequent ones.
pub(super) struct Stems {
    english: Stemmer,
    french: Stemmer,
    /// By a hash of the word, the last ones that had it. Empty until the first word, and where none is kept.
    slots: Vec<[u8; SLOT]>,
    /// Words to be stemmed before it is worth the memory to keep any.
    until_kept: usize,
    /// Stems that are not kept.
    buffers: (String, String),
}

/// Bytes of a word that is kept with its stems.
const KEPT: usize = 24;
/// A slot: the word, the English stem, the French one, each filled up with zeros; the lengths of the stems.
const SLOT: usize = 3 * KEPT + 2;
const SLOTS: usize = 16_384;
/// A short note is read without the slots: 1.2 MB.
const WORDS_UNTIL_KEPT: usize = 256;

impl std::fmt::Debug for Stems {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Stems").finish_non_exhaustive()
    }
}

/// Whether a folded word is one that English or French inflects.
pub(super) fn is_inflected(folded: &str) -> bool {
    (3..=LONGEST).contains(&folded.len()) && folded.bytes().all(|byte| byte.is_ascii_lowercase())
}

impl Stems {
    pub(super) fn new() -> Self {
        Self {
            english: Stemmer::create(Algorithm::English),
            french: Stemmer::create(Algorithm::French),
            slots: Vec::new(),
            until_kept: WORDS_UNTIL_KEPT,
            buffers: Default::default(),
        }
    }

    /// For a few words, which are not worth the memory.
    pub(super) fn without_memory() -> Self {
        Self { until_kept: usize::MAX, ..Self::new() }
    }

    /// The stems of a word for which [`is_inflected`] holds, given without and with its accents.
    pub(super) fn of(&mut self, folded: &str, accented: &str) -> StemPair<'_> {
        let Some(key) = key(accented).filter(|_| self.until_kept == 0) else {
            self.until_kept = self.until_kept.saturating_sub(1);
            self.compute(folded, accented);
            return StemPair { english: &self.buffers.0, french: &self.buffers.1 };
        };
        if self.slots.is_empty() {
            self.slots = vec![[0; SLOT]; SLOTS];
        }
        let [first, second] = slots_of(&key);
        let known = [first, second].into_iter().find(|&index| self.slots[index][..KEPT] == key);
        let index = known.unwrap_or(first);
        if known.is_none() {
            self.compute(folded, accented);
            let (english, french) = (self.buffers.0.as_bytes(), self.buffers.1.as_bytes());
            if english.len() > KEPT || french.len() > KEPT {
                return StemPair { english: &self.buffers.0, french: &self.buffers.1 };
            }
            // Two frequent words with one hash would otherwise take each other's place all the time.
            self.slots[second] = self.slots[first];
            let slot = &mut self.slots[index];
            slot[..KEPT].copy_from_slice(&key);
            slot[KEPT..][..english.len()].copy_from_slice(english);
            slot[2 * KEPT..][..french.len()].copy_from_slice(french);
            slot[3 * KEPT] = english.len() as u8;
            slot[3 * KEPT + 1] = french.len() as u8;
        }
        let slot = &self.slots[index];
        let text = |from: usize, length: u8| {
            std::str::from_utf8(&slot[from..][..usize::from(length)]).unwrap_or_default()
        };
        StemPair { english: text(KEPT, slot[3 * KEPT]), french: text(2 * KEPT, slot[3 * KEPT + 1]) }
    }

    fn compute(&mut self, folded: &str, accented: &str) {
        let (english, french) = &mut self.buffers;
        english.clear();
        english.push_str(&self.english.stem(folded));
        french.clear();
        french.extend(self.french.stem(accented).chars().map(|letter| {
            // The algorithm leaves vowels that it took for consonants as capitals.
            fold::without_accent(letter).to_ascii_lowercase()
        }));
        if french.is_empty() {
            french.push_str(folded);
        } else if french.len() < FEWEST_LETTERS && french != folded {
            french.push(MARK);
        }
        if english.is_empty() {
            english.push_str(folded);
        }
    }

    /// The French stems of a word under which a text may have it that writes accents where the query has none, or the
    /// other way round.
    pub(super) fn with_other_accents(&mut self, folded: &str, accented: &str) -> Vec<String> {
        /// Endings that are stemmed otherwise with their accent.
        const ENDINGS: [(&str, &str); 7] = [
            ("ee", "\u{e9}e"),
            ("ees", "\u{e9}es"),
            ("iere", "i\u{e8}re"),
            ("ieres", "i\u{e8}res"),
            ("ite", "it\u{e9}"),
            ("ites", "it\u{e9}s"),
            ("erent", "\u{e8}rent"),
        ];
        if folded != accented {
            return vec![self.of(folded, folded).french.to_owned()];
        }
        let variants = ENDINGS.iter().filter_map(|(plain, accented)| {
            Some(format!("{}{accented}", folded.strip_suffix(plain).filter(|stem| stem.len() >= 2)?))
        });
        variants.map(|variant| self.of(folded, &variant).french.to_owned()).collect()
    }
}

/// A short word filled up with zeros.
fn key(word: &str) -> Option<[u8; KEPT]> {
    let mut key = [0; KEPT];
    key.get_mut(..word.len())?.copy_from_slice(word.as_bytes());
    Some(key)
}

/// The two slots that a word may be in; a new one is put into the first.
fn slots_of(key: &[u8; KEPT]) -> [usize; 2] {
    let mut hash = 0_u64;
    for part in key.as_chunks::<8>().0 {
        hash = (hash.rotate_left(5) ^ u64::from_le_bytes(*part)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    let first = (hash >> (64 - SLOTS.trailing_zeros())) as usize;
    [first, first ^ 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stems(word: &str) -> (String, String) {
        let folded: String = word.chars().map(fold::without_accent).collect();
        let mut stems = Stems { until_kept: 1, ..Stems::new() };
        let mut both = || {
            let pair = stems.of(&folded, word);
            (pair.english.to_owned(), pair.french.to_owned())
        };
        // Not kept, to be kept, kept.
        let first = both();
        assert_eq!([both(), both()], [first.clone(), first.clone()]);
        first
    }

    #[test]
    fn inflected_words_share_a_stem() {
        for words in [
            ["connection", "connections", "connected"],
            ["deploy", "deployed", "deploying"],
            ["memory", "memories", "memory"],
        ] {
            assert!(words.windows(2).all(|pair| stems(pair[0]).0 == stems(pair[1]).0), "{words:?}");
        }
        for words in [
            ["install\u{e9}", "install\u{e9}es", "installer"],
            ["premier", "premi\u{e8}re", "premiers"],
            ["cheval", "chevaux", "cheval"],
            ["noter", "not\u{e9}", "notes"],
        ] {
            assert!(words.windows(2).all(|pair| stems(pair[0]).1 == stems(pair[1]).1), "{words:?}");
        }
    }

    #[test]
    fn short_french_stems_are_no_english_words() {
        assert_eq!(stems("note").1, "not~");
        assert_eq!(stems("not").1, "not");
    }

    #[test]
    fn accents_may_be_left_out_or_added() {
        let mut all = Stems::new();
        assert_eq!(all.with_other_accents("installee", "installee"), [stems("install\u{e9}e").1]);
        assert_eq!(all.with_other_accents("premiere", "premiere"), [stems("premier").1]);
        assert_eq!(all.with_other_accents("premiere", "premi\u{e8}re"), [stems("premiere").1]);
        assert!(all.with_other_accents("depot", "depot").is_empty());
    }

    #[test]
    fn any_word_has_stems() {
        let mut stems = Stems::new();
        for length in 1..=6_u32 {
            for number in 0..9_u32.pow(length.min(5)) {
                let letter = |at| {
                    ["e", "s", "\u{e9}", "i", "o", "u", "n", "t", "y"]
                        [(number / 9_u32.pow(at % 5) % 9) as usize]
                };
                let word: String = (0..length).map(letter).collect();
                let folded: String = word.chars().map(fold::without_accent).collect();
                let StemPair { english, french } = stems.of(&folded, &word);
                assert!(!english.is_empty() && !french.is_empty(), "{word}");
                assert!(french.is_ascii(), "{word}: {french}");
            }
        }
    }
}
