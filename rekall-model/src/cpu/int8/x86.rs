//! The kernels of x86-64. The `unsafe` code of eight-bit products is here and nowhere else: calls of functions for
//! instructions that were detected, and loads and stores of arrays of a register's size.
#![cfg(target_arch = "x86_64")]
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::super::pack::panel_width;
use super::kernel::Tile;
use super::pack::GROUP;

/// Proof that the processor has AVX2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Avx2(());

/// Proof that the processor has AVX-512 with VNNI, and that panels are of two of its registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Vnni(());

/// Bytes of a block of a panel that two AVX-512 registers hold: 32 columns.
const WIDE: usize = 128;

/// The same for AVX2: 16 columns.
const NARROW: usize = 64;

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        let is_whole = (panel_width() * GROUP).is_multiple_of(NARROW);
        (is_whole && is_x86_feature_detected!("avx2")).then_some(Self(()))
    }

    pub(super) fn sum(self, tile: &Tile<'_>, out: &mut [f32]) {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe {
            match tile.height {
                1 => avx2::<1>(tile, out),
                2 => avx2::<2>(tile, out),
                3 => avx2::<3>(tile, out),
                _ => avx2::<4>(tile, out),
            }
        }
    }
}

impl Vnni {
    pub(super) fn detect() -> Option<Self> {
        let is_whole = panel_width() * GROUP == WIDE;
        let has_instructions = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni");
        (is_whole && has_instructions).then_some(Self(()))
    }

    pub(super) fn sum(self, tile: &Tile<'_>, out: &mut [f32]) {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe {
            match tile.height {
                1 => vnni::<1>(tile, out),
                2 => vnni::<2>(tile, out),
                3 => vnni::<3>(tile, out),
                4 => vnni::<4>(tile, out),
                5 => vnni::<5>(tile, out),
                6 => vnni::<6>(tile, out),
                7 => vnni::<7>(tile, out),
                8 => vnni::<8>(tile, out),
                9 => vnni::<9>(tile, out),
                10 => vnni::<10>(tile, out),
                11 => vnni::<11>(tile, out),
                _ => vnni::<12>(tile, out),
            }
        }
    }
}

/// Four numbers of a row that meet a group of the panel's, as one integer.
#[inline(always)]
fn joined(group: [i8; GROUP]) -> i32 {
    i32::from_le_bytes(group.map(|x| x as u8))
}

/// The instruction multiplies numbers without a sign by numbers with one, four pairs at a time. The rows come with
/// 128 added to each number, which is the same as its highest bit flipped, and the sums begin so much lower.
#[target_feature(enable = "avx512f,avx512vnni")]
fn vnni<const H: usize>(tile: &Tile<'_>, out: &mut [f32]) {
    let blocks = tile.panel.as_chunks::<WIDE>().0;
    let rows = tile.rows.as_chunks::<H>().0;
    let (first, second) = tile.offsets.split_at(WIDE / 8);
    let start = [first, &second[..WIDE / 8]].map(|half| {
        // SAFETY: there are 16 numbers of four bytes, and the instruction asks for no alignment.
        let offset = unsafe { _mm512_loadu_si512(half.as_ptr().cast()) };
        _mm512_sub_epi32(_mm512_setzero_si512(), offset)
    });
    let mut sums = [start; H];
    for (block, groups) in blocks.iter().zip(rows) {
        // SAFETY: a block has twice 64 bytes, and the instruction asks for no alignment.
        let (first, second) = unsafe {
            (_mm512_loadu_si512(block.as_ptr().cast()), _mm512_loadu_si512(block[WIDE / 2..].as_ptr().cast()))
        };
        for i in 0..H {
            let x = _mm512_set1_epi32(joined(groups[i]));
            sums[i][0] = _mm512_dpbusd_epi32(sums[i][0], x, first);
            sums[i][1] = _mm512_dpbusd_epi32(sums[i][1], x, second);
        }
    }
    // A loop of a number of turns known to the compiler. Otherwise it would keep the sums in memory for this loop's sake, in the one
    // above, too, which then takes twice as long.
    let out = out.as_chunks_mut::<{ WIDE / 8 }>().0;
    let out = &mut out[..2 * H];
    for i in 0..H {
        for half in 0..2 {
            let floats = _mm512_cvtepi32_ps(sums[i][half]);
            // SAFETY: there are 16 numbers of four bytes, and the instruction asks for no alignment.
            unsafe { _mm512_storeu_ps(out[2 * i + half].as_mut_ptr(), floats) };
        }
    }
}

/// The instruction adds two products in 16 bits, which hold them because no activation is −128: twice 127 · 128 is 32,512. The
/// sign goes from the weight to the activation, as one of them must have none; without it −128 has a place in eight bits.
#[target_feature(enable = "avx2")]
fn avx2<const H: usize>(tile: &Tile<'_>, out: &mut [f32]) {
    let ones = _mm256_set1_epi16(1);
    let parts = tile.width * GROUP / NARROW;
    let blocks = tile.panel.as_chunks::<NARROW>().0;
    let rows = tile.rows.as_chunks::<H>().0;
    for part in 0..parts {
        let mut sums = [[_mm256_setzero_si256(); 2]; H];
        for (block, groups) in blocks.iter().skip(part).step_by(parts).zip(rows) {
            // SAFETY: a block has twice 32 bytes, and the instruction asks for no alignment.
            let halves = unsafe {
                [
                    _mm256_loadu_si256(block.as_ptr().cast()),
                    _mm256_loadu_si256(block[NARROW / 2..].as_ptr().cast()),
                ]
            };
            let sizes = [_mm256_abs_epi8(halves[0]), _mm256_abs_epi8(halves[1])];
            for i in 0..H {
                let x = _mm256_set1_epi32(joined(groups[i]));
                for (sum, (y, size)) in sums[i].iter_mut().zip(halves.into_iter().zip(sizes)) {
                    let pairs = _mm256_maddubs_epi16(size, _mm256_sign_epi8(x, y));
                    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(pairs, ones));
                }
            }
        }
        for (sums, out) in sums.iter().zip(out.chunks_exact_mut(tile.width)) {
            let out = &mut out[part * NARROW / 4..][..NARROW / 4];
            let (halves, _) = out.as_chunks_mut::<{ NARROW / 8 }>();
            for (sum, half) in sums.iter().zip(halves) {
                // SAFETY: there are 8 numbers of four bytes, and the instruction asks for no alignment.
                unsafe { _mm256_storeu_ps(half.as_mut_ptr(), _mm256_cvtepi32_ps(*sum)) };
            }
        }
    }
}
