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

impl Activation {
    /// Applies the function to whole rows of `n` numbers: the longer the loop, the better its code. To be inlined into code compiled
    /// for the right instruction set.
    #[inline(always)]
    pub(super) fn apply(self, out: &mut [f32], stride: usize, n: usize) {
        if matches!(self, Self::None | Self::Gate) {
            return;
        }
        for row in out.chunks_mut(stride) {
            let row = &mut row[..n];
            match self {
                Self::None | Self::Gate => {}
                Self::Gelu => gelu_slice(row),
                Self::GeluTanh => gelu_tanh_slice(row),
                Self::Relu => row.iter_mut().for_each(|x| *x = x.max(0.0)),
                Self::Silu => silu_slice(row),
            }
        }
    }
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

/// Rows that are multiplied by all panels before the next ones: few enough to stay in the second-level cache with what they become,
/// enough for the panels to be read rarely.
const ROWS_AT_ONCE: usize = 96;

#[inline(always)]
fn run<S: Simd, const MAX_HEIGHT: usize>(simd: S, product: Product<'_>) {
    let Product { a, a_stride, rows, b, bias, activation, out, out_stride } = product;
    if b.k == 0 {
        return;
    }
    for first in (0..rows).step_by(ROWS_AT_ONCE) {
        let rows = ROWS_AT_ONCE.min(rows - first);
        let a = Rows { a: &a[first * a_stride..], stride: a_stride };
        let out = &mut out[first * out_stride..][..(rows - 1) * out_stride + b.n];
        multiply_rows::<S, MAX_HEIGHT>(
            simd,
            a,
            rows,
            b,
            bias,
            activation == Activation::Gate,
            (&mut *out, out_stride),
        );
        activation.apply(out, out_stride, b.n);
    }
}

#[inline(always)]
fn multiply_rows<S: Simd, const MAX_HEIGHT: usize>(
    simd: S,
    a: Rows<'_>,
    rows: usize,
    b: PackedView<'_>,
    bias: Option<&[f32]>,
    is_gate: bool,
    (out, stride): (&mut [f32], usize),
) {
    let width = 2 * S::F32_LANES;
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
            let a = Rows { a: &a.a[row * a.stride..], stride: a.stride };
            let out = &mut out[row * stride + column..];
            let target = Target { out, stride, columns, bias, is_gate };
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
    /// Whether what stands there is multiplied rather than replaced.
    is_gate: bool,
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
    let Target { out, stride, columns, bias, is_gate } = target;
    for (i, sums) in sums.iter().enumerate() {
        store(simd, &mut out[i * stride..][..columns], *sums, bias, is_gate);
    }
}

/// Stores sums of two registers, with the bias, or multiplies what stands there by them.
#[inline(always)]
pub(super) fn store<S: Simd>(
    simd: S,
    out: &mut [f32],
    mut sums: [S::f32s; 2],
    bias: Option<&[f32]>,
    is_gate: bool,
) {
    if let Some(bias) = bias {
        let bias = loaded(simd, bias);
        sums = std::array::from_fn(|half| simd.add_f32s(sums[half], bias[half]));
    }
    if is_gate {
        let factors = loaded(simd, out);
        sums = std::array::from_fn(|half| simd.mul_f32s(factors[half], sums[half]));
    }
    if out.len() == 2 * S::F32_LANES {
        let (vectors, _) = S::as_mut_simd_f32s(out);
        vectors.copy_from_slice(&sums);
    } else {
        let (head, tail) = out.split_at_mut(S::F32_LANES.min(out.len()));
        simd.partial_store_f32s(head, sums[0]);
        simd.partial_store_f32s(tail, sums[1]);
    }
}

/// Numbers of at most two registers, and zeros beyond them.
#[inline(always)]
pub(super) fn loaded<S: Simd>(simd: S, numbers: &[f32]) -> [S::f32s; 2] {
    if let (&[first, second], []) = S::as_simd_f32s(numbers) {
        return [first, second];
    }
    let (first, second) = numbers.split_at(S::F32_LANES.min(numbers.len()));
    [simd.partial_load_f32s(first), simd.partial_load_f32s(second)]
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
