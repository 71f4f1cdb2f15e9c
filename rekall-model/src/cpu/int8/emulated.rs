//! The instructions of 64-bit ARM that [`neon`](super::neon) uses, in plain Rust after Arm's descriptions, so that its code can be
//! tested on other processors.
#![cfg(all(test, not(target_arch = "aarch64")))]
#![allow(non_camel_case_types, unsafe_code)]

#[derive(Clone, Copy)]
pub(super) struct int8x8_t([i8; 8]);

#[derive(Clone, Copy)]
pub(super) struct int8x16_t([i8; 16]);

#[derive(Clone, Copy)]
pub(super) struct int16x8_t([i16; 8]);

#[derive(Clone, Copy)]
pub(super) struct int32x4_t([i32; 4]);

#[derive(Clone, Copy)]
pub(super) struct float32x4_t([f32; 4]);

/// Loads 16 numbers.
///
/// # Safety
/// There are as many.
pub(super) unsafe fn vld1q_s8(from: *const i8) -> int8x16_t {
    // SAFETY: the caller answers for it.
    int8x16_t(unsafe { from.cast::<[i8; 16]>().read_unaligned() })
}

/// Stores 4 numbers.
///
/// # Safety
/// There is room for as many.
pub(super) unsafe fn vst1q_f32(to: *mut f32, numbers: float32x4_t) {
    // SAFETY: the caller answers for it.
    unsafe { to.cast::<[f32; 4]>().write_unaligned(numbers.0) };
}

/// The nearest floats.
pub(super) fn vcvtq_f32_s32(numbers: int32x4_t) -> float32x4_t {
    float32x4_t(numbers.0.map(|x| x as f32))
}

/// The number in all lanes.
pub(super) fn vdupq_n_s8(number: i8) -> int8x16_t {
    int8x16_t([number; 16])
}

/// The number in all lanes.
pub(super) fn vdupq_n_s32(number: i32) -> int32x4_t {
    int32x4_t([number; 4])
}

/// The same bits.
pub(super) fn vreinterpretq_s8_s32(numbers: int32x4_t) -> int8x16_t {
    let bytes = numbers.0.map(i32::to_ne_bytes);
    int8x16_t(std::array::from_fn(|i| bytes[i / 4][i % 4] as i8))
}

/// The first 8 of 16 lanes.
pub(super) fn vget_low_s8(numbers: int8x16_t) -> int8x8_t {
    int8x8_t(std::array::from_fn(|i| numbers.0[i]))
}

fn vget_high_s8(numbers: int8x16_t) -> int8x8_t {
    int8x8_t(std::array::from_fn(|i| numbers.0[i + 8]))
}

/// Products, twice as wide.
pub(super) fn vmull_s8(a: int8x8_t, b: int8x8_t) -> int16x8_t {
    int16x8_t(std::array::from_fn(|i| i16::from(a.0[i]) * i16::from(b.0[i])))
}

/// Products, twice as wide, added to others. Where the instruction would wrap around, tests panic.
pub(super) fn vmlal_s8(sum: int16x8_t, a: int8x8_t, b: int8x8_t) -> int16x8_t {
    let products = vmull_s8(a, b);
    int16x8_t(std::array::from_fn(|i| sum.0[i] + products.0[i]))
}

/// The same of the last 8 lanes.
pub(super) fn vmull_high_s8(a: int8x16_t, b: int8x16_t) -> int16x8_t {
    vmull_s8(vget_high_s8(a), vget_high_s8(b))
}

/// The same of the last 8 lanes.
pub(super) fn vmlal_high_s8(sum: int16x8_t, a: int8x16_t, b: int8x16_t) -> int16x8_t {
    vmlal_s8(sum, vget_high_s8(a), vget_high_s8(b))
}

/// Sums of neighbors, twice as wide, added to others.
pub(super) fn vpadalq_s16(sum: int32x4_t, numbers: int16x8_t) -> int32x4_t {
    let pair = |i: usize| i32::from(numbers.0[2 * i]) + i32::from(numbers.0[2 * i + 1]);
    int32x4_t(std::array::from_fn(|i| sum.0[i] + pair(i)))
}

/// Sums of neighbors, those of `a` first.
pub(super) fn vpaddq_s32(a: int32x4_t, b: int32x4_t) -> int32x4_t {
    int32x4_t(std::array::from_fn(|i| {
        let (of, i) = if i < 2 { (a, i) } else { (b, i - 2) };
        of.0[2 * i] + of.0[2 * i + 1]
    }))
}
