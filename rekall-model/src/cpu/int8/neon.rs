//! The kernel of 64-bit ARM, whose instructions every such processor has. Its `unsafe` code is loads and stores of arrays of a
//! register's size.
//!
//! On other processors the tests run this very code with the instructions in plain Rust ([`emulated`](super::emulated)).
#![cfg(any(target_arch = "aarch64", test))]
#![allow(unsafe_code)]

#[cfg(target_arch = "aarch64")]
use std::arch::aarch64::*;

use super::super::pack::panel_width;
#[cfg(not(target_arch = "aarch64"))]
use super::emulated::*;
use super::kernel::Tile;
use super::pack::GROUP;

/// Proof that panels are of whole blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Neon(());

/// Bytes of a block of a panel that two registers hold: 8 columns.
const BLOCK: usize = 32;

/// The same for one register.
const HALF: usize = 16;

impl Neon {
    pub(super) fn detect() -> Option<Self> {
        (panel_width() * GROUP).is_multiple_of(BLOCK).then_some(Self(()))
    }

    pub(super) fn sum(self, tile: &Tile<'_>, out: &mut [f32]) {
        // SAFETY: every 64-bit ARM processor has these instructions; elsewhere they are functions.
        unsafe {
            match tile.height {
                1 => neon::<1>(tile, out),
                2 => neon::<2>(tile, out),
                3 => neon::<3>(tile, out),
                _ => neon::<4>(tile, out),
            }
        }
    }
}

/// Two products are added in 16 bits, which hold them because no activation is −128: twice 127 · 128 is 32,512. So the sums
/// of two groups are taken before they are widened. A lane has half of a column's sum, and two neighbors are added at the end.
///
/// # Safety
/// The processor has NEON.
#[cfg_attr(target_arch = "aarch64", target_feature(enable = "neon"))]
unsafe fn neon<const H: usize>(tile: &Tile<'_>, out: &mut [f32]) {
    let parts = tile.width * GROUP / BLOCK;
    let blocks = tile.panel.as_chunks::<BLOCK>().0;
    let rows = tile.rows.as_chunks::<H>().0;
    let count = rows.len();
    for part in 0..parts {
        let mut sums = [[vdupq_n_s32(0); 4]; H];
        let block = |group: usize| &blocks[group * parts + part];
        for group in (0..count).step_by(2) {
            // The last group of an odd number of them is multiplied alone.
            let has_second = group + 1 < count;
            let first = halves(block(group));
            let second = if has_second { halves(block(group + 1)) } else { [vdupq_n_s8(0); 2] };
            for i in 0..H {
                let x = repeated(rows[group][i]);
                let z = if has_second { repeated(rows[group + 1][i]) } else { vdupq_n_s8(0) };
                for half in 0..2 {
                    let low = vmull_s8(vget_low_s8(x), vget_low_s8(first[half]));
                    let low = vmlal_s8(low, vget_low_s8(z), vget_low_s8(second[half]));
                    let high = vmull_high_s8(x, first[half]);
                    let high = vmlal_high_s8(high, z, second[half]);
                    sums[i][2 * half] = vpadalq_s16(sums[i][2 * half], low);
                    sums[i][2 * half + 1] = vpadalq_s16(sums[i][2 * half + 1], high);
                }
            }
        }
        for (sums, out) in sums.iter().zip(out.chunks_exact_mut(tile.width)) {
            let (first, second) = out[part * BLOCK / 4..][..BLOCK / 4].split_at_mut(HALF / 4);
            // SAFETY: each half has 4 numbers of four bytes, and the instruction asks for no alignment.
            unsafe {
                vst1q_f32(first.as_mut_ptr(), vcvtq_f32_s32(vpaddq_s32(sums[0], sums[1])));
                vst1q_f32(second.as_mut_ptr(), vcvtq_f32_s32(vpaddq_s32(sums[2], sums[3])));
            }
        }
    }
}

/// Four columns of a block, and the other four.
#[inline]
#[cfg_attr(target_arch = "aarch64", target_feature(enable = "neon"))]
fn halves(block: &[i8; BLOCK]) -> [int8x16_t; 2] {
    // SAFETY: a block has twice 16 bytes, and the instruction asks for no alignment.
    unsafe { [vld1q_s8(block.as_ptr()), vld1q_s8(block[HALF..].as_ptr())] }
}

/// A row's group for each column.
#[inline]
#[cfg_attr(target_arch = "aarch64", target_feature(enable = "neon"))]
fn repeated(group: [i8; GROUP]) -> int8x16_t {
    vreinterpretq_s8_s32(vdupq_n_s32(i32::from_ne_bytes(group.map(|x| x as u8))))
}
