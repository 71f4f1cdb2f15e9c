//! The matrix product: rows × packed columns.
//!
//! Register tiling after Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008),
//! without their cache blocking: a panel of 32 columns is small enough for the second-level cache, and each
//! is read from memory once for all rows at hand. With few rows that reading is most of the work, so the next
//! panel is prefetched while one is multiplied.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::buffer::Buffer;
use super::functions::{gelu, gelu_tanh, silu};
use super::pack::PackedView;
use super::prefetch::prefetch;
use super::tiles::{Aligned, Rows, Tiles, interleave};

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
    /// To be inlined into code compiled for the right instruction set.
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        match self {
            Self::None | Self::Gate => x,
            Self::Gelu => gelu(simd, x),
            Self::GeluTanh => gelu_tanh(simd, x),
            Self::Relu => simd.max_f32s(simd.splat_f32s(0.0), x),
            Self::Silu => silu(simd, x),
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
    /// Room for rows that are laid out anew for the inner loop. A product of floats does without it, which is faster with few
    /// columns.
    pub(crate) room: Option<&'a mut Buffer>,
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
        run(simd, self, if S::REGISTER_COUNT >= 32 { MOST_ROWS } else { MOST_ROWS / 2 });
    }
}

/// Rows of the highest tile.
const MOST_ROWS: usize = 12;

/// Rows that are multiplied by all panels before the next ones: few enough to stay in the second-level cache, enough for the panels to
/// be read rarely; some tiles of the greatest height.
const ROWS_AT_ONCE: usize = 21 * MOST_ROWS;

/// About as many rows of the panels are multiplied before the next ones, so that those of one panel stay in the first-level
/// cache for all tiles, or nearly so.
const DEPTH_AT_ONCE: usize = 512;

/// Fewer tiles than this take the panels as a whole: they read each but once or twice, from its beginning to its end.
const DIVIDING_TILES: usize = 4;

#[inline(always)]
fn run<S: Simd>(simd: S, product: Product<'_>, max_height: usize) {
    let Product { a, a_stride, rows, b, bias, activation, out, out_stride, mut room } = product;
    if b.k == 0 {
        return;
    }
    for first in (0..rows).step_by(ROWS_AT_ONCE) {
        let rows = ROWS_AT_ONCE.min(rows - first);
        let tiles = Tiles::of(rows, max_height);
        let a = &a[first * a_stride..];
        let out = &mut out[first * out_stride..][..(rows - 1) * out_stride + b.n];
        // What is multiplied by the result cannot make room for a part of it.
        let is_divided = tiles.count >= DIVIDING_TILES && activation != Activation::Gate && room.is_some();
        let parts = if is_divided { b.k.div_ceil(DEPTH_AT_ONCE) } else { 1 };
        for depth in (0..parts).map(|part| b.k * part / parts..b.k * (part + 1) / parts) {
            let a = match room.as_deref_mut().filter(|_| rows > 1) {
                Some(room) => {
                    let interleaved = room.sized(rows * depth.len());
                    for tile in tiles.ranges() {
                        let out = &mut interleaved[tile.start * depth.len()..tile.end * depth.len()];
                        interleave(&a[tile.start * a_stride + depth.start..], a_stride, tile.len(), out);
                    }
                    Rows::Interleaved(interleaved)
                }
                None => Rows::InPlace { a, stride: a_stride },
            };
            let target = Target { out: &mut *out, stride: out_stride, bias, activation };
            multiply_rows(simd, a, tiles, b, depth, target);
        }
    }
}

/// Where the result is stored.
pub(super) struct Target<'a> {
    pub(super) out: &'a mut [f32],
    pub(super) stride: usize,
    pub(super) bias: Option<&'a [f32]>,
    pub(super) activation: Activation,
}

/// Multiplies rows, of which only the numbers of this depth are given, by as many rows of each panel. All but the first of several
/// depths go on from what is there, and the last one brings the result.
#[inline(always)]
fn multiply_rows<S: Simd>(
    simd: S,
    a: Rows<'_>,
    tiles: Tiles,
    b: PackedView<'_>,
    depth: Range<usize>,
    target: Target<'_>,
) {
    let width = 2 * S::F32_LANES;
    let mut sums = Aligned([[simd.splat_f32s(0.0); 2]; MOST_ROWS]);
    let sums = &mut sums.0;
    let in_panel = depth.start * width..depth.end * width;
    for (index, panel) in b.panels.chunks_exact(width * b.k).enumerate() {
        let column = index * width;
        // While this panel is multiplied the next one is prefetched, a part of it with each tile.
        let following = &b.panels[(index + 1) * width * b.k..];
        let following = following.get(in_panel.clone()).unwrap_or_default();
        let columns = column..b.n.min(column + width);
        let bias = target.bias.map(|bias| &bias[columns.clone()]);
        for (number, tile) in tiles.ranges().enumerate() {
            let next_rows = following.len() / width;
            let ahead = next_rows * number / tiles.count..next_rows * (number + 1) / tiles.count;
            let ahead = &following[ahead.start * width..ahead.end * width];
            let panel = Panel { panel: &panel[in_panel.clone()], ahead, tiles: tiles.count };
            let a = a.tile(&tile, depth.len());
            let goes_on = depth.start > 0;
            if goes_on {
                for (row, sums) in tile.clone().zip(&mut *sums) {
                    *sums = loaded(simd, &target.out[row * target.stride..][columns.clone()]);
                }
            }
            match tile.len() {
                1 => tile_of::<S, 1>(simd, a, panel, goes_on, sums),
                2 => tile_of::<S, 2>(simd, a, panel, goes_on, sums),
                3 => tile_of::<S, 3>(simd, a, panel, goes_on, sums),
                4 => tile_of::<S, 4>(simd, a, panel, goes_on, sums),
                5 => tile_of::<S, 5>(simd, a, panel, goes_on, sums),
                6 => tile_of::<S, 6>(simd, a, panel, goes_on, sums),
                7 => tile_of::<S, 7>(simd, a, panel, goes_on, sums),
                8 => tile_of::<S, 8>(simd, a, panel, goes_on, sums),
                9 => tile_of::<S, 9>(simd, a, panel, goes_on, sums),
                10 => tile_of::<S, 10>(simd, a, panel, goes_on, sums),
                11 => tile_of::<S, 11>(simd, a, panel, goes_on, sums),
                _ => tile_of::<S, 12>(simd, a, panel, goes_on, sums),
            }
            for (row, sums) in tile.zip(&*sums) {
                let out = &mut target.out[row * target.stride..][columns.clone()];
                if depth.end < b.k {
                    store(simd, out, *sums);
                } else {
                    finish(simd, out, *sums, bias, target.activation);
                }
            }
        }
    }
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

/// `H` rows of `a` times one panel: the first `H` of `out`, added to what is there if it goes on from that.
///
/// All sums stay in registers until the end. For that, whatever is done with them has to be a loop short enough to be unrolled: one
/// with the bias in it was not, and then each step of the inner loop stored all sums.
#[inline(always)]
fn tile_of<S: Simd, const H: usize>(
    simd: S,
    a: Rows<'_>,
    b: Panel<'_>,
    goes_on: bool,
    out: &mut [[S::f32s; 2]; MOST_ROWS],
) {
    let width = 2 * S::F32_LANES;
    let Panel { panel, ahead, tiles } = b;
    let k = panel.len() / width;
    let mut sums = [[simd.splat_f32s(0.0); 2]; H];
    if goes_on {
        for i in 0..H {
            sums[i] = out[i];
        }
    }
    let (vectors, _) = S::as_simd_f32s(panel);
    // With many tiles each has little to prefetch, and interrupting the loop often would cost more.
    let prefetched = PREFETCHED_ROWS * (1 + tiles / 8);
    let mut ahead = ahead.chunks(prefetched * width);
    let interval = prefetched * tiles;
    let parts = vectors.as_chunks::<2>().0.chunks(interval);
    match a {
        Rows::Interleaved(numbers) => {
            let (numbers, _) = numbers.as_chunks::<H>();
            for (vectors, numbers) in parts.zip(numbers.chunks(interval)) {
                if let Some(numbers) = ahead.next() {
                    prefetch(numbers);
                }
                for (b, a) in vectors.iter().zip(numbers) {
                    for i in 0..H {
                        let x = simd.splat_f32s(a[i]);
                        sums[i][0] = simd.mul_add_e_f32s(x, b[0], sums[i][0]);
                        sums[i][1] = simd.mul_add_e_f32s(x, b[1], sums[i][1]);
                    }
                }
            }
        }
        Rows::InPlace { a, stride } => {
            let rows: [&[f32]; H] = std::array::from_fn(|i| &a[i * stride..][..k]);
            for (part, vectors) in parts.enumerate() {
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
        }
    }
    for i in 0..H {
        out[i] = sums[i];
    }
}

/// Stores sums of two registers after all that is done with them: the bias, and the activation, which may be a product with what
/// stands there.
#[inline(always)]
pub(super) fn finish<S: Simd>(
    simd: S,
    out: &mut [f32],
    mut sums: [S::f32s; 2],
    bias: Option<&[f32]>,
    activation: Activation,
) {
    if let Some(bias) = bias {
        let bias = loaded(simd, bias);
        sums = [simd.add_f32s(sums[0], bias[0]), simd.add_f32s(sums[1], bias[1])];
    }
    if activation == Activation::Gate {
        let factors = loaded(simd, out);
        sums = [simd.mul_f32s(factors[0], sums[0]), simd.mul_f32s(factors[1], sums[1])];
    }
    store(simd, out, [activation.of(simd, sums[0]), activation.of(simd, sums[1])]);
}

/// Stores at most two registers.
#[inline(always)]
fn store<S: Simd>(simd: S, out: &mut [f32], numbers: [S::f32s; 2]) {
    if out.len() == 2 * S::F32_LANES {
        let (vectors, _) = S::as_mut_simd_f32s(out);
        vectors.copy_from_slice(&numbers);
    } else {
        let (head, tail) = out.split_at_mut(S::F32_LANES.min(out.len()));
        simd.partial_store_f32s(head, numbers[0]);
        simd.partial_store_f32s(tail, numbers[1]);
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
        // The last two need several depths, and several blocks of rows.
        for (m, k, n) in [
            (1, 1, 1),
            (5, 7, 3),
            (12, 32, 32),
            (13, 33, 31),
            (40, 64, 100),
            (25, 384, 96),
            (61, 1_099, 33),
            (300, 17, 40),
        ] {
            let (a, w, bias) = (numbers(m * k, 1), numbers(n * k, 2), numbers(n, 3));
            let mut b = Packed::zeros(k, n).unwrap();
            b.set_columns(0, &w);
            let run = |a: &[f32], rows, mut room: Option<Buffer>| {
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
                    room: room.as_mut(),
                });
                out
            };
            let out = run(&a, m, None);
            assert_eq!(run(&a, m, Some(Buffer::default())), out, "{m} {k} {n}");
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
                room: Some(&mut Buffer::default()),
            });
            assert!(gated.iter().zip(&out).all(|(gated, x)| *gated == 2.0 * x), "{m} {k} {n}");
            for i in 0..m {
                for j in 0..n {
                    let exact: f64 = (0..k).map(|t| f64::from(a[i * k + t]) * f64::from(w[j * k + t])).sum();
                    let exact = exact + f64::from(bias[j]);
                    assert!((f64::from(out[i * n + j]) - exact).abs() < 1e-4, "{m} {k} {n}: {i} {j}");
                }
                // The same bits alone.
                assert_eq!(run(&a[i * k..][..k], 1, Some(Buffer::default())), out[i * n..][..n]);
            }
        }
    }
}
