//! Elementary functions of a register of floats, and what is made of them: GELU and SiLU.
//!
//! In registers rather than as plain loops, because the compiler fuses no product with a sum on its own, and a fused one is half
//! the work. All are to be inlined into code compiled for the right instruction set. (A closure that uses registers would not be,
//! unless it is marked, too.)

use std::f32::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, LOG2_E};

use pulp::Simd;

/// eˣ for x ≤ 0, to 2 units in the last place; below −75 as for −75, which is 3e-33. Not less, because processors take a slow way
/// with numbers below 1e-38, and a softmax divides by a sum. Cephes' `expf`: 2ⁿ · P(r), with n rounded by adding a large constant
/// so that no conversion to integers is needed.
#[inline(always)]
pub(super) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    const ROUND: f32 = 12_582_912.0; // 1.5 · 2²³: adding it leaves the integer in the low bits
    let low = simd.splat_f32s(-75.0);
    let round = simd.splat_f32s(ROUND);
    // Not the greater of both, which on some processors is −75 where x is no number.
    let x = simd.select_f32s(simd.less_than_f32s(x, low), low, x);
    let shifted = simd.mul_add_e_f32s(x, simd.splat_f32s(LOG2_E), round);
    let n = simd.sub_f32s(shifted, round);
    // ln 2 in two parts, so that n · ln 2 is subtracted without loss.
    let r = simd.mul_add_e_f32s(n, simd.splat_f32s(-0.693_359_4), x);
    let r = simd.mul_add_e_f32s(n, simd.splat_f32s(2.121_944_4e-4), r);
    let p = polynomial(
        simd,
        r,
        [1.987_569_1e-4, 1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_66, 0.5, 1.0, 1.0],
    );
    let exponent = simd.add_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(127));
    let power = simd.wrapping_dyn_shl_u32s(exponent, simd.splat_u32s(23));
    simd.mul_f32s(p, simd.transmute_f32s_u32s(power))
}

/// The error function, off by at most 5e-7: the rational approximation Eigen uses for
/// `float` (`generic_fast_erf_float`), clamped where erf is 1 in `f32`.
#[inline(always)]
fn erf<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let (low, high) = (simd.splat_f32s(-4.0), simd.splat_f32s(4.0));
    let x = simd.select_f32s(simd.less_than_f32s(x, low), low, x);
    let x = simd.select_f32s(simd.less_than_f32s(high, x), high, x);
    let square = simd.mul_f32s(x, x);
    let p = polynomial(
        simd,
        square,
        [
            -2.726_142_3e-10,
            2.770_681_4e-8,
            -2.101_024e-6,
            -5.692_506_4e-5,
            -7.349_906_3e-4,
            -2.954_6e-3,
            -1.609_603_4e-2,
        ],
    );
    let q = polynomial(
        simd,
        square,
        [-1.456_607_1e-5, -2.133_740_6e-4, -1.682_827e-3, -7.373_329e-3, -1.426_474e-2],
    );
    simd.div_f32s(simd.mul_f32s(x, p), q)
}

/// A polynomial after Horner, the number of the highest power first.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(simd: S, x: S::f32s, numbers: [f32; N]) -> S::f32s {
    let mut sum = simd.splat_f32s(numbers[0]);
    for &number in &numbers[1..] {
        sum = simd.mul_add_e_f32s(sum, x, simd.splat_f32s(number));
    }
    sum
}

/// The logistic function, 1 / (1 + e⁻ˣ), and for x < 0 eˣ / (1 + eˣ): never the exponential of a large number.
#[inline(always)]
fn logistic<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
    let power = exp(simd, simd.neg_f32s(simd.abs_f32s(x)));
    let above = simd.select_f32s(simd.less_than_f32s(x, zero), power, one);
    simd.div_f32s(above, simd.add_f32s(one, power))
}

/// SiLU, x · σ(x).
#[inline(always)]
pub(super) fn silu<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    simd.mul_f32s(x, logistic(simd, x))
}

/// GELU, x/2 · (1 + erf(x / √2)).
#[inline(always)]
pub(super) fn gelu<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let half = simd.mul_f32s(x, simd.splat_f32s(0.5));
    let erf = erf(simd, simd.mul_f32s(x, simd.splat_f32s(FRAC_1_SQRT_2)));
    simd.mul_add_e_f32s(half, erf, half)
}

/// GELU by the hyperbolic tangent, x/2 · (1 + tanh u) = x · σ(2u), u = √(2/π) · (x + 0.044715 x³).
#[inline(always)]
pub(super) fn gelu_tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let cubic = simd.mul_f32s(simd.mul_f32s(x, x), simd.splat_f32s(0.044_715));
    let twice_root = simd.splat_f32s(2.0 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2);
    let u = simd.mul_f32s(simd.mul_add_e_f32s(x, cubic, x), twice_root);
    simd.mul_f32s(x, logistic(simd, u))
}

#[cfg(test)]
mod tests {
    use pulp::WithSimd;

    use super::super::testing::{Width, exact_erf, exact_gelu, exact_gelu_tanh, exact_silu};
    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Function {
        Exp,
        Erf,
        Silu,
        Gelu,
        GeluTanh,
    }

    struct Apply<'a>(Function, &'a mut [f32]);

    impl WithSimd for Apply<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let (registers, rest) = S::as_mut_simd_f32s(self.1);
            assert!(rest.is_empty());
            for x in registers {
                *x = match self.0 {
                    Function::Exp => exp(simd, *x),
                    Function::Erf => erf(simd, *x),
                    Function::Silu => silu(simd, *x),
                    Function::Gelu => gelu(simd, *x),
                    Function::GeluTanh => gelu_tanh(simd, *x),
                };
            }
        }
    }

    /// A function of these numbers, in registers of each width: all within `allowed`, which is given what is exact.
    fn check(
        function: Function,
        numbers: &[f32],
        exact: impl Fn(f64) -> f64,
        allowed: impl Fn(f64, f64) -> f64,
    ) {
        for width in Width::all() {
            let mut got = numbers.to_vec();
            got.resize(numbers.len().next_multiple_of(64), 0.0);
            width.run(Apply(function, &mut got));
            for (&x, &got) in numbers.iter().zip(&got) {
                let (x, got) = (f64::from(x), f64::from(got));
                let exact = exact(x);
                assert!(
                    (got - exact).abs() <= allowed(x, exact),
                    "{function:?}({x}), {width:?}: {exact} {got}"
                );
            }
        }
    }

    fn range(from: i32, to: i32) -> Vec<f32> {
        (from..=to).map(|i| i as f32 / 1_000.0).collect()
    }

    #[test]
    fn functions_are_exact_to_single_precision() {
        check(Function::Exp, &range(-75_000, 0), f64::exp, |_, exact| 3e-7 * exact);
        check(Function::Erf, &range(-4_000, 4_000), exact_erf, |_, _| 5e-7);
        check(Function::Silu, &range(-30_000, 30_000), exact_silu, |_, exact| 5e-7 * exact.abs().max(1e-12));
        check(Function::Gelu, &range(-5_000, 5_000), exact_gelu, |x, _| 5e-7 * x.abs());
        check(Function::GeluTanh, &range(-10_000, 10_000), exact_gelu_tanh, |x, _| 1e-6 * x.abs().max(1e-3));
    }

    #[test]
    fn large_numbers_and_nan() {
        check(Function::Exp, &[-1e30, f32::NEG_INFINITY], |_| 0.0, |_, _| 3e-33);
        check(Function::Erf, &[9.0, -9.0, 1e30, f32::INFINITY], f64::signum, |_, _| 1e-6);
        let large = [-1e4, -100.0, -8.0, 8.0, 100.0, 1e4];
        for function in [Function::Gelu, Function::GeluTanh] {
            check(function, &large, |x| x.max(0.0), |x, _| 1e-6 * x.max(1e-6));
        }
        check(Function::Silu, &[100.0, -200.0, 1e4, -1e4], |x| x.max(0.0), |_, _| 1e-28);
        for function in [Function::Exp, Function::Erf, Function::Silu, Function::Gelu, Function::GeluTanh] {
            for width in Width::all() {
                let mut nan = [f32::NAN; 64];
                width.run(Apply(function, &mut nan));
                assert!(nan.iter().all(|x| x.is_nan()), "{function:?} {width:?}");
            }
        }
    }
}
