//! Attention, head by head, of some texts whose tokens stand one after another.

use std::ops::Range;

use super::encoder::Sequence;
use super::heads::Heads;
use super::position_bias::PositionBias;
use super::wanted::Wanted;
use super::workspace::AttentionBuffers;
use crate::cpu::{Activation, PackedView, Product, add_scaled, multiply, panel_width, softmax_rows};

/// Query rows scored at a time: enough for the product's tiles, few enough that the scores of long texts stay
/// in cache.
const QUERY_BLOCK: usize = 48;

/// Keys that become columns at a time, where a panel is that wide.
const TURNED: usize = 8;

/// How a layer's heads look at a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attention<'a> {
    pub(super) heads: Heads,
    /// How many tokens to either side a token sees; `None`: the whole text.
    pub(super) reach: Option<usize>,
    /// Whether it sees only itself and the tokens before it.
    pub(super) is_causal: bool,
    /// What is added to the scores.
    pub(super) bias: Option<&'a PositionBias>,
    /// The tokens that look; all are looked at.
    pub(super) wanted: Wanted,
}

impl Attention<'_> {
    /// Some heads of all texts, from the rows of queries, keys and values in `buffers` into the context's columns of
    /// those heads. The context has a row for each token that is wanted.
    pub(super) fn attend(
        self,
        buffers: &mut AttentionBuffers,
        texts: &[Sequence<'_>],
        heads: Range<usize>,
        context: &mut [f32],
    ) {
        let (mut first, mut context) = (0, context);
        for text in texts {
            let end = first + text.ids.len();
            let mut packed = None;
            for head in heads.clone() {
                let keys = Some(self.heads.keys_of(head));
                if packed != keys {
                    self.pack(buffers, first..end, head);
                    packed = keys;
                }
                self.attend_head(buffers, first..end, head, context);
            }
            let looking = self.wanted.of(end - first).len();
            (first, context) = (end, &mut context[looking * self.heads.width()..]);
        }
    }

    /// One head of one text, whose keys and values are packed: softmax(Q Kᵀ / √d + B) V.
    fn attend_head(
        self,
        buffers: &mut AttentionBuffers,
        text: Range<usize>,
        head: usize,
        context: &mut [f32],
    ) {
        let (width, row, size, length) = (self.heads.width(), self.heads.row(), self.heads.size, text.len());
        let panel = panel_width();
        let padded = length.div_ceil(panel) * panel;
        let AttentionBuffers { qkv, keys, values, scores } = buffers;
        let scale = 1.0 / (size as f32).sqrt();
        let queries = self.wanted.of(length);
        for block in queries.clone().step_by(QUERY_BLOCK) {
            let rows = QUERY_BLOCK.min(queries.end - block);
            // The tokens that any of these rows sees, from the first of a panel on.
            let seen =
                self.seen(block, length).start / panel * panel..self.seen(block + rows - 1, length).end;
            let stride = (seen.len().div_ceil(panel) * panel).min(padded);
            let scores = scores.sized(QUERY_BLOCK.min(length) * padded);
            let scores = &mut scores[..rows * stride];
            multiply(Product {
                a: &qkv[(text.start + block) * row + head * size..],
                a_stride: row,
                rows,
                b: PackedView { panels: &keys[seen.start * size..][..stride * size], k: size, n: stride },
                bias: None,
                activation: Activation::None,
                out: scores,
                out_stride: stride,
                room: None,
            });
            let mut scale = scale;
            if let Some(bias) = self.bias {
                for (row, scores) in scores.chunks_exact_mut(stride).enumerate() {
                    let (bias, factor) = bias.of(head, block + row, seen.clone());
                    add_scaled(scores, scale, bias, factor);
                }
                scale = 1.0;
            }
            softmax_rows(scores, stride, scale, |row| {
                let own = self.seen(block + row, length);
                own.start - seen.start..own.end - seen.start
            });
            // Each panel of the values is a matrix of its own, of which these rows are used.
            for (index, first) in (0..size).step_by(panel).enumerate() {
                let panels = &values[(index * length + seen.start) * panel..][..seen.len() * panel];
                multiply(Product {
                    a: scores,
                    a_stride: stride,
                    rows,
                    b: PackedView { panels, k: seen.len(), n: panel.min(size - first) },
                    bias: None,
                    activation: Activation::None,
                    out: &mut context[(block - queries.start) * width + head * size + first..],
                    out_stride: width,
                    room: None,
                });
            }
        }
    }

    /// What a head looks at: keys as the columns of a packed matrix of as many rows as a head has numbers, values as a packed
    /// matrix with a row for each token; padding is zero.
    fn pack(self, buffers: &mut AttentionBuffers, text: Range<usize>, head: usize) {
        let (size, length) = (self.heads.size, text.len());
        let panel = panel_width();
        let AttentionBuffers { qkv, keys, values, .. } = buffers;
        let columns = self.heads.columns(head..head + 1);
        let row_of =
            |token: usize, part: usize| (text.start + token) * self.heads.row() + columns[part].start;
        let padded = length.div_ceil(panel) * panel;
        let keys = keys.sized(padded * size);
        for (index, target) in keys.chunks_exact_mut(panel * size).enumerate() {
            for lane in (0..panel).step_by(TURNED) {
                let first = index * panel + lane;
                let lanes = lane..panel.min(lane + TURNED);
                if lanes.len() == TURNED && first + TURNED <= length {
                    let rows: [&[f32]; TURNED] =
                        std::array::from_fn(|i| &qkv[row_of(first + i, 1)..][..size]);
                    for (t, target) in target.chunks_exact_mut(panel).enumerate() {
                        let target = &mut target[lanes.clone()];
                        target.iter_mut().zip(rows).for_each(|(x, row)| *x = row[t]);
                    }
                } else {
                    for (t, target) in target.chunks_exact_mut(panel).enumerate() {
                        for (token, x) in (first..).zip(&mut target[lanes.clone()]) {
                            *x = if token < length { qkv[row_of(token, 1) + t] } else { 0.0 };
                        }
                    }
                }
            }
        }
        let panels = size.div_ceil(panel);
        let values = values.sized(panels * panel * length);
        for token in 0..length {
            let row = &qkv[row_of(token, 2)..][..size];
            for (index, part) in row.chunks(panel).enumerate() {
                let target = &mut values[(index * length + token) * panel..][..panel];
                target[..part.len()].copy_from_slice(part);
                target[part.len()..].fill(0.0);
            }
        }
    }

    /// The tokens that a token sees.
    fn seen(self, token: usize, length: usize) -> Range<usize> {
        let reach = self.reach.unwrap_or(length);
        let last = if self.is_causal { token } else { token.saturating_add(reach).min(length - 1) };
        token.saturating_sub(reach)..last + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One head after the textbook, in `f64`.
    fn expected(attention: Attention<'_>, qkv: &[f32], text: Range<usize>, head: usize) -> Vec<f64> {
        let Attention { heads, bias, is_causal, .. } = attention;
        let size = heads.size;
        let of = |token: usize, part: usize| {
            // Queries, keys and values, of which the last two may be fewer.
            let start = match part {
                0 => head,
                _ => heads.count + (part - 1) * heads.keys + head * heads.keys / heads.count,
            };
            let start = ((text.start + token) * (heads.count + 2 * heads.keys) + start) * size;
            qkv[start..start + size].iter().map(|&x| f64::from(x))
        };
        let mut rows = Vec::new();
        for query in 0..text.len() {
            let score = |key: usize| {
                let product = of(query, 0).zip(of(key, 1)).map(|(q, k)| q * k).sum::<f64>();
                let bias = bias.map(|bias| bias.of(head, query, key..key + 1));
                let added = bias.map_or(0.0, |(numbers, factor)| f64::from(numbers[0] * factor));
                product / (size as f64).sqrt() + added
            };
            let near = |key: &usize| {
                attention.reach.is_none_or(|reach| key.abs_diff(query) <= reach)
                    && (*key <= query || !is_causal)
            };
            let keys: Vec<usize> = (0..text.len()).filter(near).collect();
            let powers: Vec<f64> = keys.iter().map(|&key| score(key).exp()).collect();
            let sum: f64 = powers.iter().sum();
            let mut row = vec![0.0; size];
            for (&key, power) in keys.iter().zip(&powers) {
                row.iter_mut().zip(of(key, 2)).for_each(|(x, value)| *x += power / sum * value);
            }
            rows.extend(row);
        }
        rows
    }

    #[test]
    fn every_token_sees_exactly_what_is_within_reach() {
        let mut state = 7_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 4_194_304.0 - 2.0
        };
        for (count, keys, size) in [(2, 2, 16), (3, 3, 12), (1, 1, 80), (6, 2, 8), (4, 1, 20)] {
            let heads = Heads { count, keys, size };
            for (reach, has_bias, is_causal) in [None, Some(0), Some(1), Some(8), Some(64), Some(1_000)]
                .into_iter()
                .flat_map(|reach| [(reach, false, false), (reach, true, false), (reach, false, true)])
            {
                let bias = has_bias.then(|| PositionBias::of_slopes(count, 160));
                let lengths = [1, 2, 17, 48, 49, 97, 160];
                let tokens: usize = lengths.iter().sum();
                let mut buffers = AttentionBuffers::default();
                buffers.qkv.sized(tokens * heads.row()).iter_mut().for_each(|x| *x = next());
                let qkv = buffers.qkv.to_vec();
                let ids = vec![0; 160];
                let texts: Vec<_> = lengths.iter().map(|&length| Sequence::of(&ids[..length])).collect();
                for wanted in [Wanted::All, Wanted::First, Wanted::Last] {
                    let attention = Attention { heads, reach, is_causal, bias: bias.as_ref(), wanted };
                    let mut context = vec![f32::NAN; wanted.count(&texts) * heads.width()];
                    attention.attend(&mut buffers, &texts, 0..count, &mut context);
                    let (mut first, mut at) = (0, 0);
                    for length in lengths {
                        for head in 0..count {
                            let expected = expected(attention, &qkv, first..first + length, head);
                            for (row, token) in wanted.of(length).enumerate() {
                                let got = &context[(at + row) * heads.width() + head * size..][..size];
                                for (x, &y) in expected[token * size..][..size].iter().zip(got) {
                                    let case = (heads, reach, length, wanted, token);
                                    assert!((x - f64::from(y)).abs() < 1e-5, "{case:?}: {x} {y}");
                                }
                            }
                        }
                        first += length;
                        at += wanted.of(length).len();
                    }
                }
            }
        }
    }
}
