//! The kernels for x86-64: AVX2, AVX-512BW, AVX-512 VNNI.
//!
//! Codes are widened to 16 bits and multiplied in pairs (`vpmaddwd`; with VNNI `vpdpwssd`, which also adds). Sixteen bits for
//! the query, rather than the eight that `vpdpbusd` would take, keep its quantization out of the error bound; the
//! scan waits for memory in any case.

use std::arch::x86_64::*;

use super::{PANEL, Panel, prefetch_beyond};

/// How far ahead of their use codes are asked for, a line beside each line read.
const AHEAD_BYTES: usize = 8 * 1024;

/// Loads 16 codes, widened. Needs AVX2.
#[inline]
#[target_feature(enable = "avx2")]
fn widen16(codes: &[i8; 16]) -> __m256i {
    // SAFETY: 16 bytes are readable; the load needs no alignment.
    _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(codes.as_ptr().cast()) })
}

/// Loads 32 codes, widened.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn widen32(codes: &[i8; 32]) -> __m512i {
    // SAFETY: 32 bytes are readable; the load needs no alignment.
    _mm512_cvtepi8_epi16(unsafe { _mm256_loadu_si256(codes.as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx2")]
fn load16(query: &[i16; 16]) -> __m256i {
    // SAFETY: 32 bytes are readable; the load needs no alignment.
    unsafe { _mm256_loadu_si256(query.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load32(query: &[i16; 32]) -> __m512i {
    // SAFETY: 64 bytes are readable; the load needs no alignment.
    unsafe { _mm512_loadu_si512(query.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn sum8(lanes: __m256i) -> i32 {
    let four = _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256::<1>(lanes));
    let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b01_00_11_10>(four));
    _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<0b10_11_00_01>(two)))
}

#[target_feature(enable = "avx2")]
pub(super) fn dots_avx2(codes: &[i8], query: &[i16], out: &mut [i32]) {
    let query = query.as_chunks::<16>().0;
    let (query4, query1) = query.as_chunks::<4>();
    for (row, out) in codes.chunks_exact((query.len() * 16).max(1)).zip(out) {
        let mut sums = [_mm256_setzero_si256(); 4];
        let (row4, row1) = row.as_chunks::<16>().0.as_chunks::<4>();
        for (codes, query) in row4.iter().zip(query4) {
            prefetch_beyond(codes, AHEAD_BYTES);
            for i in 0..4 {
                let products = _mm256_madd_epi16(widen16(&codes[i]), load16(&query[i]));
                sums[i] = _mm256_add_epi32(sums[i], products);
            }
        }
        for (i, (codes, query)) in row1.iter().zip(query1).enumerate() {
            sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(widen16(codes), load16(query)));
        }
        let halves = [_mm256_add_epi32(sums[0], sums[1]), _mm256_add_epi32(sums[2], sums[3])];
        *out = sum8(_mm256_add_epi32(halves[0], halves[1]));
    }
}

/// The scans of AVX-512, which differ in how they multiply and add.
macro_rules! dots_512 {
    ($name:ident, $features:literal, $multiply_add:expr) => {
        #[target_feature(enable = $features)]
        pub(super) fn $name(codes: &[i8], query: &[i16], out: &mut [i32]) {
            let query = query.as_chunks::<32>().0;
            let (query4, query1) = query.as_chunks::<4>();
            for (row, out) in codes.chunks_exact((query.len() * 32).max(1)).zip(out) {
                // Four sums hide the latency of the multiply-add.
                let mut sums = [_mm512_setzero_si512(); 4];
                let (row4, row1) = row.as_chunks::<32>().0.as_chunks::<4>();
                for (codes, query) in row4.iter().zip(query4) {
                    for i in 0..4 {
                        if i % 2 == 0 {
                            prefetch_beyond(&codes[i], AHEAD_BYTES);
                        }
                        sums[i] = $multiply_add(sums[i], widen32(&codes[i]), load32(&query[i]));
                    }
                }
                for (i, (codes, query)) in row1.iter().zip(query1).enumerate() {
                    sums[i] = $multiply_add(sums[i], widen32(codes), load32(query));
                }
                let halves = [_mm512_add_epi32(sums[0], sums[1]), _mm512_add_epi32(sums[2], sums[3])];
                *out = _mm512_reduce_add_epi32(_mm512_add_epi32(halves[0], halves[1]));
            }
        }
    };
}

dots_512!(dots_avx512, "avx512f,avx512bw", |sum, x, q| _mm512_add_epi32(sum, _mm512_madd_epi16(x, q)));
dots_512!(dots_vnni, "avx512f,avx512bw,avx512vnni", |sum, x, q| _mm512_dpwssd_epi32(sum, x, q));

/// A row's codes in pairs, widened: what a tile broadcasts.
type Pairs = Vec<[i16; 2]>;

/// Widens some rows into `pairs`. Cheap beside what follows: one pass for all queries.
fn widen(codes: &[i8], pairs: &mut Pairs) {
    pairs.clear();
    pairs.extend(codes.as_chunks::<2>().0.iter().map(|&[a, b]| [i16::from(a), i16::from(b)]));
}

/// One pair of a row, as the 32 bits that a tile broadcasts.
///
/// # Safety
/// `component` must be below the row's length.
#[inline(always)]
unsafe fn pair(row: &[[i16; 2]], component: usize) -> i32 {
    // SAFETY: by the contract. Checked, it would cost as much as the multiplications.
    let [a, b] = unsafe { *row.get_unchecked(component) };
    // Little-endian, as x86 is: the first component in the low half.
    i32::from(a) & 0xFFFF | i32::from(b) << 16
}

/// Runs a tile kernel over groups of `R` rows, then over what is left one row at a time.
macro_rules! panel_kernel {
    ($name:ident, $tile:ident, $features:literal, $rows:literal) => {
        #[target_feature(enable = $features)]
        pub(super) fn $name(codes: &[i8], panel: &Panel, out: &mut [i32]) {
            let mut pairs = Pairs::with_capacity($rows * panel.stride / 2);
            let mut groups = codes.chunks_exact($rows * panel.stride);
            let mut outs = out.chunks_exact_mut($rows * PANEL);
            for (codes, out) in groups.by_ref().zip(outs.by_ref()) {
                widen(codes, &mut pairs);
                $tile::<$rows>(&pairs, panel, out);
            }
            let rest = groups.remainder().chunks_exact(panel.stride);
            for (codes, out) in rest.zip(outs.into_remainder().chunks_exact_mut(PANEL)) {
                widen(codes, &mut pairs);
                $tile::<1>(&pairs, panel, out);
            }
        }
    };
}

panel_kernel!(dots_panel_avx2, tile_avx2, "avx2", 4);
panel_kernel!(dots_panel_avx512, tile_avx512, "avx512f,avx512bw", 8);
panel_kernel!(dots_panel_vnni, tile_vnni, "avx512f,avx512bw,avx512vnni", 8);

/// `R` rows against the panel, 16 queries at a time.
#[inline]
#[target_feature(enable = "avx2")]
fn tile_avx2<const R: usize>(pairs: &[[i16; 2]], panel: &Panel, out: &mut [i32]) {
    let length = panel.pairs.len();
    let rows: [&[[i16; 2]]; R] = std::array::from_fn(|r| &pairs[r * length..][..length]);
    for first in (0..panel.width).step_by(16) {
        let mut sums = [[_mm256_setzero_si256(); 2]; R];
        for (component, queries) in (0..length).zip(&panel.pairs) {
            // SAFETY: `first` is 0 or 16, so 16 pairs (64 bytes) from it lie within the 32.
            let q: [__m256i; 2] = unsafe {
                let at = queries.as_ptr().add(first).cast::<__m256i>();
                [_mm256_loadu_si256(at), _mm256_loadu_si256(at.add(1))]
            };
            for r in 0..R {
                // SAFETY: each row is `length` long.
                let x = _mm256_set1_epi32(unsafe { pair(rows[r], component) });
                for v in 0..2 {
                    sums[r][v] = _mm256_add_epi32(sums[r][v], _mm256_madd_epi16(x, q[v]));
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            let out = &mut out[r * PANEL + first..][..16];
            // SAFETY: `out` is 16 numbers, 64 bytes.
            unsafe {
                let at = out.as_mut_ptr().cast::<__m256i>();
                _mm256_storeu_si256(at, sums[0]);
                _mm256_storeu_si256(at.add(1), sums[1]);
            }
        }
    }
}

/// The tiles of AVX-512, which differ in how they multiply and add.
macro_rules! tile_512 {
    ($name:ident, $features:literal, $multiply_add:expr) => {
        /// `R` rows against the panel, 16 or 32 queries at once.
        #[inline]
        #[target_feature(enable = $features)]
        fn $name<const R: usize>(pairs: &[[i16; 2]], panel: &Panel, out: &mut [i32]) {
            #[inline]
            #[target_feature(enable = $features)]
            fn run<const R: usize, const V: usize>(pairs: &[[i16; 2]], panel: &Panel, out: &mut [i32]) {
                let length = panel.pairs.len();
                let rows: [&[[i16; 2]]; R] = std::array::from_fn(|r| &pairs[r * length..][..length]);
                let mut sums = [[_mm512_setzero_si512(); V]; R];
                for (component, queries) in (0..length).zip(&panel.pairs) {
                    let mut q = [_mm512_setzero_si512(); V];
                    for (v, q) in q.iter_mut().enumerate() {
                        // SAFETY: V is at most 2, so 16 pairs (64 bytes) from 16 v lie within the 32.
                        *q = unsafe { _mm512_loadu_si512(queries.as_ptr().add(16 * v).cast()) };
                    }
                    for r in 0..R {
                        // SAFETY: each row is `length` long.
                        let x = _mm512_set1_epi32(unsafe { pair(rows[r], component) });
                        for v in 0..V {
                            sums[r][v] = $multiply_add(sums[r][v], x, q[v]);
                        }
                    }
                }
                for (r, sums) in sums.iter().enumerate() {
                    for (v, sum) in sums.iter().enumerate() {
                        let out = &mut out[r * PANEL + 16 * v..][..16];
                        // SAFETY: `out` is 16 numbers, 64 bytes.
                        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), *sum) };
                    }
                }
            }
            if panel.width > 16 { run::<R, 2>(pairs, panel, out) } else { run::<R, 1>(pairs, panel, out) }
        }
    };
}

tile_512!(tile_avx512, "avx512f,avx512bw", |sum, x, q| _mm512_add_epi32(sum, _mm512_madd_epi16(x, q)));
tile_512!(tile_vnni, "avx512f,avx512bw,avx512vnni", |sum, x, q| _mm512_dpwssd_epi32(sum, x, q));

#[target_feature(enable = "popcnt")]
pub(super) fn hamming_popcnt(bits: &[u64], query: &[u64], out: &mut [u32]) {
    for (row, out) in bits.chunks_exact(query.len().max(1)).zip(out) {
        // `count_ones` is the `popcnt` instruction here.
        *out = row.iter().zip(query).map(|(a, b)| (a ^ b).count_ones()).sum();
    }
}

#[target_feature(enable = "avx512f,avx512vpopcntdq")]
pub(super) fn hamming_avx512(bits: &[u64], query: &[u64], out: &mut [u32]) {
    let (full, tail) = query.as_chunks::<8>();
    let mask = (1u8 << tail.len()) - 1;
    let load = |words: &[u64; 8]| {
        // SAFETY: 64 bytes are readable; the load needs no alignment.
        unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
    };
    let load_tail = |words: &[u64]| {
        // SAFETY: a masked load reads the lanes of its mask only, and those are as many as the tail has words.
        unsafe { _mm512_maskz_loadu_epi64(mask, words.as_ptr().cast()) }
    };
    let query_tail = load_tail(tail);
    for (row, out) in bits.chunks_exact(query.len().max(1)).zip(out) {
        let (row, row_tail) = row.as_chunks::<8>();
        let mut sum = _mm512_popcnt_epi64(_mm512_xor_si512(load_tail(row_tail), query_tail));
        for (row, query) in row.iter().zip(full) {
            sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_xor_si512(load(row), load(query))));
        }
        *out = _mm512_reduce_add_epi64(sum) as u32;
    }
}
