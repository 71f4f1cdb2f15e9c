//! Rotary positions: the numbers of a query or key are taken as points of planes, and each is turned by an angle that grows
//! with the token's position. After Su et al., "RoFormer" (2021).

use std::ops::Range;
use std::sync::OnceLock;

use crate::cpu::rotate_rows;
use crate::transformer::encoder::Sequence;
use crate::transformer::heads::Heads;

/// Positions whose angles are computed together, when the first text reaches them.
const CHUNK: usize = 256;

/// The angles of all positions.
#[derive(Debug)]
pub(super) struct Rotary {
    /// Of each plane, the radians from one position to the next.
    speeds: Vec<f32>,
    /// Cosines and sines: for each position those of all planes, one after the other.
    chunks: Vec<OnceLock<Box<[f32]>>>,
}

impl Rotary {
    /// For heads of `size` numbers, half of which are the first coordinates of the planes, and texts of up to `positions`
    /// tokens.
    pub(super) fn new(theta: f64, size: usize, positions: usize) -> Self {
        Self::scaled(theta, 1.0, size, positions)
    }

    /// The same with NTK-aware scaling, for texts `factor` times longer than those that the network was first trained
    /// with: slow planes are slowed down by the factor, the fastest hardly. After Su, "Transformer upgrade road 16" (2023).
    pub(super) fn scaled(theta: f64, factor: f64, size: usize, positions: usize) -> Self {
        let slower = factor.powf(2.0 / size as f64) as f32;
        // As the reference rounds: the angles of a distant token depend on it.
        let speed = |plane: usize| {
            let exponent = (2 * plane) as f32 / size as f32;
            1.0 / (theta * factor).powf(f64::from(exponent)) as f32 / slower
        };
        Self {
            speeds: (0..size / 2).map(speed).collect(),
            chunks: (0..positions.div_ceil(CHUNK)).map(|_| OnceLock::new()).collect(),
        }
    }

    /// Turns the queries of some heads, and the keys that they look at, in rows of queries, keys and values.
    pub(super) fn turn(&self, qkv: &mut [f32], heads: Heads, texts: &[Sequence<'_>], part: Range<usize>) {
        let (row, [queries, keys, _]) = (heads.row(), heads.columns(part));
        let mut first = 0;
        for text in texts {
            let length = text.ids.len();
            for (index, start) in (0..length).step_by(CHUNK).enumerate() {
                let rows = CHUNK.min(length - start);
                let rows = &mut qkv[(first + start) * row..][..rows * row];
                for columns in [queries.clone(), keys.clone()] {
                    rotate_rows(rows, row, columns, heads.size, self.chunk(index));
                }
            }
            first += length;
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        size_of_val(&*self.speeds)
            + self.chunks.iter().filter_map(OnceLock::get).map(|chunk| size_of_val(&**chunk)).sum::<usize>()
    }

    fn chunk(&self, index: usize) -> &[f32] {
        self.chunks[index].get_or_init(|| {
            let mut numbers = Vec::with_capacity(CHUNK * 2 * self.speeds.len());
            for position in index * CHUNK..(index + 1) * CHUNK {
                // Rounded to `f32` before the functions are taken, as the reference does.
                let angles = self.speeds.iter().map(|speed| f64::from(position as f32 * speed));
                numbers.extend(angles.clone().map(|angle| angle.cos() as f32));
                numbers.extend(angles.map(|angle| angle.sin() as f32));
            }
            numbers.into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turned_product_depends_on_the_distance_alone() {
        const SIZE: usize = 8;
        let rotary = Rotary::new(10_000.0, SIZE, 700);
        let ids = vec![0; 700];
        let vector = |seed: usize| (0..SIZE).map(move |i| ((i * 7 + seed * 5) % 11) as f32 - 5.0);
        // Two heads; the same query and the same key at each position.
        let row: Vec<f32> = (1..=6).flat_map(vector).collect();
        let mut qkv = row.repeat(700);
        rotary.turn(&mut qkv, Heads::own(2, SIZE), &[Sequence::of(&ids)], 1..2);
        let product = |query: usize, key: usize| -> f32 {
            let at = |token: usize, part: usize| &qkv[token * 6 * SIZE + part * SIZE..][..SIZE];
            at(query, 1).iter().zip(at(key, 3)).map(|(q, k)| q * k).sum()
        };
        for distance in [0, 1, 17, 300] {
            for start in [1, 255, 256, 399] {
                let difference = product(start, start + distance) - product(0, distance);
                assert!(difference.abs() < 2e-2, "{start} {distance}: {difference}");
            }
        }
        assert!((product(0, 300) - product(0, 0)).abs() > 1.0);
        // The first position is not turned, and neither are other heads, nor values.
        assert_eq!(qkv[..6 * SIZE], row);
        let last = &qkv[699 * 6 * SIZE..];
        for part in [0, 2, 4, 5] {
            assert_eq!(last[part * SIZE..][..SIZE], row[part * SIZE..][..SIZE], "{part}");
        }
    }
}
