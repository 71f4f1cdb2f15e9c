//! Asking for memory before it is needed.
#![allow(unsafe_code)]

/// Bytes of a cache line, on most processors.
pub(super) const LINE: usize = 64;

/// Asks the processor to load numbers into its second-level cache, a line at a time. Only the time changes;
/// on processors for which Rust has no such instruction it does nothing.
#[inline(always)]
pub(super) fn prefetch<T>(numbers: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in numbers.chunks(LINE / size_of::<T>()) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: the address is one of the slice's; the instruction reads nothing and cannot fault.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = numbers;
}
