//! The kernels in plain Rust: the reference, and what runs where nothing better is.

use super::planes::{join_group, rows};
use super::{CODE_LANES, HighQuery, PANEL, Panel, Planes};

pub(super) fn dots(codes: Planes<'_>, query: &[i16], out: &mut [i32]) {
    if query.is_empty() {
        return out.fill(0);
    }
    let query_lanes = query.as_chunks::<CODE_LANES>().0;
    for (row, out) in rows(codes, query.len() / 2).zip(out) {
        let mut sum = 0i32;
        for ((high, low), query) in row.groups().zip(query_lanes) {
            let codes = join_group(high, low);
            let products = codes.iter().zip(query).map(|(&c, &q)| i32::from(i16::from(c)) * i32::from(q));
            sum += products.sum::<i32>();
        }
        *out = sum;
    }
}

pub(super) fn dots_high(high: &[u8], query: &HighQuery, out: &mut [i32]) {
    let [first, second] = &query.halves;
    for (row, out) in high.chunks_exact(query.row_bytes.max(1)).zip(out) {
        let products = row.iter().zip(first).zip(second).map(|((&byte, &first), &second)| {
            // Sixteen bits hold either product, and their sum.
            i32::from(i16::from(byte & 15) * i16::from(first) + i16::from(byte >> 4) * i16::from(second))
        });
        *out = products.sum();
    }
}

pub(super) fn dots_panel(codes: Planes<'_>, panel: &Panel, out: &mut [i32]) {
    let mut joined = vec![0; panel.stride];
    for (row, out) in rows(codes, panel.stride / 2).zip(out.as_chunks_mut::<PANEL>().0) {
        row.join(&mut joined);
        *out = [0; PANEL];
        for (codes, pair) in joined.as_chunks::<2>().0.iter().zip(&panel.pairs) {
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
