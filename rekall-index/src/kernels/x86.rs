//! The kernels for x86-64: AVX2, AVX-512BW, AVX-512 VNNI.
//!
//! Whole codes are widened to 16 bits and multiplied in pairs (`vpmaddwd`; with VNNI `vpdpwssd`, which also adds). Sixteen bits for
//! the query, rather than eight, keep its quantization out of the error bound. High halves have no precision to lose, so
//! there the query has eight (`vpmaddubsw`; with VNNI `vpdpbusd`).

use std::arch::x86_64::*;

use super::planes::rows;
use super::{GROUP_BYTES, HighQuery, PANEL, Panel, Planes, WIDEST, prefetch_beyond};

/// How far ahead of their use codes are asked for, a line beside each line read.
const AHEAD_BYTES: usize = 8 * 1024;

/// The codes of one group, in order.
#[inline]
#[target_feature(enable = "avx2")]
fn join32(high: &[u8; GROUP_BYTES], low: &[u8; GROUP_BYTES]) -> __m256i {
    // SAFETY: 16 bytes are readable in either; the loads need no alignment.
    let (high, low) =
        unsafe { (_mm_loadu_si128(high.as_ptr().cast()), _mm_loadu_si128(low.as_ptr().cast())) };
    let (low_bits, high_bits) = (_mm_set1_epi8(0x0F), _mm_set1_epi8(-16));
    // Shifts are of 16 bits: the masks take away what comes from the neighbor.
    let first =
        _mm_or_si128(_mm_and_si128(_mm_slli_epi16::<4>(high), high_bits), _mm_and_si128(low, low_bits));
    let second =
        _mm_or_si128(_mm_and_si128(high, high_bits), _mm_and_si128(_mm_srli_epi16::<4>(low), low_bits));
    _mm256_xor_si256(_mm256_set_m128i(second, first), _mm256_set1_epi8(i8::MIN))
}

/// Divides codes into planes.
#[target_feature(enable = "avx2")]
pub(super) fn split(codes: &[i8], high: &mut [u8], low: &mut [u8]) -> u32 {
    let planes = high.as_chunks_mut::<GROUP_BYTES>().0.iter_mut().zip(low.as_chunks_mut::<GROUP_BYTES>().0);
    let (low_bits, high_bits, sign) = (_mm_set1_epi8(0x0F), _mm_set1_epi8(-16), _mm_set1_epi8(i8::MIN));
    let mut squares = _mm_setzero_si128();
    for (codes, (high, low)) in codes.as_chunks::<16>().0.as_chunks::<2>().0.iter().zip(planes) {
        let [first, second] = codes.each_ref().map(|half| {
            // SAFETY: 16 bytes are readable; the load needs no alignment.
            _mm_xor_si128(unsafe { _mm_loadu_si128(half.as_ptr().cast()) }, sign)
        });
        // Shifts are of 16 bits: the masks take away what comes from the neighbor.
        let high_plane = _mm_or_si128(
            _mm_and_si128(_mm_srli_epi16::<4>(first), low_bits),
            _mm_and_si128(second, high_bits),
        );
        let low_plane = _mm_or_si128(
            _mm_and_si128(first, low_bits),
            _mm_and_si128(_mm_slli_epi16::<4>(second), high_bits),
        );
        // SAFETY: 16 bytes may be written in either; the stores need no alignment.
        unsafe {
            _mm_storeu_si128(high.as_mut_ptr().cast(), high_plane);
            _mm_storeu_si128(low.as_mut_ptr().cast(), low_plane);
        }
        for half in [first, second] {
            let half = _mm_and_si128(half, low_bits);
            let off = _mm_abs_epi8(_mm_sub_epi8(_mm_add_epi8(half, half), _mm_set1_epi8(15)));
            let products = _mm_madd_epi16(_mm_maddubs_epi16(off, off), _mm_set1_epi16(1));
            squares = _mm_add_epi32(squares, products);
        }
    }
    sum8(_mm256_zextsi128_si256(squares)).cast_unsigned()
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
pub(super) fn dots_avx2(codes: Planes<'_>, query: &[i16], out: &mut [i32]) {
    let (pairs, _) = query.as_chunks::<16>().0.as_chunks::<2>();
    for (row, out) in rows(codes, query.len() / 2).zip(out) {
        row.prefetch_beyond(AHEAD_BYTES);
        let mut sums = [_mm256_setzero_si256(); 2];
        for ((high, low), query) in row.groups().zip(pairs) {
            let codes = join32(high, low);
            let halves = [_mm256_castsi256_si128(codes), _mm256_extracti128_si256::<1>(codes)];
            for i in 0..2 {
                let products = _mm256_madd_epi16(_mm256_cvtepi8_epi16(halves[i]), load16(&query[i]));
                sums[i] = _mm256_add_epi32(sums[i], products);
            }
        }
        *out = sum8(_mm256_add_epi32(sums[0], sums[1]));
    }
}

/// The scans of AVX-512, which differ in how they multiply and add.
macro_rules! dots_512 {
    ($name:ident, $features:literal, $multiply_add:expr) => {
        #[target_feature(enable = $features)]
        pub(super) fn $name(codes: Planes<'_>, query: &[i16], out: &mut [i32]) {
            let query = query.as_chunks::<32>().0;
            let (query2, query1) = query.as_chunks::<2>();
            for (row, out) in rows(codes, query.len() * GROUP_BYTES).zip(out) {
                row.prefetch_beyond(AHEAD_BYTES);
                let [(high2, high1), (low2, low1)] =
                    [row.high, row.low].map(|plane| plane.as_chunks::<GROUP_BYTES>().0.as_chunks::<2>());
                // Two sums hide the latency of the multiply-add.
                let mut sums = [_mm512_setzero_si512(); 2];
                for ((high, low), query) in high2.iter().zip(low2).zip(query2) {
                    for i in 0..2 {
                        let codes = _mm512_cvtepi8_epi16(join32(&high[i], &low[i]));
                        sums[i] = $multiply_add(sums[i], codes, load32(&query[i]));
                    }
                }
                if let ([high], [low], [query]) = (high1, low1, query1) {
                    let codes = _mm512_cvtepi8_epi16(join32(high, low));
                    sums[0] = $multiply_add(sums[0], codes, load32(query));
                }
                *out = _mm512_reduce_add_epi32(_mm512_add_epi32(sums[0], sums[1]));
            }
        }
    };
}

dots_512!(dots_avx512, "avx512f,avx512bw", |sum, x, q| _mm512_add_epi32(sum, _mm512_madd_epi16(x, q)));
dots_512!(dots_vnni, "avx512f,avx512bw,avx512vnni", |sum, x, q| _mm512_dpwssd_epi32(sum, x, q));

/// Bytes times codes of a query, in pairs: at most 2 × 15 × 127 in size, so no sum of four of them leaves 16 bits.
#[target_feature(enable = "avx2")]
pub(super) fn dots_high_avx2(high: &[u8], query: &HighQuery, out: &mut [i32]) {
    const LANES: usize = 32;
    let [first, second] = query.halves.each_ref().map(|half| half.as_chunks::<LANES>().0);
    let multiply = |sum, bytes, first: &[i8; LANES], second: &[i8; LANES]| {
        let mask = _mm256_set1_epi8(0x0F);
        // SAFETY: 32 bytes are readable in either; the loads need no alignment.
        let (first, second) = unsafe {
            (_mm256_loadu_si256(first.as_ptr().cast()), _mm256_loadu_si256(second.as_ptr().cast()))
        };
        let low = _mm256_maddubs_epi16(_mm256_and_si256(bytes, mask), first);
        let high = _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16::<4>(bytes), mask), second);
        let products = _mm256_madd_epi16(_mm256_add_epi16(low, high), _mm256_set1_epi16(1));
        _mm256_add_epi32(sum, products)
    };
    for (row, out) in high.chunks_exact(query.row_bytes.max(1)).zip(out) {
        let (whole, rest) = row.as_chunks::<LANES>();
        let mut sum = _mm256_setzero_si256();
        for (bytes, (first, second)) in whole.iter().zip(first.iter().zip(second)) {
            prefetch_beyond(bytes, AHEAD_BYTES);
            // SAFETY: 32 bytes are readable; the load needs no alignment.
            let bytes = unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) };
            sum = multiply(sum, bytes, first, second);
        }
        if let ([group], _) = rest.as_chunks::<GROUP_BYTES>() {
            // SAFETY: 16 bytes are readable; the load needs no alignment.
            let bytes = _mm256_zextsi128_si256(unsafe { _mm_loadu_si128(group.as_ptr().cast()) });
            sum = multiply(sum, bytes, &first[whole.len()], &second[whole.len()]);
        }
        *out = sum8(sum);
    }
}

/// The scans of high halves with AVX-512, which differ in how they multiply and add.
macro_rules! dots_high_512 {
    ($name:ident, $features:literal, $multiply_add:expr) => {
        #[target_feature(enable = $features)]
        pub(super) fn $name(high: &[u8], query: &HighQuery, out: &mut [i32]) {
            let [first, second] = query.halves.each_ref().map(|half| half.as_chunks::<WIDEST>().0);
            let multiply = |sums: [__m512i; 2], bytes, first: &[i8; WIDEST], second: &[i8; WIDEST]| {
                let mask = _mm512_set1_epi8(0x0F);
                // SAFETY: 64 bytes are readable in either; the loads need no alignment.
                let (first, second) = unsafe {
                    (_mm512_loadu_si512(first.as_ptr().cast()), _mm512_loadu_si512(second.as_ptr().cast()))
                };
                let low = _mm512_and_si512(bytes, mask);
                let high = _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), mask);
                [$multiply_add(sums[0], low, first), $multiply_add(sums[1], high, second)]
            };
            for (row, out) in high.chunks_exact(query.row_bytes.max(1)).zip(out) {
                let (whole, rest) = row.as_chunks::<WIDEST>();
                let mut sums = [_mm512_setzero_si512(); 2];
                for (bytes, (first, second)) in whole.iter().zip(first.iter().zip(second)) {
                    prefetch_beyond(bytes, AHEAD_BYTES);
                    // SAFETY: 64 bytes are readable; the load needs no alignment.
                    let bytes = unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) };
                    sums = multiply(sums, bytes, first, second);
                }
                if !rest.is_empty() {
                    let mask = (1u64 << rest.len()) - 1;
                    // SAFETY: a masked load reads the lanes of its mask only, and those are as many as there are bytes.
                    let bytes = unsafe { _mm512_maskz_loadu_epi8(mask, rest.as_ptr().cast()) };
                    sums = multiply(sums, bytes, &first[whole.len()], &second[whole.len()]);
                }
                *out = _mm512_reduce_add_epi32(_mm512_add_epi32(sums[0], sums[1]));
            }
        }
    };
}

dots_high_512!(dots_high_avx512, "avx512f,avx512bw", |sum, x, q| {
    _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_maddubs_epi16(x, q), _mm512_set1_epi16(1)))
});
dots_high_512!(dots_high_vnni, "avx512f,avx512bw,avx512vnni", |sum, x, q| _mm512_dpbusd_epi32(sum, x, q));

/// Widens some rows into `pairs`, which has room for them. Cheap beside what follows: one pass for all queries.
#[inline]
#[target_feature(enable = "avx2")]
fn widen(codes: Planes<'_>, pairs: &mut [[i16; 2]]) {
    for ((high, low), pairs) in codes.groups().zip(pairs.as_chunks_mut::<GROUP_BYTES>().0) {
        let codes = join32(high, low);
        let halves = [_mm256_castsi256_si128(codes), _mm256_extracti128_si256::<1>(codes)];
        for (half, pairs) in halves.into_iter().zip(pairs.as_chunks_mut::<8>().0) {
            // SAFETY: 8 pairs are 32 bytes that may be written; the store needs no alignment.
            unsafe { _mm256_storeu_si256(pairs.as_mut_ptr().cast(), _mm256_cvtepi8_epi16(half)) };
        }
    }
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
        pub(super) fn $name(codes: Planes<'_>, panel: &Panel, out: &mut [i32]) {
            let row_bytes = panel.stride / 2;
            // A pair for each byte of a plane.
            let mut pairs = vec![[0; 2]; $rows * row_bytes];
            let mut outs = out.chunks_exact_mut($rows * PANEL);
            for (codes, out) in rows(codes, $rows * row_bytes).zip(outs.by_ref()) {
                widen(codes, &mut pairs);
                $tile::<$rows>(&pairs, panel, out);
            }
            let rest = outs.into_remainder();
            let tail = codes.last(rest.len() / PANEL * row_bytes);
            for (codes, out) in rows(tail, row_bytes).zip(rest.chunks_exact_mut(PANEL)) {
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
