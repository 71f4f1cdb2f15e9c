//! Integer kernels, with `unsafe` for the instruction sets. (Its other places are the tables' memory, `table/slab.rs`, and the
//! call of sqlite-vec's entry point, `vec0/register.rs`.)
//!
//! Dot products of int8 codes with int16 queries, of their high halves with int8 queries, and Hamming distances. Integer sums
//! are exact, so every instruction
//! set gives the same numbers; the portable versions are the reference in tests (and what runs under Miri). On AArch64 the
//! compiler turns the portable loops into NEON (`smlal`, `cnt`) by itself, as NEON is always there.
#![allow(unsafe_code)]

mod planes;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::dispatch::{Simd, limit};
pub(crate) use planes::{GROUP_BYTES, Planes};

/// Codes per row are padded with zeros to a multiple of this.
pub(crate) const CODE_LANES: usize = 32;
/// Queries of a [`Panel`] that share a vector's width.
pub(crate) const PANEL: usize = 32;

/// An instruction set that this machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level(Set);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
}

impl Level {
    /// The best one that searches may use.
    pub(crate) fn detect() -> Self {
        let most = limit();
        Self::all().find(|level| level.family() <= most).unwrap_or(Self(Set::Portable))
    }

    fn family(self) -> Simd {
        match self.0 {
            Set::Portable => Simd::Portable,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => Simd::Avx2,
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 | Set::Avx512Vnni => Simd::Avx512,
        }
    }

    /// Every one that this machine has, best first.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        #[cfg(not(target_arch = "x86_64"))]
        let sets = [(Set::Portable, true)];
        // Miri interprets the portable versions only.
        #[cfg(target_arch = "x86_64")]
        let sets = {
            let avx2 = !cfg!(miri) && is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt");
            let avx512 = avx2 && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
            let vnni = avx512
                && is_x86_feature_detected!("avx512vnni")
                && is_x86_feature_detected!("avx512vpopcntdq");
            [(Set::Avx512Vnni, vnni), (Set::Avx512, avx512), (Set::Avx2, avx2), (Set::Portable, true)]
        };
        sets.into_iter().filter(|(_, there)| *there).map(|(set, _)| Self(set))
    }

    /// Writes the two planes of a row's codes, whole groups with a byte for two codes in each plane; gives Σ(2l - 15)² of the low
    /// halves l, which says how far they are from their middle.
    pub(crate) fn split(self, codes: &[i8], high: &mut [u8], low: &mut [u8]) -> u32 {
        let bytes = codes.len() / 2;
        assert!(codes.len().is_multiple_of(CODE_LANES) && [high.len(), low.len()] == [bytes; 2]);
        match self.0 {
            Set::Portable => planes::split(codes, high, low),
            // SAFETY: a `Level` is only made where its instructions were detected.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 | Set::Avx512 | Set::Avx512Vnni => unsafe { x86::split(codes, high, low) },
        }
    }

    /// `out[row]` = codes of the row · query. All rows are `query.len()` codes long, a multiple of [`CODE_LANES`]; codes
    /// are -127 to 127, and 127 × Σ|query| must fit an `i32`, so that no sum in any order overflows.
    pub(crate) fn dots(self, codes: Planes<'_>, query: &[i16], out: &mut [i32]) {
        let bytes = query.len() / 2 * out.len();
        assert!(query.len().is_multiple_of(CODE_LANES) && [codes.high.len(), codes.low.len()] == [bytes; 2]);
        match self.0 {
            Set::Portable => portable::dots(codes, query, out),
            // SAFETY: a `Level` is only made where its instructions were detected.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { x86::dots_avx2(codes, query, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { x86::dots_avx512(codes, query, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512Vnni => unsafe { x86::dots_vnni(codes, query, out) },
        }
    }

    /// `out[row]` = high halves of the row's codes, 0 to 15, · query. All rows are as long as the query.
    pub(crate) fn dots_high(self, high: &[u8], query: &HighQuery, out: &mut [i32]) {
        assert!(high.len() == query.row_bytes * out.len());
        match self.0 {
            Set::Portable => portable::dots_high(high, query, out),
            // SAFETY: a `Level` is only made where its instructions were detected.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { x86::dots_high_avx2(high, query, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { x86::dots_high_avx512(high, query, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512Vnni => unsafe { x86::dots_high_vnni(high, query, out) },
        }
    }

    /// `out[row * PANEL + query]` = codes of the row · query, for the queries of one panel. Sizes and ranges as for
    /// [`dots`](Self::dots).
    pub(crate) fn dots_panel(self, codes: Planes<'_>, panel: &Panel, out: &mut [i32]) {
        let rows = out.len() / PANEL;
        let bytes = rows * panel.stride / 2;
        assert!(out.len() == rows * PANEL && [codes.high.len(), codes.low.len()] == [bytes; 2]);
        match self.0 {
            Set::Portable => portable::dots_panel(codes, panel, out),
            // SAFETY: a `Level` is only made where its instructions were detected.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { x86::dots_panel_avx2(codes, panel, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { x86::dots_panel_avx512(codes, panel, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512Vnni => unsafe { x86::dots_panel_vnni(codes, panel, out) },
        }
    }

    /// `out[row]` = number of bits in which the row differs from the query; all rows are as long as the query.
    pub(crate) fn hamming(self, bits: &[u64], query: &[u64], out: &mut [u32]) {
        assert!(bits.len() == query.len() * out.len());
        match self.0 {
            Set::Portable => portable::hamming(bits, query, out),
            // SAFETY: a `Level` is only made where its instructions were detected.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 | Set::Avx512 => unsafe { x86::hamming_popcnt(bits, query, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512Vnni => unsafe { x86::hamming_avx512(bits, query, out) },
        }
    }
}

/// Asks for the cache line that lies `bytes` beyond an item, ahead of its use. Only a hint: it changes nothing but time, and
/// there need be nothing of ours in that place.
///
/// A scan does so for what it will read some KB later: the hardware foresees reads only within a page of 4 KiB, and without
/// huge pages (which a library can't count on) each new page costs a table walk that nothing else hides. One line for each
/// line read, not many at a time: the processor waits when more than a dozen are on their way.
#[inline(always)]
pub(crate) fn prefetch_beyond<T: ?Sized>(item: &T, bytes: usize) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: SSE is part of x86-64, and prefetching has no effect on memory whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(item).cast::<i8>().wrapping_add(bytes));
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = (item, bytes);
}

/// The most bytes that any instruction set takes at a time.
const WIDEST: usize = 64;

/// A query of int8 codes from -127 to 127, laid out for the high plane of rows: the components that meet the low bits of its
/// bytes, and those that meet the high bits.
#[derive(Debug)]
pub(crate) struct HighQuery {
    /// Both are padded with zeros to a multiple of [`WIDEST`].
    halves: [Vec<i8>; 2],
    row_bytes: usize,
}

impl HighQuery {
    /// Lays out a query of whole groups.
    pub(crate) fn new(query: &[i8]) -> Self {
        debug_assert!(query.len().is_multiple_of(CODE_LANES));
        let row_bytes = query.len() / 2;
        let half = |number: usize| {
            let groups = query.as_chunks::<CODE_LANES>().0.iter();
            let mut half: Vec<i8> =
                groups.flat_map(|group| &group[number * GROUP_BYTES..][..GROUP_BYTES]).copied().collect();
            half.resize(row_bytes.next_multiple_of(WIDEST), 0);
            half
        };
        Self { halves: [half(0), half(1)], row_bytes }
    }
}

/// Up to [`PANEL`] queries, laid out so that one vector holds the same two components of many queries:
/// `pairs[component / 2][query][component % 2]`.
#[derive(Debug)]
pub(crate) struct Panel {
    pairs: Vec<[[i16; 2]; PANEL]>,
    stride: usize,
    /// Queries in use; the others are zero.
    width: usize,
}

impl Panel {
    /// Packs queries of `stride` numbers each.
    pub(crate) fn new<'a>(queries: impl Iterator<Item = &'a [i16]>, stride: usize) -> Self {
        let mut pairs = vec![[[0; 2]; PANEL]; stride / 2];
        let mut width = 0;
        for query in queries.take(PANEL) {
            for (pair, two) in pairs.iter_mut().zip(query.as_chunks::<2>().0) {
                pair[width] = *two;
            }
            width += 1;
        }
        Self { pairs, stride, width }
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    fn codes(random: &mut Random, count: usize) -> Vec<i8> {
        (0..count).map(|_| (random.below(255) as i64 - 127) as i8).collect()
    }

    /// Both planes of some codes.
    fn planes(codes: &[i8]) -> (Vec<u8>, Vec<u8>) {
        let mut planes = (vec![0; codes.len() / 2], vec![0; codes.len() / 2]);
        planes::split(codes, &mut planes.0, &mut planes.1);
        planes
    }

    #[test]
    fn every_set_divides_codes_alike() {
        let mut random = Random::new(54);
        let strides: &[usize] = if cfg!(miri) { &[32, 96] } else { &[0, 32, 64, 96, 384, 4096, 65_536] };
        for &stride in strides {
            let row = codes(&mut random, stride);
            let ([mut high, mut low], due) = ([(); 2].map(|()| vec![0; stride / 2]), planes(&row));
            let squares = planes::split(&row, &mut high, &mut low);
            for level in Level::all() {
                let mut out = (vec![0xAA; stride / 2], vec![0xAA; stride / 2]);
                assert_eq!(level.split(&row, &mut out.0, &mut out.1), squares, "{level:?}, {stride}");
                assert_eq!(out, due, "{level:?}, {stride}");
            }
        }
    }

    fn queries(random: &mut Random, count: usize, stride: usize) -> Vec<i16> {
        let most = (i64::from(i32::MAX) / 127 / stride as i64).min(32767) as u64;
        (0..count * stride).map(|_| (random.below(2 * most + 1) as i64 - most as i64) as i16).collect()
    }

    #[test]
    fn every_set_gives_the_same_dots() {
        let mut random = Random::new(50);
        let strides: &[usize] = if cfg!(miri) { &[32, 64] } else { &[32, 64, 96, 384, 416, 4096] };
        for &stride in strides {
            for rows in [0, 1, 2, 5, 8, 13, 17] {
                let codes = codes(&mut random, rows * stride);
                let query = queries(&mut random, 1, stride);
                let naive: Vec<i32> = codes
                    .chunks_exact(stride)
                    .map(|row| row.iter().zip(&query).map(|(&c, &q)| i32::from(c) * i32::from(q)).sum())
                    .collect();
                let (high, low) = planes(&codes);
                for level in Level::all() {
                    let mut out = vec![i32::MIN; rows];
                    level.dots(Planes { high: &high, low: &low }, &query, &mut out);
                    assert_eq!(out, naive, "{level:?}, {stride}, {rows} rows");
                }
            }
        }
    }

    #[test]
    fn extremes_do_not_overflow() {
        // The largest sum the contract allows, in both signs.
        let stride = 512;
        let most = (i32::MAX / 127 / stride) as i16;
        for sign in [-1i8, 1] {
            let (high, low) = planes(&vec![127 * sign; stride as usize]);
            let query = vec![most; stride as usize];
            let due = i32::from(sign) * 127 * i32::from(most) * stride;
            for level in Level::all() {
                let mut out = [0];
                level.dots(Planes { high: &high, low: &low }, &query, &mut out);
                assert_eq!(out, [due], "{level:?}");
            }
        }
    }

    #[test]
    fn every_set_gives_the_same_dots_of_high_halves() {
        let mut random = Random::new(53);
        let strides: &[usize] =
            if cfg!(miri) { &[32, 160] } else { &[32, 64, 96, 128, 320, 384, 416, 4096, 65_536] };
        for &stride in strides {
            for rows in [0, 1, 2, 3, 4, 7, 9] {
                // The extremes, too: no sum of 16 bits may overflow on the way.
                let extreme = rows == 4;
                let codes =
                    if extreme { vec![127; rows * stride] } else { codes(&mut random, rows * stride) };
                let query = if extreme { vec![-127; stride] } else { self::codes(&mut random, stride) };
                let (high, _) = planes(&codes);
                let halves = |row: &[i8]| -> i32 {
                    let product = |(&code, &w): (&i8, &i8)| (i32::from(code) + 128) / 16 * i32::from(w);
                    row.iter().zip(&query).map(product).sum()
                };
                let naive: Vec<i32> = codes.chunks_exact(stride).map(halves).collect();
                for level in Level::all() {
                    let mut out = vec![i32::MIN; rows];
                    level.dots_high(&high, &HighQuery::new(&query), &mut out);
                    assert_eq!(out, naive, "{level:?}, {stride}, {rows} rows");
                }
            }
        }
    }

    #[test]
    fn every_set_gives_the_same_panels() {
        let mut random = Random::new(51);
        let strides: &[usize] = if cfg!(miri) { &[32] } else { &[32, 64, 384, 1024] };
        for &stride in strides {
            let widths: &[usize] = if cfg!(miri) { &[3] } else { &[1, 2, 8, 15, 16, 17, 31, 32] };
            for &width in widths {
                for rows in [0, 1, 3, 4, 5, 8, 13, 21] {
                    let codes = codes(&mut random, rows * stride);
                    let queries = queries(&mut random, width, stride);
                    let panel = Panel::new(queries.chunks_exact(stride), stride);
                    assert_eq!(panel.width(), width);
                    let (high, low) = planes(&codes);
                    let codes = Planes { high: &high, low: &low };
                    for level in Level::all() {
                        let mut out = vec![i32::MIN; rows * PANEL];
                        level.dots_panel(codes, &panel, &mut out);
                        for (number, query) in queries.chunks_exact(stride).enumerate() {
                            let mut due = vec![0; rows];
                            portable::dots(codes, query, &mut due);
                            let got: Vec<i32> = out.chunks_exact(PANEL).map(|row| row[number]).collect();
                            assert_eq!(
                                got, due,
                                "{level:?}, {stride}, {rows} rows, query {number} of {width}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn every_set_counts_the_same_bits() {
        let mut random = Random::new(52);
        for words in [1, 2, 5, 6, 7, 8, 9, 16, 23] {
            let bits: Vec<u64> = (0..words * 11).map(|_| random.bits()).collect();
            let query: Vec<u64> = (0..words).map(|_| random.bits()).collect();
            let naive: Vec<u32> = bits
                .chunks_exact(words)
                .map(|row| row.iter().zip(&query).map(|(a, b)| (a ^ b).count_ones()).sum())
                .collect();
            for level in Level::all() {
                let mut out = vec![u32::MAX; 11];
                level.hamming(&bits, &query, &mut out);
                assert_eq!(out, naive, "{level:?}, {words} words");
            }
        }
    }
}
