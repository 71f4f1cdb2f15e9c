//! SentencePiece's precompiled character map: Unicode normalization and its exceptions, as data.
//!
//! The blob is `u32` length of a trie in bytes, the trie (a Darts-clone double array of `u32`, little
//! endian), then the replacements, each terminated by a NUL. The trie's values are offsets into the
//! replacements.

use unicode_segmentation::UnicodeSegmentation;

use crate::bytes::Bytes;

/// A parsed character map.
#[derive(Debug, Clone)]
pub(super) struct Charsmap {
    /// Double array, `u32` little-endian.
    trie: Bytes,
    /// Replacements, each terminated by a NUL; UTF-8 as a whole.
    replacements: Bytes,
    /// Bit `c` is set if the map leaves the ASCII character `c` unchanged.
    ascii_identity: u128,
}

impl Charsmap {
    /// Splits a map into its two parts. `None` if the blob is not a map.
    pub(super) fn parse(blob: &Bytes) -> Option<Self> {
        let trie_bytes = u32::from_le_bytes(*blob.first_chunk()?) as usize;
        let trie = blob.slice(4..trie_bytes.checked_add(4)?)?;
        let replacements = blob.slice(4 + trie_bytes..blob.len())?;
        if trie_bytes == 0 || !trie_bytes.is_multiple_of(4) || std::str::from_utf8(&replacements).is_err() {
            return None;
        }
        let mut map = Self { trie, replacements, ascii_identity: 0 };
        for c in 0..128_u8 {
            if map.lookup(&[c]).is_none() {
                map.ascii_identity |= 1 << c;
            }
        }
        Some(map)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.trie.heap_bytes() + self.replacements.heap_bytes()
    }

    /// Appends the normal form of `text` to `out`.
    ///
    /// The rule is SentencePiece's as the `tokenizers` crate reproduces it: a grapheme cluster of
    /// fewer than 6 bytes is replaced by the *shortest* of its prefixes that has an entry (dropping
    /// what follows); failing that, each character is replaced by its own entry or kept.
    pub(super) fn normalize(&self, text: &str, out: &mut String) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            // Plain ASCII: every character is its own cluster, as long as the next is ASCII too.
            let plain = bytes[at..].iter().take_while(|&&b| self.is_identity(b)).count();
            let next_is_ascii = bytes.get(at + plain).is_none_or(u8::is_ascii);
            let plain = if next_is_ascii { plain } else { plain.saturating_sub(1) };
            out.push_str(&text[at..at + plain]);
            at += plain;
            // Anything else is normalized cluster by cluster, until two ASCII characters are adjacent (no
            // cluster spans those, except "\r\n", which is never plain).
            for cluster in text[at..].graphemes(true) {
                self.normalize_cluster(cluster, out);
                at += cluster.len();
                let ahead = &bytes[at..bytes.len().min(at + 2)];
                if ahead.len() == 2 && ahead.is_ascii() && self.is_identity(ahead[0]) {
                    break;
                }
            }
        }
    }

    fn is_identity(&self, byte: u8) -> bool {
        // CR is excluded so that "\r\n" is always seen as the one cluster it is.
        byte < 128 && byte != b'\r' && self.ascii_identity >> byte & 1 == 1
    }

    fn normalize_cluster(&self, cluster: &str, out: &mut String) {
        if cluster.len() < 6
            && let Some(replacement) = self.lookup(cluster.as_bytes())
        {
            out.push_str(replacement);
            return;
        }
        let mut buffer = [0; 4];
        for c in cluster.chars() {
            match self.lookup(c.encode_utf8(&mut buffer).as_bytes()) {
                Some(replacement) => out.push_str(replacement),
                None => out.push(c),
            }
        }
    }

    /// The replacement of the shortest prefix of `key` that has one.
    fn lookup(&self, key: &[u8]) -> Option<&str> {
        let mut position = offset_of(self.unit(0)?);
        for &byte in key {
            if byte == 0 {
                return None;
            }
            position ^= usize::from(byte);
            let unit = self.unit(position)?;
            if unit & (1 << 31 | 0xFF) != u32::from(byte) {
                return None;
            }
            position ^= offset_of(unit);
            if unit >> 8 & 1 == 1 {
                let start = (self.unit(position)? & !(1 << 31)) as usize;
                let tail = self.replacements.get(start..)?;
                let length = tail.iter().position(|&b| b == 0).unwrap_or(tail.len());
                return std::str::from_utf8(&tail[..length]).ok();
            }
        }
        None
    }

    fn unit(&self, position: usize) -> Option<u32> {
        let at = position.checked_mul(4)?;
        Some(u32::from_le_bytes(*self.trie.get(at..)?.first_chunk()?))
    }
}

/// Distance to a unit's children, as Darts-clone packs it.
fn offset_of(unit: u32) -> usize {
    ((unit >> 10) << ((unit & 1 << 9) >> 6)) as usize
}

/// How many times longer a map can make a text, rounded up; an error says what is wrong with the map.
///
/// Validates a map from a file before it is used: every position that a walk through the trie can reach must
/// lie in it, with room for a step by any byte, and every replacement must begin at a character of the text
/// of replacements. Linear in the size of the trie.
pub(crate) fn max_expansion(blob: &[u8]) -> Result<u64, String> {
    let length = blob.first_chunk().map(|bytes| u32::from_le_bytes(*bytes) as usize);
    let Some((length, rest)) = length.zip(blob.get(4..)) else {
        return Err(format!("{} bytes", blob.len()));
    };
    if length == 0 || !length.is_multiple_of(4) {
        return Err(format!("a trie of {length} bytes"));
    }
    let Some((trie, replacements)) = rest.split_at_checked(length) else {
        return Err(format!("a trie of {length} bytes in {}", rest.len()));
    };
    let replacements = std::str::from_utf8(replacements).map_err(|error| error.to_string())?;
    let units: Vec<u32> = trie.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
    let ends: Vec<usize> = replacements.match_indices('\0').map(|(at, _)| at).collect();
    // A unit with a label determines where its parent's children begin.
    let mut children: Vec<(usize, usize)> = (0..units.len())
        .filter(|&at| units[at] >> 31 == 0 && units[at] & 0xFF != 0)
        .map(|at| (at ^ (units[at] & 0xFF) as usize, at))
        .collect();
    children.sort_unstable();

    let mut seen = vec![false; units.len()];
    // Breadth first: a replacement lengthens its shortest key most.
    let mut places = std::collections::VecDeque::from([(offset_of(units[0]), 1_u64)]);
    let mut longest = 1;
    while let Some((place, depth)) = places.pop_front() {
        if place | 0xFF >= units.len() {
            return Err(format!("a trie of {} units with a step to unit {place}", units.len()));
        }
        if std::mem::replace(&mut seen[place], true) {
            continue;
        }
        let first = children.partition_point(|&(parent, _)| parent < place);
        for &(_, at) in children[first..].iter().take_while(|&&(parent, _)| parent == place) {
            let next = at ^ offset_of(units[at]);
            if units[at] >> 8 & 1 == 1 {
                let value = units.get(next).map(|unit| (unit & !(1 << 31)) as usize);
                let Some(start) = value.filter(|&start| replacements.is_char_boundary(start)) else {
                    return Err(format!("a replacement at {value:?} of {} bytes", replacements.len()));
                };
                let end = ends.get(ends.partition_point(|&end| end < start)).copied();
                let bytes = (end.unwrap_or(replacements.len()) - start) as u64;
                longest = longest.max(bytes.div_ceil(depth));
            }
            places.push_back((next, depth + 1));
        }
    }
    Ok(longest)
}
