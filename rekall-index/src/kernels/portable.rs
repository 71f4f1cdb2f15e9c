//! The kernels in plain Rust: the reference, and what runs where nothing better is.

use super::{CODE_LANES, PANEL, Panel};

pub(super) fn dots(codes: &[i8], query: &[i16], out: &mut [i32]) {
    if query.is_empty() {
        return out.fill(0);
    }
    let query_lanes = query.as_chunks::<CODE_LANES>().0;
    for (row, out) in codes.chunks_exact(query.len()).zip(out) {
        let mut sum = 0i32;
        for (codes, query) in row.as_chunks::<CODE_LANES>().0.iter().zip(query_lanes) {
            let products = codes.iter().zip(query).map(|(&c, &q)| i32::from(i16::from(c)) * i32::from(q));
            sum += products.sum::<i32>();
        }
        *out = sum;
    }
}

pub(super) fn dots_panel(codes: &[i8], panel: &Panel, out: &mut [i32]) {
    for (row, out) in codes.chunks_exact(panel.stride.max(1)).zip(out.as_chunks_mut::<PANEL>().0) {
        *out = [0; PANEL];
        for (codes, pair) in row.as_chunks::<2>().0.iter().zip(&panel.pairs) {
            let (first, second) = (i32::from(codes[0]), i32::from(codes[1]));
            for (sum, query) in out.iter_mut().zip(pair) {
                *sum += first * i32::from(query[0]) + second * i32::from(query[1]);
            }
        }
    }
}

pub(super) fn hamming(bits: &[u64], query: &[u64], out: &mut [u32]) {
    for (row, out) in bits.chunks_exact(query.len().max(1)).zip(out) {
        *out = row.iter().zip(query).map(|(a, b)| (a ^ b).count_ones()).sum();
    }
}
