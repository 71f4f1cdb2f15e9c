//! What the tests of this folder share: registers of each width, numbers, and functions in `f64`.
#![cfg(test)]

use pulp::{Arch, Scalar, WithSimd};

use super::buffer::Buffer;

/// Registers that code is run with.
#[derive(Debug, Clone, Copy)]
pub(super) enum Width {
    /// What this machine has.
    Widest,
    /// A number at a time.
    One,
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
}

impl Width {
    /// Those that this machine can run.
    pub(super) fn all() -> Vec<Self> {
        let mut all = vec![Self::Widest, Self::One];
        #[cfg(target_arch = "x86_64")]
        all.extend(pulp::x86::V3::try_new().map(Self::Avx2));
        all
    }

    pub(super) fn run<W: WithSimd>(self, work: W) -> W::Output {
        match self {
            Self::Widest => Arch::new().dispatch(work),
            Self::One => work.with_simd(Scalar::new()),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => pulp::Simd::vectorize(avx2, work),
        }
    }
}

/// Room that another product has left.
pub(super) fn stale_room() -> Buffer {
    let mut room = Buffer::default();
    room.sized(100_000).fill(f32::NAN);
    room
}

/// Numbers from −1 to 1, the same for the same seed.
pub(super) fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        })
        .collect()
}

/// The error function by its Taylor series, for |x| up to 5.
pub(super) fn exact_erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        let n = f64::from(n);
        term *= -x * x / n;
        sum += term / (2.0 * n + 1.0);
    }
    sum * std::f64::consts::FRAC_2_SQRT_PI
}

pub(super) fn exact_gelu(x: f64) -> f64 {
    x / 2.0 * (1.0 + exact_erf(x / 2.0_f64.sqrt()))
}

pub(super) fn exact_gelu_tanh(x: f64) -> f64 {
    let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x * x * x);
    x / 2.0 * (1.0 + u.tanh())
}

pub(super) fn exact_silu(x: f64) -> f64 {
    x / (1.0 + (-x).exp())
}
