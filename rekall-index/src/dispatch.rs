//! Which instructions searches use: the best the machine has, unless a test or a bench asks for fewer.

use pulp::Arch;

/// Families of instruction sets, each with what the ones before it have.
#[cfg_attr(
    not(any(test, feature = "testing")),
    allow(unreachable_pub, reason = "public for tests and benches")
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Simd {
    /// What every processor of the target has.
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512, with VNNI where the processor has it.
    Avx512,
}

/// The widest family searches may use.
#[cfg(not(any(test, feature = "testing")))]
pub(crate) const fn limit() -> Simd {
    Simd::Avx512
}

#[cfg(any(test, feature = "testing"))]
pub(crate) use limited::limit;
#[cfg(any(test, feature = "testing"))]
pub use limited::limit_simd;

#[cfg(any(test, feature = "testing"))]
mod limited {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::Simd;

    static LIMIT: AtomicU8 = AtomicU8::new(Simd::Avx512 as u8);

    /// Keeps all searches of this process from now on to instructions up to `most`, as if the processor had no more: to test
    /// and to measure on one machine what runs on another. Results don't depend on it, only time does. (faer is
    /// not bound by it: while it is set, batches of any size are multiplied by this crate's own code.)
    pub fn limit_simd(most: Simd) {
        LIMIT.store(most as u8, Ordering::Relaxed);
    }

    pub(crate) fn limit() -> Simd {
        match LIMIT.load(Ordering::Relaxed) {
            0 => Simd::Portable,
            1 => Simd::Avx2,
            _ => Simd::Avx512,
        }
    }
}

/// How `f32` code is to be compiled.
pub(crate) fn arch() -> Arch {
    #[cfg(target_arch = "x86_64")]
    if limit() == Simd::Avx2
        && let Some(avx2) = pulp::x86::V3::try_new()
    {
        return Arch::V3(avx2);
    }
    if limit() == Simd::Portable { Arch::Scalar } else { Arch::new() }
}
