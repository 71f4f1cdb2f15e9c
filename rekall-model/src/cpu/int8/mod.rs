//! Matrix products of eight-bit integers: a scale for each column of the weights, and one for each row of activations.
//!
//! Both are rounded to −127…127, or the weights were rounded by others to −128…127, and their products summed in 32 bits, which
//! loses nothing. So the sums are the same
//! numbers on every instruction set, in whatever order a kernel takes them; a float is made only of the whole sum.

mod emulated;
mod kernel;
mod neon;
mod pack;
mod quantize;
mod x86;

use pulp::{Arch, Simd, WithSimd};

use super::buffer::Buffer;
use super::gemm::{Product, Target, finish, load};
use super::prefetch::{LINE, prefetch};
use super::tiles::{Aligned, MOST_ROWS, Tiles, blocks};
use kernel::{Kernel, MAX_WIDTH, Tile};
use quantize::QuantizedRows;

pub(crate) use pack::{Int8View, PackedInt8};

/// From so many tiles on the next panel is prefetched.
const PREFETCHING_TILES: usize = 8;

/// Computes a product. The rows of `a` are rounded first, each by its largest number.
///
/// # Panics
/// If a slice is shorter than the sizes say: a bug in this crate.
pub(crate) fn multiply_int8(product: Product<'_, Int8View<'_>>) {
    multiply_with(Kernel::best(), product);
}

fn multiply_with(kernel: Kernel, product: Product<'_, Int8View<'_>>) {
    Arch::new().dispatch(WithKernel { kernel, product });
}

struct WithKernel<'a> {
    kernel: Kernel,
    product: Product<'a, Int8View<'a>>,
}

impl WithSimd for WithKernel<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Product { a, a_stride, rows, b, bias, activation, out, out_stride, room } = self.product;
        if rows == 0 {
            return;
        }
        let mut own = Buffer::default();
        let room = room.unwrap_or(&mut own);
        for block in blocks(rows) {
            let rows = block.len();
            let tiles = Tiles::of(rows, self.kernel.height());
            let a = &a[block.start * a_stride..];
            let rounded = QuantizedRows::of(a, a_stride, b.k, tiles, self.kernel.flipped(), room);
            let out = &mut out[block.start * out_stride..][..(rows - 1) * out_stride + b.n];
            let target = Target { out, stride: out_stride, bias, activation };
            multiply_rows(simd, self.kernel, &rounded, tiles, b, target);
        }
    }
}

#[inline(always)]
fn multiply_rows<S: Simd>(
    simd: S,
    kernel: Kernel,
    a: &QuantizedRows<'_>,
    tiles: Tiles,
    b: Int8View<'_>,
    target: Target<'_>,
) {
    let width = 2 * S::F32_LANES;
    let mut sums = Aligned([0.0; MOST_ROWS * MAX_WIDTH]);
    for (index, panel) in b.panels.chunks_exact(b.panel_length()).enumerate() {
        let column = index * width;
        let columns = column..b.n.min(column + width);
        let scales = load(simd, &b.scales[columns.clone()]);
        let bias = target.bias.map(|bias| &bias[columns.clone()]);
        let offsets = &b.offsets[column..column + width];
        // While this panel is multiplied the next one is prefetched, a part of it with each tile. With few tiles these parts would
        // be so large that what is needed now waits behind them.
        let following = &b.panels[(index + 1) * b.panel_length()..];
        let following = &following[..b.panel_length().min(following.len())];
        let following = if tiles.count < PREFETCHING_TILES { &[] } else { following };
        let mut ahead = following.chunks(b.panel_length().div_ceil(tiles.count).next_multiple_of(LINE));
        for tile in tiles.ranges() {
            if let Some(numbers) = ahead.next() {
                prefetch(numbers);
            }
            let sums = &mut sums.0[..tile.len() * width];
            kernel.sum(&Tile { rows: a.tile(&tile), height: tile.len(), panel, width, offsets }, sums);
            for (row, sums) in tile.zip(sums.chunks_exact(width)) {
                let row_scale = simd.splat_f32s(a.scales[row]);
                let sums = load(simd, sums);
                let first = simd.mul_f32s(sums[0], simd.mul_f32s(row_scale, scales[0]));
                let second = simd.mul_f32s(sums[1], simd.mul_f32s(row_scale, scales[1]));
                let out = &mut target.out[row * target.stride..][columns.clone()];
                finish(simd, out, [first, second], bias, target.activation);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::gemm::Activation;
    use super::super::pack::panel_width;
    use super::super::testing::{exact_gelu, numbers, stale_room};
    use super::*;

    fn packed(k: usize, n: usize, rows: &[f32]) -> PackedInt8 {
        let mut packed = PackedInt8::zeros(k, n).unwrap();
        packed.set_columns(0, rows);
        packed
    }

    fn product(kernel: Kernel, a: &[f32], b: &PackedInt8, bias: &[f32], activation: Activation) -> Vec<f32> {
        let b = b.view();
        let rows = a.len() / b.k;
        let mut out = vec![2.0; rows * b.n];
        let bias = Some(bias);
        let (a_stride, out_stride, out_rows) = (b.k, b.n, &mut out);
        multiply_with(
            kernel,
            Product { a, a_stride, rows, b, bias, activation, out: out_rows, out_stride, room: None },
        );
        out
    }

    #[test]
    fn every_kernel_gives_the_same_bits_as_the_textbook() {
        for (m, k, n) in [
            (1, 1, 1),
            (5, 7, 3),
            (12, 32, 32),
            (13, 33, 31),
            (70, 64, 100),
            (25, 384, 96),
            (3, 1536, 40),
            (270, 18, 33),
        ] {
            let (a, w, bias) = (numbers(m * k, 1), numbers(n * k, 2), numbers(n, 3));
            let b = packed(k, n, &w);
            let largest = |row: &[f32]| row.iter().fold(0.0_f32, |max, x| max.max(x.abs()));
            let rounded = |row: &[f32]| -> (Vec<i64>, f32) {
                let inverse = 127.0 / largest(row);
                (row.iter().map(|x| (x * inverse).round_ties_even() as i64).collect(), largest(row) / 127.0)
            };
            let out = product(Kernel::Portable, &a, &b, &bias, Activation::None);
            for i in 0..m {
                let own = &a[i * k..][..k];
                let (x, x_scale) = rounded(own);
                for j in 0..n {
                    let column = &w[j * k..][..k];
                    let (y, y_scale) = rounded(column);
                    let sum: i64 = x.iter().zip(&y).map(|(x, y)| x * y).sum();
                    assert_eq!(out[i * n + j], sum as f32 * (x_scale * y_scale) + bias[j], "{m} {k} {n}");
                    // No further from the exact product than the rounding explains.
                    let pairs = own.iter().zip(column);
                    let exact: f32 = pairs.clone().map(|(x, y)| x * y).sum::<f32>() + bias[j];
                    let bound =
                        pairs.map(|(x, y)| 0.5 * (x.abs() * y_scale + y.abs() * x_scale)).sum::<f32>()
                            + 0.25 * k as f32 * x_scale * y_scale;
                    assert!((out[i * n + j] - exact).abs() <= bound + 1e-4, "{m} {k} {n}: {i} {j}");
                }
                assert_eq!(product(Kernel::Portable, own, &b, &bias, Activation::None), out[i * n..][..n]);
            }
            for kernel in Kernel::all() {
                assert_eq!(product(kernel, &a, &b, &bias, Activation::None), out, "{kernel:?} {m} {k} {n}");
                let gated = product(kernel, &a, &b, &bias, Activation::Gate);
                assert!(gated.iter().zip(&out).all(|(gated, x)| *gated == 2.0 * x), "{kernel:?} {m} {k} {n}");
            }
        }
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        for (sign, k) in [(1.0, 768), (-1.0, 768), (1.0, pack::MAX_K)] {
            let (a, w) = (vec![3.0; k], vec![sign * 0.5; k]);
            let b = packed(k, 1, &w);
            for kernel in Kernel::all() {
                let out = product(kernel, &a, &b, &[0.0], Activation::None);
                assert!((out[0] / (sign * 1.5 * k as f32) - 1.0).abs() < 1e-5, "{kernel:?} {k}: {}", out[0]);
            }
        }
    }

    /// Weights that others have rounded may be −128.
    #[test]
    fn the_least_number_of_eight_bits_is_a_weight_too() {
        for k in [8, 772, pack::MAX_K] {
            let a = [numbers(k, 4), vec![3.0; k], vec![-3.0; k]].concat();
            let columns = [vec![-128; k], vec![127; k], (0..k).map(|at| (at % 256) as u8 as i8).collect()];
            let mut b = PackedInt8::zeros(k, 4).unwrap();
            b.set_rounded(1, &columns.concat(), &[0.5, 0.25, 2.0]);
            let portable = product(Kernel::Portable, &a, &b, &[0.0; 4], Activation::None);
            assert_eq!(portable[4..6], [0.0, (-128 * 127 * k as i64) as f32 * (3.0 / 127.0 * 0.5)]);
            for kernel in Kernel::all() {
                let out = product(kernel, &a, &b, &[0.0; 4], Activation::None);
                assert_eq!(out, portable, "{kernel:?} {k}");
            }
        }
    }

    #[test]
    fn nothing_and_what_is_no_number() {
        let b = packed(8, 2, &[[0.0; 8], [1.0; 8]].concat());
        let mut a = vec![0.0; 24];
        a[9] = f32::NAN;
        a[17] = f32::INFINITY;
        for kernel in Kernel::all() {
            let out = product(kernel, &a, &b, &[0.5, 0.25], Activation::None);
            assert_eq!(out[..2], [0.5, 0.25]);
            assert!(out[2..].iter().all(|x| !x.is_finite()), "{kernel:?}: {out:?}");
        }
        assert!(Kernel::all().contains(&Kernel::best()));
    }

    /// Panels one by one, of rows that stand in others, in room that another product has left: the bits of all at once. What is
    /// between stays.
    #[test]
    fn panels_and_strides() {
        let (m, k, n) = (29, 70, 2 * panel_width() + 1);
        let a: Vec<f32> = numbers(m * (k + 3), 1).iter().map(|x| x / 4.0).collect();
        let (w, bias) = (numbers(n * k, 2), numbers(n, 3));
        let b = packed(k, n, &w);
        let tight: Vec<f32> = a.chunks(k + 3).flat_map(|row| &row[..k]).copied().collect();
        for kernel in Kernel::all() {
            let plain = product(kernel, &tight, &b, &bias, Activation::None);
            for activation in [Activation::None, Activation::Gelu, Activation::Relu, Activation::Gate] {
                let expected = product(kernel, &tight, &b, &bias, activation);
                for (&x, &y) in plain.iter().zip(&expected) {
                    let x = f64::from(x);
                    let exact = match activation {
                        Activation::Gelu => exact_gelu(x),
                        Activation::Relu => x.max(0.0),
                        Activation::Gate => 2.0 * x,
                        _ => x,
                    };
                    assert!((f64::from(y) - exact).abs() < 1e-5, "{kernel:?} {activation:?}: {exact} {y}");
                }
                let (a_stride, out_stride) = (k + 3, n + 5);
                let mut out = vec![2.0; m * out_stride];
                let mut room = stale_room();
                for first in (0..n).step_by(panel_width()) {
                    let columns = first..n.min(first + panel_width());
                    multiply_with(
                        kernel,
                        Product {
                            a: &a,
                            a_stride,
                            rows: m,
                            b: b.view().columns(columns.clone()),
                            bias: Some(&bias[columns]),
                            activation,
                            out: &mut out[first..],
                            out_stride,
                            room: Some(&mut room),
                        },
                    );
                }
                for (row, expected) in out.chunks(out_stride).zip(expected.chunks(n)) {
                    assert_eq!(row[..n], *expected, "{kernel:?} {activation:?}");
                    assert!(row[n..].iter().all(|&x| x == 2.0), "{kernel:?} {activation:?}");
                }
            }
        }
    }
}
