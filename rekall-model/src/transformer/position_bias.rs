//! What an attention's scores have added for the distance between two tokens.

use std::ops::Range;

/// Numbers for each distance, and which of them a head takes.
#[derive(Debug)]
pub(super) struct PositionBias {
    /// For each table, its numbers from the distance `1 - positions` to `positions - 1`.
    tables: Vec<f32>,
    /// Of each head: its table, and what that table's numbers are multiplied by.
    heads: Vec<(usize, f32)>,
    positions: usize,
}

/// Buckets for either direction hold the distances below this one by one.
const MAX_DISTANCE: usize = 128;

impl PositionBias {
    /// A learned number for each bucket (a row) and head, for texts of up to `positions` tokens.
    pub(super) fn of_buckets(buckets: &[f32], heads: usize, positions: usize) -> Self {
        let count = buckets.len() / heads;
        let mut tables = Vec::with_capacity(heads * (2 * positions - 1));
        for head in 0..heads {
            let before = (1..positions).rev().map(|distance| bucket(distance, false, count));
            let after = (1..positions).map(|distance| bucket(distance, true, count));
            let all = before.chain([0]).chain(after);
            tables.extend(all.map(|bucket| buckets[bucket * heads + head]));
        }
        Self { tables, heads: (0..heads).map(|head| (head, 1.0)).collect(), positions }
    }

    /// A head's slope times the distance, in both directions alike (ALiBi).
    pub(super) fn of_slopes(heads: usize, positions: usize) -> Self {
        let distances = (0..2 * positions - 1).map(|at| -(at.abs_diff(positions - 1) as f32));
        Self {
            tables: distances.collect(),
            heads: slopes(heads).into_iter().map(|slope| (0, slope)).collect(),
            positions,
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        size_of_val(&*self.tables) + size_of_val(&*self.heads)
    }

    /// The numbers for a token's distances to some others, and what they are multiplied by.
    pub(super) fn of(&self, head: usize, token: usize, others: Range<usize>) -> (&[f32], f32) {
        let (table, factor) = self.heads[head];
        let middle = table * (2 * self.positions - 1) + self.positions - 1;
        (&self.tables[middle + others.start - token..][..others.len()], factor)
    }
}

/// The class of a distance: half of the classes are for tokens that come after; of each half, the first half is for one
/// distance each, the others for ranges that grow, the last one without an end.
fn bucket(distance: usize, is_after: bool, count: usize) -> usize {
    let half = count / 2;
    let exact = half / 2;
    let class = if distance < exact {
        distance
    } else {
        // In `f32`, as the reference rounds; `as` takes the whole part.
        let growth = (distance as f32 / exact as f32).ln() / (MAX_DISTANCE as f64 / exact as f64).ln() as f32;
        (exact + (growth * (half - exact) as f32) as usize).min(half - 1)
    };
    if is_after { half + class } else { class }
}

/// Each head's slope: a geometric series; where the heads are no power of two, that of the largest power below, and every
/// other one of the next.
fn slopes(heads: usize) -> Vec<f32> {
    let series =
        |count: usize| (1..=count).map(move |number| (-8.0 * number as f64 / count as f64).exp2() as f32);
    let below = if heads.is_power_of_two() { heads } else { heads.next_power_of_two() / 2 };
    series(below).chain(series(2 * below).step_by(2)).take(heads).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_distances_have_a_class_each_and_far_ones_share_the_last() {
        let before: Vec<usize> = [0, 1, 7, 8, 11, 12, 15, 16, 22, 23, 90, 91, 127, 128, 10_000]
            .map(|distance| bucket(distance, false, 32))
            .into();
        assert_eq!(before, [0, 1, 7, 8, 8, 9, 9, 10, 10, 11, 14, 15, 15, 15, 15]);
        assert!((0..500).all(|distance| bucket(distance, true, 32) == bucket(distance, false, 32) + 16));
        // A row of four tokens, seen from the second: classes 1, 0, 17, 18.
        let buckets: Vec<f32> = (0..64).map(|number| number as f32).collect();
        let bias = PositionBias::of_buckets(&buckets, 2, 4);
        assert_eq!(bias.of(0, 1, 0..4), (&[2.0, 0.0, 34.0, 36.0][..], 1.0));
        assert_eq!(bias.of(1, 3, 1..4), (&[5.0, 3.0, 1.0][..], 1.0));
    }

    #[test]
    fn slopes_of_any_number_of_heads() {
        assert_eq!(slopes(8), [0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625]);
        let twelve = slopes(12);
        assert_eq!(twelve[..8], slopes(8));
        for (slope, exponent) in twelve[8..].iter().zip([-0.5_f32, -1.5, -2.5, -3.5]) {
            assert!((slope - exponent.exp2()).abs() < 1e-7);
        }
        assert_eq!(slopes(1), [1.0 / 256.0]);
        let bias = PositionBias::of_slopes(2, 3);
        assert_eq!(bias.of(1, 2, 0..3), (&[-2.0, -1.0, 0.0][..], 1.0 / 256.0));
    }
}
