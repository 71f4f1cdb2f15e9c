//! How alike two texts are, measured on a sample of their pieces.

use std::collections::HashSet;

/// Characters of a piece: long enough that two texts share few by chance, short enough that a changed word costs few.
const PIECE: usize = 5;

/// Pieces that are kept of a text. A likeness of 0.5 is then known to about 0.015.
const KEPT: usize = 1_024;

/// The pieces of a text with the lowest hashes: a sample that two texts draw alike (bottom-k sketch, Broder 1997), so that
/// texts of any length are compared in the same time.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Sketch {
    /// Ascending, each once.
    hashes: Vec<u64>,
}

impl Sketch {
    /// Case and white space make no difference. O(characters).
    pub(super) fn of(text: &str) -> Self {
        let mut folded: Vec<char> = Vec::with_capacity(text.len());
        for character in text.chars() {
            if !character.is_whitespace() {
                folded.extend(character.to_lowercase());
            } else if folded.last().is_some_and(|last| *last != ' ') {
                folded.push(' ');
            }
        }
        if folded.last() == Some(&' ') {
            folded.pop();
        }
        let pieces: HashSet<u64> = match folded.len() {
            0 => HashSet::new(),
            1..PIECE => HashSet::from([hash(&folded)]),
            _ => folded.windows(PIECE).map(hash).collect(),
        };
        let mut hashes: Vec<u64> = pieces.into_iter().collect();
        hashes.sort_unstable();
        hashes.truncate(KEPT);
        Self { hashes }
    }

    /// The pieces that both have, of those that either has: 0 to 1 (Jaccard). 0 for two texts without a piece.
    pub(super) fn likeness(&self, other: &Self) -> f64 {
        let (mut a, mut b) = (self.hashes.iter().peekable(), other.hashes.iter().peekable());
        let (mut both, mut either) = (0_u32, 0_u32);
        while (either as usize) < KEPT {
            match (a.peek(), b.peek()) {
                (None, None) => break,
                (Some(x), Some(y)) if x == y => {
                    both += 1;
                    a.next();
                    b.next();
                }
                (Some(x), Some(y)) if x < y => drop(a.next()),
                (Some(_), None) => drop(a.next()),
                _ => drop(b.next()),
            }
            either += 1;
        }
        if either == 0 { 0.0 } else { f64::from(both) / f64::from(either) }
    }

    pub(super) fn hashes(&self) -> &[u64] {
        &self.hashes
    }
}

/// The same on every machine and in every run. Mixed as in SplitMix64, so that the lowest ones are a fair sample.
fn hash(piece: &[char]) -> u64 {
    let mut hash = 0x9E37_79B9_7F4A_7C15_u64;
    for &character in piece {
        hash = (hash ^ u64::from(character)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        hash ^= hash >> 29;
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(a: &str, b: &str) -> f64 {
        Sketch::of(a).likeness(&Sketch::of(b))
    }

    fn words(range: std::ops::Range<u32>) -> String {
        range.map(|word| format!("word{} ", word.wrapping_mul(2_654_435_761))).collect()
    }

    #[test]
    fn it_is_one_for_the_same_and_none_for_others() {
        assert_eq!(likeness("Buy milk", "buy\n  MILK "), 1.0);
        assert_eq!(likeness("牛乳を買う", "牛乳を買う"), 1.0);
        assert_eq!(likeness("ok", "ok"), 1.0);
        assert_eq!(likeness("", ""), 0.0);
        assert_eq!(likeness("abcdefgh", "stuvwxyz"), 0.0);
    }

    #[test]
    fn it_falls_with_what_is_changed() {
        let text = "The deploy script fails when the disk of the build host is full.";
        let (near, far) =
            (text.replace("full", "almost full"), text.replace("deploy script", "nightly backup"));
        let (near, far) = (likeness(text, &near), likeness(text, &far));
        assert!(near > 0.8 && far < near && far > 0.4, "{near} {far}");
    }

    /// Of texts that have many more pieces than are kept.
    #[test]
    fn a_sample_is_enough() {
        let (a, b) = (words(0..4_000), words(2_000..6_000));
        let pieces = |text: &str| -> HashSet<Vec<char>> {
            let characters: Vec<char> = text.trim().chars().collect();
            characters.windows(PIECE).map(<[char]>::to_vec).collect()
        };
        let (all_a, all_b) = (pieces(&a), pieces(&b));
        assert!(all_a.len() > 10 * KEPT);
        let exact = all_a.intersection(&all_b).count() as f64 / all_a.union(&all_b).count() as f64;
        let measured = likeness(&a, &b);
        assert!((measured - exact).abs() < 0.05, "{measured}, exactly {exact}");
    }
}
