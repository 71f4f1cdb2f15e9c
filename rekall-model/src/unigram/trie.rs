//! The pieces of a vocabulary as a double-array trie (Aoe 1989; with exclusive or, as in
//! Darts-clone), eight bytes a unit, readable in place from the executable's data.

use crate::bytes::Bytes;

/// A unit is two little-endian `u32`: `base << 8 | label`, then the piece's id plus one, or zero.
/// The child of a unit by byte `b` is at `base ^ b` and bears the label `b`. No two units share a
/// base, so the label alone proves the parent; label 0 marks a free unit, as no piece contains NUL.
#[derive(Debug, Clone)]
pub(super) struct Trie {
    units: Bytes,
}

/// Bases are 24 bits wide.
const MAX_UNITS: usize = 1 << 24;
/// Units come in blocks of 256: exclusive or with a byte stays inside one.
const BLOCK: usize = 256;
/// Free positions tried for a node's children before a new block is added. It bounds the building time, and
/// leaves about a tenth of the units unused.
const TRIES: usize = 256;

impl Trie {
    pub(super) fn from_bytes(units: Bytes) -> Option<Self> {
        (!units.is_empty() && units.len().is_multiple_of(8 * BLOCK)).then_some(Self { units })
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.units
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.units.heap_bytes()
    }

    #[cfg(test)]
    pub(super) fn max_id(&self) -> Option<u32> {
        self.units.chunks_exact(8).filter_map(|unit| value_of(unit).checked_sub(1)).max()
    }

    /// Calls `found(length, id)` for each piece that `text` begins with, shortest first.
    #[inline]
    pub(super) fn prefixes(&self, text: &[u8], mut found: impl FnMut(usize, u32)) {
        let units: &[u8] = &self.units;
        let mut base = base_of(units);
        for (i, &byte) in text.iter().enumerate() {
            let at = (base ^ usize::from(byte)) * 8;
            let Some(unit) = units.get(at..at + 8) else { return };
            if unit[0] != byte || byte == 0 {
                return;
            }
            if let Some(id) = value_of(unit).checked_sub(1) {
                found(i + 1, id);
            }
            base = base_of(unit);
        }
    }

    /// Builds the trie of `pieces`; the id is the position, a repeated piece has the last one's.
    /// `None` for more than the 16 million units that a base can address, or a piece with NUL.
    pub(super) fn build(pieces: &[&str]) -> Option<Self> {
        let mut sorted: Vec<(&[u8], u32)> = Vec::with_capacity(pieces.len());
        for (id, piece) in (0..).zip(pieces) {
            if piece.bytes().any(|byte| byte == 0) {
                return None;
            }
            if !piece.is_empty() {
                sorted.push((piece.as_bytes(), id));
            }
        }
        sorted.sort_unstable();
        let mut builder = Builder::default();
        builder.grow();
        builder.take(0);
        // A leaf's base reads as 0, so no node may have that base.
        builder.is_base[0] = true;
        builder.build(&sorted)?;
        let mut units = Vec::with_capacity(builder.units.len() * 8);
        for (head, value) in &builder.units {
            units.extend_from_slice(&head.to_le_bytes());
            units.extend_from_slice(&value.to_le_bytes());
        }
        Self::from_bytes(units.into())
    }
}

fn base_of(unit: &[u8]) -> usize {
    match unit.first_chunk() {
        Some(head) => (u32::from_le_bytes(*head) >> 8) as usize,
        None => 0,
    }
}

fn value_of(unit: &[u8]) -> u32 {
    match unit[4..].first_chunk() {
        Some(value) => u32::from_le_bytes(*value),
        None => 0,
    }
}

#[derive(Default)]
struct Builder {
    units: Vec<(u32, u32)>,
    /// Units in the order in which they were added; used ones are removed when they are met.
    free: Vec<u32>,
    is_free: Vec<bool>,
    is_base: Vec<bool>,
}

impl Builder {
    fn grow(&mut self) {
        let start = self.units.len();
        self.units.resize(start + BLOCK, (0, 0));
        self.is_free.resize(start + BLOCK, true);
        self.is_base.resize(start + BLOCK, false);
        self.free.extend((start..start + BLOCK).map(|unit| unit as u32));
    }

    fn take(&mut self, unit: usize) {
        self.is_free[unit] = false;
    }

    fn build(&mut self, sorted: &[(&[u8], u32)]) -> Option<()> {
        // (unit, depth, range of `sorted` below it)
        let mut stack = vec![(0_usize, 0_usize, 0, sorted.len())];
        let mut children: Vec<(u8, usize, usize)> = Vec::new();
        while let Some((unit, depth, first, last)) = stack.pop() {
            let mut first = first;
            // Keys that end here sort before those that go on; the last of equal keys has the greatest id.
            while first < last && sorted[first].0.len() == depth {
                self.units[unit].1 = sorted[first].1 + 1;
                first += 1;
            }
            children.clear();
            for (i, (piece, _)) in sorted.iter().enumerate().take(last).skip(first) {
                let label = piece[depth];
                match children.last_mut() {
                    Some((last_label, _, end)) if *last_label == label => *end = i + 1,
                    _ => children.push((label, i, i + 1)),
                }
            }
            if children.is_empty() {
                continue;
            }
            let base = self.place(&children)?;
            self.units[unit].0 |= u32::try_from(base << 8).ok()?;
            for &(label, start, end) in &children {
                let child = base ^ usize::from(label);
                self.take(child);
                self.units[child].0 = u32::from(label);
                stack.push((child, depth + 1, start, end));
            }
        }
        Some(())
    }

    /// A base that no other node has, with a free unit for each child.
    fn place(&mut self, children: &[(u8, usize, usize)]) -> Option<usize> {
        let head = usize::from(children.first()?.0);
        // Newest free units first: older ones have been tried by many nodes before.
        let oldest = self.free.len().saturating_sub(TRIES);
        let mut i = self.free.len();
        while i > oldest {
            i -= 1;
            let unit = self.free[i] as usize;
            if !self.is_free[unit] {
                self.free.remove(i);
                continue;
            }
            let base = unit ^ head;
            if !self.is_base[base]
                && children.iter().all(|&(label, ..)| self.is_free[base ^ usize::from(label)])
            {
                self.is_base[base] = true;
                return Some(base);
            }
        }
        let base = self.units.len();
        if base + BLOCK > MAX_UNITS {
            return None;
        }
        self.grow();
        // Any base in a new block is possible, because all of it is free.
        self.is_base[base] = true;
        Some(base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_prefix_and_nothing_else() {
        let pieces = ["a", "ab", "abc", "", "b", "é", "▁le", "▁les", "ab"];
        let trie = Trie::build(&pieces).unwrap();
        let prefixes = |text: &str| {
            let mut found = Vec::new();
            trie.prefixes(text.as_bytes(), |length, id| found.push((length, id)));
            found
        };
        assert_eq!(prefixes("abcd"), [(1, 0), (2, 8), (3, 2)]);
        assert_eq!(prefixes("▁lest"), [(5, 6), (6, 7)]);
        assert_eq!(prefixes("é"), [(2, 5)]);
        assert_eq!(prefixes("\0a"), []);
        assert_eq!(prefixes("xyz"), []);
        assert_eq!(trie.max_id(), Some(8));
    }

    #[test]
    fn many_random_pieces() {
        let mut state = 7_u64;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize
        };
        let pieces: Vec<String> = (0..5_000)
            .map(|_| (0..1 + next() % 6).map(|_| char::from(b'!' + (next() % 90) as u8)).collect())
            .collect();
        let borrowed: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let trie = Trie::build(&borrowed).unwrap();
        for piece in &borrowed {
            let id = borrowed.iter().rposition(|p| p == piece).unwrap() as u32;
            let mut last = None;
            trie.prefixes(piece.as_bytes(), |length, id| last = Some((length, id)));
            assert_eq!(last, Some((piece.len(), id)));
        }
    }
}
