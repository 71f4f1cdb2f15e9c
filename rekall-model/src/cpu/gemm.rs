//! The matrix product: rows × packed columns.
//!
//! Register tiling after Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008),
//! without their cache blocking: a panel of 32 columns is small enough for the second-level cache, and each
//! is read from memory once for all rows at hand. With few rows that reading is most of the work, so the next
//! panel is prefetched while one is multiplied.

use pulp::{Arch, Simd, WithSimd};

use super::elementwise::{gelu_slice, gelu_tanh_slice, silu_slice};
use super::pack::PackedView;
use super::prefetch::prefetch;

/// What is done with a product's elements when they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activation {
    None,
    /// x · Φ(x), with the error function.
    Gelu,
    /// Its approximation by the hyperbolic tangent, which some networks are trained with.
    GeluTanh,
    /// max(x, 0)
    Relu,
    /// x · σ(x), with the logistic function.
    Silu,
    /// They multiply what stands at their places: the second factor of a gated unit.
    Gate,
}

/// `out[i][j] = activation(Σ_t a[i][t] · b[t][j] + bias[j])`
#[derive(Debug)]
pub(crate) struct Product<'a, B = PackedView<'a>> {
    /// Row-major; row `i` begins at `i * a_stride`.
    pub(crate) a: &'a [f32],
    pub(crate) a_stride: usize,
    /// Rows of `a` and `out`.
    pub(crate) rows: usize,
    pub(crate) b: B,
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) activation: Activation,
    /// Row-major; row `i` begins at `i * out_stride`.
    pub(crate) out: &'a mut [f32],
    pub(crate) out_stride: usize,
}

/// Computes a product.
///
/// # Panics
/// If a slice is shorter than the sizes say: a bug in this crate.
pub(crate) fn multiply(product: Product<'_>) {
    Arch::new().dispatch(product);
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // Accumulators take two registers a row; a few are left for a row of `b` and one of `a`.
        if S::REGISTER_COUNT >= 32 { run::<S, 12>(simd, self) } else { run::<S, 6>(simd, self) }
    }
}

#[inline(always)]
fn run<S: Simd, const MAX_HEIGHT: usize>(simd: S, product: Product<'_>) {
    let Product { a, a_stride, rows, b, bias, activation, out, out_stride } = product;
    let width = 2 * S::F32_LANES;
    if rows == 0 || b.k == 0 {
        return;
    }
    // Tiles of equal height rather than full ones and a low last one: low tiles waste registers.
    let tiles = rows.div_ceil(MAX_HEIGHT);
    let (height, taller) = (rows / tiles, rows % tiles);
    let panel_length = width * b.k;
    for (index, panel) in b.panels.chunks_exact(panel_length).enumerate() {
        let column = index * width;
        // While this panel is multiplied the next one is prefetched, a part of it with each tile.
        let following = &b.panels[(index + 1) * panel_length..];
        let following = &following[..panel_length.min(following.len())];
        let columns = width.min(b.n - column);
        let bias = bias.map(|bias| &bias[column..column + columns]);
        let mut row = 0;
        for tile in 0..tiles {
            let height = height + usize::from(tile < taller);
            let a = &a[row * a_stride..];
            let out = &mut out[row * out_stride + column..];
            let target = Target { out, stride: out_stride, columns, bias, activation };
            let a = Rows { a, stride: a_stride };
            let next_rows = following.len() / width;
            let ahead = &following[next_rows * tile / tiles * width..next_rows * (tile + 1) / tiles * width];
            let panel = Panel { panel, ahead, tiles };
            match height {
                1 => tile_of::<S, 1>(simd, a, panel, target),
                2 => tile_of::<S, 2>(simd, a, panel, target),
                3 => tile_of::<S, 3>(simd, a, panel, target),
                4 => tile_of::<S, 4>(simd, a, panel, target),
                5 => tile_of::<S, 5>(simd, a, panel, target),
                6 => tile_of::<S, 6>(simd, a, panel, target),
                7 => tile_of::<S, 7>(simd, a, panel, target),
                8 => tile_of::<S, 8>(simd, a, panel, target),
                9 => tile_of::<S, 9>(simd, a, panel, target),
                10 => tile_of::<S, 10>(simd, a, panel, target),
                11 => tile_of::<S, 11>(simd, a, panel, target),
                _ => tile_of::<S, 12>(simd, a, panel, target),
            }
            row += height;
        }
    }
}

/// Where a tile's result is stored.
struct Target<'a> {
    out: &'a mut [f32],
    stride: usize,
    /// Columns that exist; the panel's others are padding.
    columns: usize,
    bias: Option<&'a [f32]>,
    activation: Activation,
}

/// The rows that a tile multiplies, and those below them.
struct Rows<'a> {
    a: &'a [f32],
    stride: usize,
}

/// The panel that a tile is multiplied by.
struct Panel<'a> {
    panel: &'a [f32],
    /// This tile's part of the next panel, prefetched meanwhile.
    ahead: &'a [f32],
    /// Tiles among which the prefetching is divided.
    tiles: usize,
}

/// Rows of the next panel that are prefetched at once.
const PREFETCHED_ROWS: usize = 4;

/// `H` rows of `a` times one panel, all sums in registers.
#[inline(always)]
fn tile_of<S: Simd, const H: usize>(simd: S, a: Rows<'_>, b: Panel<'_>, target: Target<'_>) {
    let width = 2 * S::F32_LANES;
    let Panel { panel, ahead, tiles } = b;
    let k = panel.len() / width;
    let rows: [&[f32]; H] = std::array::from_fn(|i| &a.a[i * a.stride..][..k]);
    let mut sums = [[simd.splat_f32s(0.0); 2]; H];
    let (vectors, _) = S::as_simd_f32s(panel);
    // With many tiles each has little to prefetch, and interrupting the loop often would cost more.
    let prefetched = PREFETCHED_ROWS * (1 + tiles / 8);
    let mut ahead = ahead.chunks(prefetched * width);
    let interval = prefetched * tiles;
    for (part, vectors) in vectors.as_chunks::<2>().0.chunks(interval).enumerate() {
        if let Some(numbers) = ahead.next() {
            prefetch(numbers);
        }
        let rows: [&[f32]; H] = std::array::from_fn(|i| &rows[i][part * interval..][..vectors.len()]);
        for (t, b) in vectors.iter().enumerate() {
            for i in 0..H {
                let x = simd.splat_f32s(rows[i][t]);
                sums[i][0] = simd.mul_add_e_f32s(x, b[0], sums[i][0]);
                sums[i][1] = simd.mul_add_e_f32s(x, b[1], sums[i][1]);
            }
        }
    }
    let Target { out, stride, columns, bias, activation } = target;
    for (i, sums) in sums.iter().enumerate() {
        let row = &mut out[i * stride..][..columns];
        if activation == Activation::Gate {
            gate::<S>(row, sums, bias);
            continue;
        }
        if columns == 2 * S::F32_LANES {
            let (vectors, _) = S::as_mut_simd_f32s(row);
            vectors.copy_from_slice(sums);
        } else {
            let first = columns.min(S::F32_LANES);
            let (head, tail) = row.split_at_mut(first);
            simd.partial_store_f32s(head, sums[0]);
            simd.partial_store_f32s(tail, sums[1]);
        }
        if let Some(bias) = bias {
            for (x, bias) in row.iter_mut().zip(bias) {
                *x += bias;
            }
        }
        match activation {
            Activation::None | Activation::Gate => {}
            Activation::Gelu => gelu_slice(row),
            Activation::GeluTanh => gelu_tanh_slice(row),
            Activation::Relu => row.iter_mut().for_each(|x| *x = x.max(0.0)),
            Activation::Silu => silu_slice(row),
        }
    }
}

/// Multiplies a row by sums and bias.
#[inline(always)]
fn gate<S: Simd>(row: &mut [f32], sums: &[S::f32s; 2], bias: Option<&[f32]>) {
    /// Numbers of two of the widest registers.
    const WIDEST: usize = 32;
    let mut factors = [0.0_f32; WIDEST];
    let (vectors, _) = S::as_mut_simd_f32s(&mut factors[..2 * S::F32_LANES]);
    vectors.copy_from_slice(sums);
    for (factor, bias) in factors.iter_mut().zip(bias.unwrap_or_default()) {
        *factor += bias;
    }
    for (x, factor) in row.iter_mut().zip(&factors) {
        *x *= factor;
    }
}

#[cfg(test)]
mod tests {
    use super::super::pack::Packed;
    use super::*;

    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        (0..count)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / 8_388_608.0 - 1.0
            })
            .collect()
    }

    #[test]
    fn agrees_with_the_textbook_and_does_not_depend_on_the_batch() {
        for (m, k, n) in [(1, 1, 1), (5, 7, 3), (12, 32, 32), (13, 33, 31), (40, 64, 100), (25, 384, 96)] {
            let (a, w, bias) = (numbers(m * k, 1), numbers(n * k, 2), numbers(n, 3));
            let mut b = Packed::zeros(k, n).unwrap();
            b.set_columns(0, &w);
            let run = |a: &[f32], rows| {
                let mut out = vec![f32::NAN; rows * n];
                multiply(Product {
                    a,
                    a_stride: k,
                    rows,
                    b: b.view(),
                    bias: Some(&bias),
                    activation: Activation::None,
                    out: &mut out,
                    out_stride: n,
                });
                out
            };
            let out = run(&a, m);
            let mut gated = vec![2.0; m * n];
            multiply(Product {
                a: &a,
                a_stride: k,
                rows: m,
                b: b.view(),
                bias: Some(&bias),
                activation: Activation::Gate,
                out: &mut gated,
                out_stride: n,
            });
            assert!(gated.iter().zip(&out).all(|(gated, x)| *gated == 2.0 * x), "{m} {k} {n}");
            for i in 0..m {
                for j in 0..n {
                    let exact: f64 = (0..k).map(|t| f64::from(a[i * k + t]) * f64::from(w[j * k + t])).sum();
                    let exact = exact + f64::from(bias[j]);
                    assert!((f64::from(out[i * n + j]) - exact).abs() < 1e-4, "{m} {k} {n}: {i} {j}");
                }
                // The same bits alone.
                assert_eq!(run(&a[i * k..][..k], 1), out[i * n..][..n]);
            }
        }
    }
}
