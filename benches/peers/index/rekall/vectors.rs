//! Vectors that behave as a sentence model's do, from a seed.
//!
//! Independent random numbers would mislead: all of them lie equally far apart, so that bounds leave much to rescore and sign
//! bits tell little. Here a vector is a common direction, plus what its topic, its subtopic and its nearest neighbors share,
//! plus its own; each part has the decaying spectrum of real embeddings. The constants were fitted to all-MiniLM-L6-v2
//! on 50,000 WordNet glosses (384 dimensions, 200 held-out queries); medians, glosses | these vectors:
//!
//! | | glosses | these |
//! | --- | --- | --- |
//! | similarity of rank 1, 10, 100 | .69, .54, .42 | .72, .50, .37 |
//! | norm of the mean | .25 | .27 |
//! | variance in the first 8, 64, 256 directions | .16, .55, .96 | .18, .61, .95 |
//! | rows int8 leaves to rescore for 10 (90th percentile) | 13 (17) | 13 (16) |
//! | recall@10 of sign bits, 100, 500, 1000 rescored | .978, .999, 1.000 | .978, .998, 1.000 |

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use rekall_index::testing::Random;

/// Norm of the part all vectors share.
const COMMON: f32 = 0.25;
/// For topics, subtopics and near neighbors: the share of a typical vector's variance, and how many vectors have it in
/// common.
const LEVELS: [(f32, u64); 3] = [(0.25, 1500), (0.25, 120), (0.4, 5)];
/// An outlier shares this much of what a typical vector shares.
const OUTLIER: f32 = 0.4;

/// Writes `rows` vectors of `dimensions` numbers, little-endian `f32`, one after the other.
pub(crate) fn write(file: &Path, rows: usize, dimensions: usize, seed: u64) -> std::io::Result<()> {
    let generator = Generator::new(rows, dimensions, seed);
    // Another name until it is whole, so that an interrupted run leaves no half file behind.
    let part = file.with_extension("part");
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&part)?);
    let mut random = Random::new(seed);
    for _ in 0..rows {
        for x in generator.vector(&mut random) {
            out.write_all(&x.to_le_bytes())?;
        }
    }
    out.flush()?;
    std::fs::rename(part, file)
}

struct Generator {
    rows: u64,
    seed: u64,
    /// Standard deviation along each direction, before the rotation.
    spectrum: Vec<f32>,
    common: Vec<f32>,
    rotation: Rotation,
}

impl Generator {
    fn new(rows: usize, dimensions: usize, seed: u64) -> Self {
        let variance = |i: f32| i.powf(-0.4) * (-i / (0.42 * dimensions as f32)).exp();
        let variances: Vec<f32> = (1..=dimensions).map(|i| variance(i as f32)).collect();
        let sum: f32 = variances.iter().sum();
        let spectrum = variances.iter().map(|variance| (variance / sum).sqrt()).collect();
        let mut random = Random::new(!seed);
        let common = random.unit(dimensions).iter().map(|x| x * COMMON).collect();
        Self { rows: rows as u64, seed, spectrum, common, rotation: Rotation::new(dimensions, &mut random) }
    }

    fn vector(&self, random: &mut Random) -> Vec<f32> {
        let typical = OUTLIER + (1.0 - OUTLIER) * uniform(random);
        // A place on a line; topics are stretches of it, of uneven length, subtopics stretches of those.
        let place = f64::from(uniform(random)).powf(1.5);
        let mut own = 1.0;
        let mut vector = vec![0.0; self.spectrum.len()];
        for (level, &(share, size)) in LEVELS.iter().enumerate() {
            let groups = (self.rows / size).max(1);
            let group = (place * groups as f64) as u64;
            // The group's vector is rebuilt for each member: cheaper than keeping hundreds of thousands of them.
            let mut theirs = Random::new(self.seed ^ ((level as u64 + 1) << 40 | group));
            theirs.bits();
            self.add(&mut vector, &mut theirs, share * typical);
            own -= share * typical;
        }
        self.add(&mut vector, random, own);
        self.rotation.apply(&mut vector);
        let rest = (1.0 - COMMON * COMMON).sqrt();
        vector.iter_mut().zip(&self.common).for_each(|(x, common)| *x = *x * rest + common);
        let norm = vector.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        vector.iter_mut().for_each(|x| *x = (f64::from(*x) / norm) as f32);
        vector
    }

    /// Adds normal numbers with the spectrum and a total variance of `share`.
    fn add(&self, vector: &mut [f32], random: &mut Random, share: f32) {
        let scale = share.sqrt();
        vector.iter_mut().zip(&self.spectrum).for_each(|(x, sd)| *x += scale * sd * normal(random));
    }
}

/// From 0 to 1.
fn uniform(random: &mut Random) -> f32 {
    (random.signed() + 1.0) / 2.0
}

/// Close to normal, mean 0 and variance 1: four uniform numbers out of one draw.
fn normal(random: &mut Random) -> f32 {
    let bits = random.bits();
    let sum: u64 = (0..4).map(|part| bits >> (16 * part) & 0xFFFF).sum();
    // Four numbers from 0 to 65535: mean 2 × 65535, variance 65536² / 3.
    (sum as f32 - 131_070.0) * (3f32.sqrt() / 65_536.0)
}

/// A fixed rotation that mixes all components: random signs and Walsh-Hadamard transforms (Ailon and Chazelle, 2009) of
/// the first and of the last components, in turn.
struct Rotation {
    signs: Vec<f32>,
    block: usize,
}

impl Rotation {
    const ROUNDS: usize = 4;

    fn new(dimensions: usize, random: &mut Random) -> Self {
        let signs = (0..Self::ROUNDS * dimensions).map(|_| random.signed().signum()).collect();
        Self { signs, block: 1 << dimensions.ilog2() }
    }

    fn apply(&self, vector: &mut [f32]) {
        let (dimensions, block) = (vector.len(), self.block);
        for (round, signs) in self.signs.chunks_exact(dimensions).enumerate() {
            vector.iter_mut().zip(signs).for_each(|(x, sign)| *x *= sign);
            let start = if round % 2 == 0 { 0 } else { dimensions - block };
            hadamard(&mut vector[start..start + block]);
        }
    }
}

fn hadamard(x: &mut [f32]) {
    let mut half = 1;
    while half < x.len() {
        for pair in x.chunks_exact_mut(2 * half) {
            let (left, right) = pair.split_at_mut(half);
            for (a, b) in left.iter_mut().zip(right) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
    let scale = 1.0 / (x.len() as f32).sqrt();
    x.iter_mut().for_each(|x| *x *= scale);
}
