//! The limit of the machine: reading every row once, and doing nothing worth the name with them.

use pulp::{Arch, Simd, WithSimd};

/// Rows in memory, in huge pages where the system gives them.
pub(crate) struct ReadLimit {
    rows: Vec<f32>,
    sum: f32,
}

impl ReadLimit {
    pub(crate) fn with_capacity(numbers: usize) -> Self {
        let rows = Vec::with_capacity(numbers);
        advise(&rows);
        Self { rows, sum: 0.0 }
    }

    pub(crate) fn extend(&mut self, rows: &[f32]) {
        self.rows.extend_from_slice(rows);
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.rows.capacity() * size_of::<f32>()
    }

    /// Reads all rows, on so many threads.
    pub(crate) fn read(&mut self, threads: usize) {
        let part = self.rows.len().div_ceil(threads).max(1);
        self.sum += std::thread::scope(|scope| {
            let mut parts = self.rows.chunks(part);
            let own = parts.next().unwrap_or_default();
            let others: Vec<_> = parts.map(|part| scope.spawn(|| Arch::new().dispatch(Sum(part)))).collect();
            let own = Arch::new().dispatch(Sum(own));
            others.into_iter().filter_map(|other| other.join().ok()).sum::<f32>() + own
        });
    }

    /// So that the compiler can't leave the reading out.
    pub(crate) fn sum(&self) -> f32 {
        self.sum
    }
}

/// Asks for huge pages, before the memory is touched.
fn advise(rows: &Vec<f32>) {
    const PAGE: usize = 4096;
    let (start, bytes) = (rows.as_ptr().addr(), rows.capacity() * size_of::<f32>());
    let skip = start.next_multiple_of(PAGE) - start;
    if bytes < skip + PAGE {
        return;
    }
    let at = rows.as_ptr().cast::<u8>().wrapping_add(skip).cast_mut();
    // SAFETY: whole pages within memory that is ours; the advice changes no contents.
    #[cfg(target_os = "linux")]
    unsafe {
        libc::madvise(at.cast(), (bytes - skip) / PAGE * PAGE, libc::MADV_HUGEPAGE);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = at;
}

struct Sum<'a>(&'a [f32]);

impl WithSimd for Sum<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let (vectors, _) = S::as_simd_f32s(self.0);
        let (eights, _) = pulp::as_arrays::<8, _>(vectors);
        let mut sums = [simd.splat_f32s(0.0); 8];
        for eight in eights {
            for (sum, x) in sums.iter_mut().zip(eight) {
                prefetch_beyond(x);
                *sum = simd.add_f32s(*sum, *x);
            }
        }
        sums.into_iter().map(|sum| simd.reduce_sum_f32s(sum)).sum()
    }
}

/// Asks for what comes 16 KiB later: without that, memory is read a tenth slower than it can be.
#[inline(always)]
fn prefetch_beyond<T>(item: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86-64, and prefetching has no effect on memory whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(item).cast::<i8>().wrapping_add(16 << 10));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = item;
}
