//! Vectors to test with: repeatable, unit length.

use crate::similarity::dot_f64;

/// A small repeatable generator (SplitMix64: Steele, Lea and Flood, 2014); the seed is all its state.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A generator whose numbers depend on the seed alone.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is at least 1.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.bits() % bound
    }

    /// A number from -1 to 1.
    pub fn signed(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    /// A unit vector of any direction.
    pub fn unit(&mut self, dimensions: usize) -> Vec<f32> {
        let mut row: Vec<f32> = (0..dimensions).map(|_| self.signed()).collect();
        normalize(&mut row);
        row
    }

    /// A unit vector near another: `spread` is the size of the change to each component.
    pub fn near(&mut self, center: &[f32], spread: f32) -> Vec<f32> {
        let mut row: Vec<f32> = center.iter().map(|x| x + spread * self.signed()).collect();
        normalize(&mut row);
        row
    }
}

/// `count` unit vectors, one after the other.
#[must_use]
pub fn unit_rows(random: &mut Random, count: usize, dimensions: usize) -> Vec<f32> {
    (0..count).flat_map(|_| random.unit(dimensions)).collect()
}

/// Scales to unit length; a vector too short for that becomes the first axis.
pub(crate) fn normalize(row: &mut [f32]) {
    let norm = dot_f64(row, row).sqrt();
    if norm < 1e-12 {
        row.fill(0.0);
        row[0] = 1.0;
    } else {
        row.iter_mut().for_each(|x| *x = (f64::from(*x) / norm) as f32);
    }
}
