//! Codes of rows and of queries, and the proof that bounds the similarity between them.
//!
//! Let x be a row, m the center, c its codes, s its scale, x̂ = m + s·c, and ρ ≥ ‖x − x̂‖ the stored residual. Let q be a query,
//! w its int16 codes, t their scale, e = q − t·w, ε ≥ ‖e‖. Then
//!
//!   q·x = q·m + s·(q·c) + q·(x − x̂)
//!       = q·m + s·t·(w·c) + e·(s·c) + q·(x − x̂),
//!
//! and by Cauchy-Schwarz |q·(x − x̂)| ≤ ‖q‖ρ and |e·(s·c)| ≤ ε‖s·c‖ ≤ ε(‖x − m‖ + ρ) ≤ ε(Y + ρ), where Y = 1.001 + ‖m‖ because
//! rows are unit vectors within the tolerance. w·c is an exact integer.
//!
//! What the scan computes in `f32` is C + (s·t)·I ± (A·ρ + B), C being q·m rounded and I = w·c. Each of its few operations
//! errs by at most u = 2⁻²⁴ of its result, and no intermediate is larger than |C| + N(Y + ρ) + A·ρ + B with
//! N = ‖q‖ + ε (since |s·t·I| = |t·w · s·c| ≤ N(Y + ρ)). Fewer than 16 such roundings happen, the rounding of the similarity
//! itself and of `upper - width` included. With twice that to spare,
//!
//!   A = N(1 + 64u),    B = ε·Y(1 + 64u) + 32u(|C| + N·Y + 1)
//!
//! covers everything. (A quantized query rather than a quantized bound: ε is about 10⁻⁵ of ‖q‖, so it costs nothing.)
//!
//! **Rough bounds** are the same with less: half of each code. Let h be a code's high half, 0 to 15, so that 16h - 128 ≤ c <
//! 16h - 112. In the place of c stands the middle, c' = 16h - 120.5, in that of ρ a ρ' ≥ ‖x - m - s·c'‖, and the query's codes
//! have eight bits. With l = c - 16h + 128, the low half, c - c' = l - 7.5, so by the triangle inequality
//!
//!   ρ' = s·‖l - 7.5‖ + ρ
//!
//! will do, over the components there are. Nothing above asked what the codes are, so it holds word for word (with an ε of about a hundredth of ‖q‖): rough bounds
//! are C + (s·t/2)·I' ± (A·ρ' + B) with the integer I' = 2·w·c' = 32·(w·h) - 241·Σw. As |I'| ≤ 255·127·n, it fits an `i32`
//! for all [`MAX_DIMENSIONS`](crate::MAX_DIMENSIONS) dimensions, and may be computed with overflows on the way. ρ' is about a
//! ninth of ‖x - m‖ where ρ is a hundredth or less, which parts most rows from the nearest ones.

use super::codes::{CodeRow, Factors, Shape};
use crate::UNIT_TOLERANCE;
use crate::kernels::{HighQuery, Level, Planes};
use crate::similarity::dot_f64;

/// The largest code.
const MOST: f32 = 127.0;
/// Room for the rounding of norms computed in `f64`: far more than (n + 2)·2⁻⁵³ for the largest n.
const NORM_SLACK: f64 = 1.0 + 1e-9;

/// The same for `f64`, below 2⁵¹.
fn round_f64(x: f64) -> f64 {
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    (x + MAGIC) - MAGIC
}

/// Encodes rows around a shape's center.
#[derive(Debug)]
pub(super) struct Encoder {
    shape: Shape,
    level: Level,
    codes: Vec<i8>,
    high: Vec<u8>,
    low: Vec<u8>,
    /// Row minus center.
    rest: Vec<f32>,
}

/// Rounds to the nearest whole number, for |x| < 2²²: adding 1.5·2²³ leaves no room for a fraction. Unlike `f32::round` this
/// becomes SIMD everywhere.
fn round(x: f32) -> f32 {
    const MAGIC: f32 = 12_582_912.0;
    (x + MAGIC) - MAGIC
}

impl Encoder {
    pub(super) fn new(shape: &Shape) -> Self {
        let rest = vec![0.0; shape.dimensions()];
        let [high, low] = [(); 2].map(|()| vec![0; shape.plane_bytes()]);
        Self { shape: shape.clone(), level: Level::detect(), codes: vec![0; shape.stride()], high, low, rest }
    }

    /// Encodes one row, which is known to differ by at most `doubt` (a norm) from the row that is meant.
    pub(super) fn encode(&mut self, row: &[f32], doubt: f64) -> CodeRow<'_> {
        let center = self.shape.center().numbers();
        let mut largest = 0f32;
        for ((rest, &x), &m) in self.rest.iter_mut().zip(row).zip(center) {
            *rest = x - m;
            largest = largest.max(rest.abs());
        }
        let scale = largest / MOST;
        // Below that, dividing by the scale could overflow; the row is then the center to all intents.
        let (scale, inverse) = if scale >= f32::MIN_POSITIVE { (scale, 1.0 / scale) } else { (0.0, 0.0) };
        for (code, rest) in self.codes.iter_mut().zip(&self.rest) {
            *code = round(rest * inverse).clamp(-MOST, MOST) as i8;
        }
        // From the numbers themselves, not from `rest`: the residual must hold for the row as it is.
        let mut squares = [0f64; 8];
        let mut add = |lane: usize, x: f32, m: f32, code: i8| {
            let missing = (f64::from(x) - f64::from(m)) - f64::from(scale) * f64::from(code);
            squares[lane] += missing * missing;
        };
        let (x8, x_tail) = row.as_chunks::<8>();
        let (m8, m_tail) = center.as_chunks::<8>();
        let (c8, _) = self.codes.as_chunks::<8>();
        for ((x, m), c) in x8.iter().zip(m8).zip(c8) {
            for lane in 0..8 {
                add(lane, x[lane], m[lane], c[lane]);
            }
        }
        for (lane, ((&x, &m), &c)) in x_tail.iter().zip(m_tail).zip(&self.codes[x8.len() * 8..]).enumerate() {
            add(lane, x, m, c);
        }
        let norm = squares.iter().sum::<f64>().sqrt();
        let residual = upwards((norm + doubt) * NORM_SLACK);
        let planes = [&mut *self.high, &mut *self.low];
        let rough = self.shape.divide(self.level, &self.codes, planes, scale, residual);
        let codes = Planes { high: &self.high, low: &self.low };
        CodeRow { codes, factors: Factors { scale, residual, rough } }
    }
}

/// An `f32` that is not below `x`.
fn upwards(x: f64) -> f32 {
    (x as f32).next_up()
}

impl Shape {
    /// The row that codes stand for, within [`decode_error`](Self::decode_error).
    pub(super) fn decode(&self, row: CodeRow<'_>, out: &mut [f32]) {
        let mut codes = vec![0; self.stride()];
        row.codes.join(&mut codes);
        for ((out, &code), &m) in out.iter_mut().zip(&codes).zip(self.center().numbers()) {
            *out = m + row.factors.scale * f32::from(code);
        }
    }

    /// Divides the codes of a row into planes; gives its ρ'.
    #[inline]
    pub(super) fn divide(
        &self,
        level: Level,
        row: &[i8],
        planes: [&mut [u8]; 2],
        scale: f32,
        residual: f32,
    ) -> f32 {
        let [high, low] = planes;
        // Four times the square of the norm. Where a row is padded the code is 0, and so is its low half.
        let padding = 225 * (self.stride() - self.dimensions());
        let squares = f64::from(level.split(row, high, low)) - padding as f64;
        upwards((f64::from(scale) * squares.sqrt() / 2.0 + f64::from(residual)) * NORM_SLACK)
    }

    /// The most that rounding in [`decode`](Self::decode) can move a row: two roundings of numbers whose norms are at most
    /// ‖m‖ + ‖s·c‖ ≤ 2‖m‖ + 1.001 + ρ, with ρ ≤ 2 to be safe.
    pub(super) fn decode_error(&self) -> f64 {
        2.0 * f64::from(f32::EPSILON) * (2.0 * self.center().norm() + 4.0)
    }
}

/// A query, encoded for a shape.
#[derive(Debug)]
pub(super) struct Query {
    /// w: `stride` numbers, the padding zero; 127·Σ|w| fits an `i32`.
    pub(super) codes: Vec<i16>,
    pub(super) bounds: Bounds,
    pub(super) rough: RoughQuery,
}

/// The same for bounds from the high halves of codes.
#[derive(Debug)]
pub(super) struct RoughQuery {
    /// w, of eight bits.
    pub(super) codes: HighQuery,
    pub(super) bounds: Bounds,
    /// 241·Σw.
    offset: i32,
}

/// What makes bounds of a query's integer products.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bounds {
    /// t; for rough bounds t/2.
    scale: f32,
    /// C.
    offset: f32,
    /// A.
    per_residual: f32,
    /// B.
    slack: f32,
}

impl Query {
    pub(super) fn new(query: &[f32], shape: &Shape) -> Self {
        let largest = query.iter().fold(0f64, |most, x| most.max(f64::from(x.abs())));
        let sum: f64 = query.iter().map(|x| f64::from(x.abs())).sum();
        // Rounding may add 1/2 to each |w|, hence the room of n numbers.
        let room = f64::from(i32::MAX) / f64::from(MOST) - query.len() as f64;
        let scale = upwards((largest / f64::from(i16::MAX)).max(sum / room));
        let (codes, bounds) = encode(query, shape, scale);
        let (rough_codes, rough_bounds) = encode(query, shape, upwards(largest / f64::from(MOST)));
        // Within -127 to 127 by the choice of the scale.
        let rough_codes: Vec<i8> = rough_codes.iter().map(|&w| w as i8).collect();
        let rough = RoughQuery {
            codes: HighQuery::new(&rough_codes),
            bounds: Bounds { scale: rough_bounds.scale / 2.0, ..rough_bounds },
            offset: 241 * rough_codes.iter().map(|&w| i32::from(w)).sum::<i32>(),
        };
        Self { codes, bounds, rough }
    }
}

/// Rounds a query to multiples of `scale`: its codes, and the bounds that they allow.
fn encode(query: &[f32], shape: &Shape, scale: f32) -> (Vec<i16>, Bounds) {
    let u = f64::from(f32::EPSILON) / 2.0;
    let inverse = 1.0 / f64::from(scale);
    let mut codes = vec![0; shape.stride()];
    let mut error = 0f64;
    for (code, &x) in codes.iter_mut().zip(query) {
        *code = round_f64(f64::from(x) * inverse) as i16;
        error += (f64::from(x) - f64::from(scale) * f64::from(*code)).powi(2);
    }
    let error = error.sqrt() * NORM_SLACK;
    let norm = dot_f64(query, query).sqrt() * NORM_SLACK + error;
    let reach = 1.0 + UNIT_TOLERANCE + shape.center().norm() * NORM_SLACK;
    let offset = dot_f64(query, shape.center().numbers());
    let slack = error * reach * (1.0 + 64.0 * u) + 32.0 * u * (offset.abs() + norm * reach + 1.0);
    let bounds = Bounds {
        scale,
        offset: offset as f32,
        per_residual: upwards(norm * (1.0 + 64.0 * u)),
        slack: upwards(slack),
    };
    (codes, bounds)
}

impl RoughQuery {
    /// The upper bound for a row with `dot` = w·h.
    #[inline(always)]
    pub(super) fn upper(&self, dot: i32, scale: f32, rough: f32) -> f32 {
        self.bounds.upper(dot.wrapping_mul(32).wrapping_sub(self.offset), scale, rough)
    }
}

impl Bounds {
    /// The upper bound for a row with `dot` = w·c.
    #[inline(always)]
    pub(super) fn upper(&self, dot: i32, scale: f32, residual: f32) -> f32 {
        self.offset + scale * self.scale * dot as f32 + self.half_width(residual)
    }

    /// How far the similarity can be from the middle.
    #[inline(always)]
    pub(super) fn half_width(&self, residual: f32) -> f32 {
        self.per_residual * residual + self.slack
    }
}
