//! Registers of each width, so that tests see the code for all of them.
#![cfg(test)]

use pulp::{Arch, Scalar, WithSimd};

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
