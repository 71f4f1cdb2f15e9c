//! The matrix product: rows × packed columns.
//!
//! After Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008): a block of rows, laid out anew tile by tile,
//! stays in the second-level cache while panels of two registers' width pass by it, deep ones part by part. With few rows the reading of
//! panels is most of the work, so the next one is prefetched while one is multiplied.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::buffer::Buffer;
use super::functions::{gelu, gelu_tanh, silu};
use super::pack::PackedView;
use super::prefetch::prefetch;
use super::tiles::{Aligned, MOST_ROWS, Rows, Tiles, blocks, interleave};

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
            Self::Relu => {
                // Not the greater of both, which on some processors is 0 where x is no number.
                let zero = simd.splat_f32s(0.0);
                simd.select_f32s(simd.less_than_f32s(x, zero), zero, x)
            }
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
    /// Room for rows that are laid out anew for the inner loop. Without it, floats are read where they stand and panels are not
    /// divided, which is faster with few columns, as in attention; eight bits make room of their own.
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

/// About as many rows of the panels are multiplied before the next ones: with the widest registers 64 KiB, which measured best where
/// the first-level cache has 48.
const DEPTH_AT_ONCE: usize = 512;

/// Fewer tiles than this take the panels as a whole, from the beginning to the end: they read each but a few times.
const DIVIDING_TILES: usize = 4;

#[inline(always)]
fn run<S: Simd>(simd: S, product: Product<'_>, max_height: usize) {
    let Product { a, a_stride, rows, b, bias, activation, out, out_stride, mut room } = product;
    if b.k == 0 || rows == 0 {
        return;
    }
    for block in blocks(rows) {
        let rows = block.len();
        let tiles = Tiles::of(rows, max_height);
        let a = &a[block.start * a_stride..];
        let out = &mut out[block.start * out_stride..][..(rows - 1) * out_stride + b.n];
        // A gate multiplies what stands in `out`, so that partial sums cannot be kept there.
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
                None => Rows::InPlace { a: &a[depth.start..], stride: a_stride },
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
                    *sums = load(simd, &target.out[row * target.stride..][columns.clone()]);
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

/// `H` rows of `a` times one panel: the first `H` of `stored`, which it begins with if it goes on from there.
///
/// All sums stay in registers until the end. For that, whatever is done with them has to be a loop short enough to be unrolled: one
/// with the bias in it was not, and then each step of the inner loop stored all sums.
#[allow(clippy::manual_memcpy, reason = "loops are unrolled into registers, a copy might go through memory")]
#[inline(always)]
fn tile_of<S: Simd, const H: usize>(
    simd: S,
    a: Rows<'_>,
    b: Panel<'_>,
    goes_on: bool,
    stored: &mut [[S::f32s; 2]; MOST_ROWS],
) {
    let width = 2 * S::F32_LANES;
    let Panel { panel, ahead, tiles } = b;
    let k = panel.len() / width;
    let mut sums = [[simd.splat_f32s(0.0); 2]; H];
    if goes_on {
        for i in 0..H {
            sums[i] = stored[i];
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
        stored[i] = sums[i];
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
        let bias = load(simd, bias);
        sums = [simd.add_f32s(sums[0], bias[0]), simd.add_f32s(sums[1], bias[1])];
    }
    if activation == Activation::Gate {
        let factors = load(simd, out);
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
pub(super) fn load<S: Simd>(simd: S, numbers: &[f32]) -> [S::f32s; 2] {
    if let (&[first, second], []) = S::as_simd_f32s(numbers) {
        return [first, second];
    }
    let (first, second) = numbers.split_at(S::F32_LANES.min(numbers.len()));
    [simd.partial_load_f32s(first), simd.partial_load_f32s(second)]
}

#[cfg(test)]
mod tests {
    use super::super::pack::Packed;
    use super::super::testing::{exact_gelu, exact_gelu_tanh, exact_silu, numbers, stale_room};
    use super::*;

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

    /// Each activation of rows and columns that stand in others; what is between stays.
    #[test]
    fn activations_and_strides() {
        let exact = |activation: Activation, x: f64| match activation {
            Activation::None => x,
            Activation::Gelu => exact_gelu(x),
            Activation::GeluTanh => exact_gelu_tanh(x),
            Activation::Relu => x.max(0.0),
            Activation::Silu => exact_silu(x),
            Activation::Gate => 7.0 * x,
        };
        for (m, k, n) in [(5, 9, 33), (61, 1_099, 33)] {
            let scale = 2.0 / (k as f32).sqrt();
            let a: Vec<f32> = numbers(m * (k + 3), 1).iter().map(|x| x * scale).collect();
            let (w, bias) = (numbers(n * k, 2), numbers(n, 3));
            let mut b = Packed::zeros(k, n).unwrap();
            b.set_columns(0, &w);
            for activation in [
                Activation::None,
                Activation::Gelu,
                Activation::GeluTanh,
                Activation::Relu,
                Activation::Silu,
                Activation::Gate,
            ] {
                for mut room in [None, Some(stale_room())] {
                    let (a_stride, out_stride) = (k + 3, n + 5);
                    let mut out = vec![7.0; m * out_stride];
                    let (b, bias_of_all, room) = (b.view(), Some(&bias[..]), room.as_mut());
                    multiply(Product {
                        a: &a,
                        a_stride,
                        rows: m,
                        b,
                        bias: bias_of_all,
                        activation,
                        out: &mut out,
                        out_stride,
                        room,
                    });
                    for (i, row) in out.chunks(out_stride).enumerate() {
                        for j in 0..n {
                            let products =
                                (0..k).map(|t| f64::from(a[i * a_stride + t]) * f64::from(w[j * k + t]));
                            let expected = exact(activation, products.sum::<f64>() + f64::from(bias[j]));
                            let difference = (f64::from(row[j]) - expected).abs();
                            assert!(difference < 1e-4, "{activation:?} {m} {k} {n}: {} {expected}", row[j]);
                        }
                        assert!(row[n..].iter().all(|&x| x == 7.0), "{activation:?} {m} {k} {n}");
                    }
                }
            }
        }
    }

    #[test]
    fn nan_is_not_hidden_by_an_activation() {
        let mut b = Packed::zeros(1, 1).unwrap();
        b.set_columns(0, &[1.0]);
        for activation in
            [Activation::Gelu, Activation::GeluTanh, Activation::Relu, Activation::Silu, Activation::None]
        {
            let mut out = [0.0];
            multiply(Product {
                a: &[f32::NAN],
                a_stride: 1,
                rows: 1,
                b: b.view(),
                bias: None,
                activation,
                out: &mut out,
                out_stride: 1,
                room: None,
            });
            assert!(out[0].is_nan(), "{activation:?}");
        }
    }
}
