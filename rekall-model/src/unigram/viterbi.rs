//! The likeliest sequence of pieces of one word.

use super::pieces::Pieces;
use crate::tokenize::Known;

/// The best path to each byte position of a word; reused between words.
#[derive(Debug, Default)]
pub(super) struct Lattice {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    /// Log probability of the best path that ends here.
    score: f64,
    /// Where its last piece starts; `UNREACHED` if nothing ends here.
    start: u32,
    /// That piece.
    id: u32,
}

const UNREACHED: u32 = u32::MAX;

impl Lattice {
    /// Appends the ids of `word`, and counts in `known` what of it is known. Linear in its length times the longest piece.
    ///
    /// Sums in `f64` in text order and replaces only on "greater", as the `tokenizers` crate does:
    /// where two paths tie, the same one wins.
    pub(super) fn encode(&mut self, pieces: &Pieces, word: &str, ids: &mut Vec<u32>, known: &mut Known) {
        let size = word.len();
        self.nodes.clear();
        self.nodes.resize(size + 1, Node { score: 0.0, start: UNREACHED, id: 0 });
        let bytes = word.as_bytes();
        let mut start = 0;
        while start < size {
            let till_here = self.nodes[start].score;
            let width = char_width(bytes[start]).min(size - start);
            let mut has_single = false;
            let nodes = &mut self.nodes[start..];
            pieces.trie.prefixes(&bytes[start..], |length, id| {
                has_single |= length == width;
                nodes[length].offer(till_here + pieces.score(id), start, id);
            });
            if !has_single {
                nodes[width].offer(till_here + pieces.unknown_score, start, pieces.unknown_id);
            }
            start += width;
        }
        let first = ids.len();
        let mut end = size;
        let mut in_unknown = false;
        while end > 0 {
            let node = self.nodes[end];
            let start = node.start as usize;
            if node.id != pieces.unknown_id {
                ids.push(node.id);
                in_unknown = false;
                let (starts, ends) = (is_border(word, start), is_border(word, end));
                known.add_piece(&word[start..end], starts, ends);
            } else {
                if !in_unknown {
                    ids.push(node.id);
                }
                in_unknown = true;
                known.add_unknown(&word[start..end]);
            }
            end = start;
        }
        ids[first..].reverse();
    }
}

impl Node {
    #[inline]
    fn offer(&mut self, score: f64, start: usize, id: u32) {
        if self.start == UNREACHED || score > self.score {
            // A word of 4 GiB would overflow; texts are limited to far less before they are embedded.
            *self = Self { score, start: start as u32, id };
        }
    }
}

/// Whether a run of letters and digits starts or ends here, or none is here.
fn is_border(word: &str, at: usize) -> bool {
    let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    !inside(word[..at].chars().next_back()) || !inside(word[at..].chars().next())
}

/// Bytes of the character that begins with `byte`.
fn char_width(byte: u8) -> usize {
    match byte {
        0..0x80 => 1,
        0x80..0xE0 => 2,
        0xE0..0xF0 => 3,
        _ => 4,
    }
}
