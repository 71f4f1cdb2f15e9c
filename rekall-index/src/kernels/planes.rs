//! Codes in two planes: the high four bits of each, and the low four bits.
//!
//! A scan that can do with the high bits reads half the memory. Codes are in groups of [`CODE_LANES`]; byte `j` of a group in
//! either plane has the half of code `j` in its low bits, and that of code `j + GROUP_BYTES` in its high bits, so that
//! masks and shifts of whole vectors take them apart. Before it is divided a code gets 128 added: both halves are 0 to 15, and
//!
//!   code = 16 · high + low - 128.

use std::ops::Range;

use super::{CODE_LANES, prefetch_beyond};

/// The bytes of a group in each plane.
pub(crate) const GROUP_BYTES: usize = CODE_LANES / 2;
/// The bytes of a cache line.
const LINE: usize = 64;
/// Where the sign is: adding 128 changes this bit alone.
const SIGN: u8 = 0x80;

/// Rows of codes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planes<'a> {
    pub(crate) high: &'a [u8],
    /// As long as the other.
    pub(crate) low: &'a [u8],
}

impl<'a> Planes<'a> {
    /// The groups of both.
    #[inline(always)]
    pub(super) fn groups(self) -> impl Iterator<Item = (&'a [u8; GROUP_BYTES], &'a [u8; GROUP_BYTES])> {
        self.high.as_chunks().0.iter().zip(self.low.as_chunks().0)
    }

    /// Some rows, of `bytes` bytes each in either.
    pub(crate) fn rows(self, rows: Range<usize>, bytes: usize) -> Self {
        let range = rows.start * bytes..rows.end * bytes;
        Self { high: &self.high[range.clone()], low: &self.low[range] }
    }

    /// The last `bytes` bytes of both.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn last(self, bytes: usize) -> Self {
        Self { high: &self.high[self.high.len() - bytes..], low: &self.low[self.low.len() - bytes..] }
    }

    /// Asks for what lies `bytes` bytes beyond both.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) fn prefetch_beyond(self, bytes: usize) {
        for plane in [self.high, self.low] {
            plane.chunks(LINE).for_each(|line| prefetch_beyond(line, bytes));
        }
    }

    /// Asks for the low plane ahead of its use.
    pub(crate) fn prefetch_low(self) {
        self.low.chunks(LINE).for_each(|line| prefetch_beyond(line, 0));
    }

    /// Whether no code is -128, the one without an opposite: both of its halves are 0.
    pub(crate) fn are_symmetric(self) -> bool {
        let halves = self.high.iter().zip(self.low).map(|(high, low)| high | low);
        halves.fold(true, |all, halves| all & (halves & 15 != 0) & (halves >> 4 != 0))
    }

    /// Writes the codes, of which `out` takes two for each byte of a plane.
    pub(crate) fn join(self, out: &mut [i8]) {
        self.groups().zip(out.as_chunks_mut().0).for_each(|((high, low), out)| *out = join_group(high, low));
    }
}

/// The rows of both planes, of `bytes` bytes each in either.
#[inline(always)]
pub(super) fn rows(codes: Planes<'_>, bytes: usize) -> impl Iterator<Item = Planes<'_>> {
    let planes = codes.high.chunks_exact(bytes.max(1)).zip(codes.low.chunks_exact(bytes.max(1)));
    planes.map(|(high, low)| Planes { high, low })
}

/// The codes of one group.
#[inline(always)]
pub(super) fn join_group(high: &[u8; GROUP_BYTES], low: &[u8; GROUP_BYTES]) -> [i8; CODE_LANES] {
    let mut codes = [0; CODE_LANES];
    for byte in 0..GROUP_BYTES {
        codes[byte] = ((high[byte] << 4 | low[byte] & 15) ^ SIGN).cast_signed();
        codes[byte + GROUP_BYTES] = ((high[byte] & 0xF0 | low[byte] >> 4) ^ SIGN).cast_signed();
    }
    codes
}

/// Writes the two planes of `codes`, whole groups; gives Σ(2l - 15)² of the low halves l.
pub(super) fn split(codes: &[i8], high: &mut [u8], low: &mut [u8]) -> u32 {
    let planes = high.as_chunks_mut::<GROUP_BYTES>().0.iter_mut().zip(low.as_chunks_mut::<GROUP_BYTES>().0);
    let mut squares = 0;
    for (codes, (high, low)) in codes.as_chunks::<CODE_LANES>().0.iter().zip(planes) {
        for byte in 0..GROUP_BYTES {
            let first = codes[byte].cast_unsigned() ^ SIGN;
            let second = codes[byte + GROUP_BYTES].cast_unsigned() ^ SIGN;
            high[byte] = first >> 4 | second & 0xF0;
            low[byte] = first & 15 | second << 4;
            squares += [first, second]
                .map(|code| (2 * u32::from(code & 15)).abs_diff(15).pow(2))
                .iter()
                .sum::<u32>();
        }
    }
    squares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_comes_back() {
        // All of them at each of the places of a group.
        for shift in 0..CODE_LANES as i32 {
            let codes: Vec<i8> = (0..256).map(|n| (n + shift - 128) as i8).collect();
            let (mut high, mut low) = (vec![0; 128], vec![0; 128]);
            let squares = split(&codes, &mut high, &mut low);
            // Each half comes up as often as the others.
            assert_eq!(squares, 16 * (0..16i32).map(|l| (2 * l - 15).pow(2)).sum::<i32>().cast_unsigned());
            let mut joined = vec![0; 256];
            Planes { high: &high, low: &low }.join(&mut joined);
            assert_eq!(joined, codes);
            for (group, codes) in codes.chunks_exact(CODE_LANES).enumerate() {
                for (lane, &code) in codes.iter().enumerate() {
                    let at = group * GROUP_BYTES + lane % GROUP_BYTES;
                    let half = |plane: &[u8]| i32::from(plane[at] >> (lane / GROUP_BYTES * 4) & 15);
                    assert_eq!(i32::from(code), 16 * half(&high) + half(&low) - 128);
                }
            }
        }
    }
}
