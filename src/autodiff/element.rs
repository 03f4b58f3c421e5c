//! The two element types, f32 and f64, behind one small trait.
//!
//! [`Element`] is faer's `RealField` (so that matrices of it can be multiplied) made `Copy`, with constants, conversions
//! and the elementary functions that activations and losses need. The functions are branch-free and vectorise inside
//! [`vectorised`](crate::autodiff::elementary::vectorised); their equations and errors stand in
//! [`elementary`](crate::autodiff::elementary).
//!
//! On a concrete `f32` or `f64`, `x.exp()` is the standard library's method, not this trait's: write `Element::exp(x)`
//! there. In code that is generic over `E: Element`, `x.exp()` is always the one here.

use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use super::elementary::{double, single};
use super::primitives::map::Curve;
use crate::base::Precision;

/// A real number type that networks are computed in: `f32` or `f64`.
///
/// No elementary function panics, and each gives the same bits whatever the width of the machine's vectors. NaN gives
/// NaN. The errors are the largest measured while the result is normal: in f32 over every sixteenth bit pattern against
/// `libm` in f64, in f64 over 200 000 random points a function against 40 digits (mpmath).
pub trait Element:
    faer::traits::RealField
    + Copy
    + Default
    + Send
    + Sync
    + PartialOrd
    + Debug
    + Display
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Sum
    + 'static
{
    /// The type's name: `"f32"` or `"f64"`.
    const NAME: &'static str;
    /// The type as a setting.
    const PRECISION: Precision;
    /// The distance from 1 to the next larger number.
    const EPSILON: Self;
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;

    /// The nearest element to `value`.
    fn from_f64(value: f64) -> Self;
    /// This element as f64, exactly.
    fn to_f64(self) -> f64;
    /// |x|.
    fn abs(self) -> Self;
    /// The larger of `self` and `other`, as one select: a NaN in `self` is kept, a NaN in `other` is passed over.
    fn max(self, other: Self) -> Self;
    /// The smaller of `self` and `other`, as one select: a NaN in `self` is kept, a NaN in `other` is passed over.
    fn min(self, other: Self) -> Self;
    /// `self * factor + addend`, rounded once. One instruction inside
    /// [`vectorised`](crate::autodiff::elementary::vectorised) on machines that have it, and the same bits on those that
    /// have not.
    fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// The square root, correctly rounded.
    fn sqrt(self) -> Self;
    /// Whether `self` is neither infinite nor NaN.
    fn is_finite(self) -> bool;

    /// Applies a function of forgotten type, or its derivative of the given order, over a slice.
    fn apply(curve: &dyn Curve, order: u8, x: &[Self], out: &mut [Self]);

    /// e^x. It overflows to infinity and underflows gradually. Error at most 0.99 ulp (f32), 0.92 ulp (f64).
    fn exp(self) -> Self;
    /// e^x - 1, accurate near 0. Error at most 1.6 ulp (f32), 1.9 ulp (f64).
    fn exp_m1(self) -> Self;
    /// ln x: NaN below 0, -infinity at 0. Error at most 0.83 ulp (f32), 0.77 ulp (f64).
    fn ln(self) -> Self;
    /// ln(1 + x), accurate near 0: NaN below -1, -infinity at -1. Error at most 1.4 ulp (f32), 1.3 ulp (f64).
    fn ln_1p(self) -> Self;
    /// The hyperbolic tangent. Error at most 2.5 ulp.
    fn tanh(self) -> Self;
    /// The logistic function 1 / (1 + e^-x), with relative accuracy for negative x, where it underflows gradually. Error
    /// at most 2.5 ulp (f32), 2.2 ulp (f64).
    fn sigmoid(self) -> Self;
    /// ln(1 + e^x), with relative accuracy for negative x, where it underflows gradually. Error at most 2.0 ulp (f32),
    /// 1.9 ulp (f64).
    fn softplus(self) -> Self;
    /// The error function 2/sqrt(pi) int_0^x e^(-t^2) dt. Error at most 2.4 ulp (f32), 2.1 ulp (f64).
    fn erf(self) -> Self;
    /// The standard normal distribution function Phi(x) = erfc(-x / sqrt 2) / 2, with relative accuracy for negative x.
    ///
    /// Error at most 6 ulp while the result is normal, for x > -12.9 (f32), x > -37.5 (f64); below, it underflows
    /// gradually. Next to [`normal_pdf`](Self::normal_pdf) of the same x the compiler computes the exponential once.
    fn normal_cdf(self) -> Self;
    /// The standard normal density phi(x) = e^(-x^2/2) / sqrt(2 pi). It underflows gradually. Error at most 2.2 ulp.
    fn normal_pdf(self) -> Self;
}

macro_rules! element {
    ($type:ident, $precision:ident, $functions:ident, $apply:ident) => {
        impl Element for $type {
            const NAME: &'static str = stringify!($type);
            const PRECISION: Precision = Precision::$precision;
            const EPSILON: Self = $type::EPSILON;
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;

            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as $type
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $type::abs(self)
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                if other > self { other } else { self }
            }
            #[inline(always)]
            fn min(self, other: Self) -> Self {
                if other < self { other } else { self }
            }
            #[inline(always)]
            fn mul_add(self, factor: Self, addend: Self) -> Self {
                $type::mul_add(self, factor, addend)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $type::sqrt(self)
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                $type::is_finite(self)
            }

            fn apply(curve: &dyn Curve, order: u8, x: &[Self], out: &mut [Self]) {
                curve.$apply(order, x, out);
            }

            #[inline(always)]
            fn exp(self) -> Self {
                $functions::exp(self)
            }
            #[inline(always)]
            fn exp_m1(self) -> Self {
                $functions::exp_m1(self)
            }
            #[inline(always)]
            fn ln(self) -> Self {
                $functions::ln(self)
            }
            #[inline(always)]
            fn ln_1p(self) -> Self {
                $functions::ln_1p(self)
            }
            #[inline(always)]
            fn tanh(self) -> Self {
                $functions::tanh(self)
            }
            #[inline(always)]
            fn sigmoid(self) -> Self {
                $functions::sigmoid(self)
            }
            #[inline(always)]
            fn softplus(self) -> Self {
                $functions::softplus(self)
            }
            #[inline(always)]
            fn erf(self) -> Self {
                $functions::erf(self)
            }
            #[inline(always)]
            fn normal_cdf(self) -> Self {
                $functions::normal_cdf(self)
            }
            #[inline(always)]
            fn normal_pdf(self) -> Self {
                $functions::normal_pdf(self)
            }
        }
    };
}

element!(f32, F32, single, apply_f32);
element!(f64, F64, double, apply_f64);
