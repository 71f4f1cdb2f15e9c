//! Plain loops, compiled for the instructions at hand.

use pulp::{Arch, Simd, WithSimd};

/// Runs a closure in a function that is compiled for AVX-512, AVX2 or what else the processor has. The closure, and what it calls, is
/// marked `#[inline(always)]`, or it keeps the instructions that every processor has.
///
/// Not [`Arch::dispatch`] with the closure itself, which takes an `FnOnce`: a closure that could be called twice is called as one
/// through a function of the compiler's own, and that one is not inlined.
pub(crate) fn vectorized<R>(work: impl FnMut() -> R) -> R {
    Arch::new().dispatch(Work(work))
}

struct Work<F>(F);

impl<R, F: FnMut() -> R> WithSimd for Work<F> {
    type Output = R;

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) -> R {
        (self.0)()
    }
}
