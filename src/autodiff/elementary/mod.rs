//! Elementary functions for whole slices: branch-free, vectorised by the compiler, accurate to a few ulp.
//!
//! Every function is straight-line arithmetic on one element: range reduction by exact steps, one minimax polynomial or
//! quotient of polynomials, and selects between values that are computed anyway. A plain loop over a slice inside
//! [`vectorised`] therefore becomes a vector loop. Multiplications and additions are never fused and no element depends
//! on another, so the bits of a result depend neither on the vector width nor on the processor.
//!
//! With n = round(x / ln 2), r = x - n ln 2 and p(r) ~ e^r - 1 on |r| <= ln(2)/2:
//!
//! | function | how |
//! |---|---|
//! | e^x | 2^n (1 + p) |
//! | e^x - 1 | 2^n p + (2^n - 1), which is p itself for n = 0 |
//! | tanh x | -m / (2 + m), m = e^(-2\|x\|) - 1, with the sign of x |
//! | sigmoid x | 1 / (1 + e) for x >= 0, e / (1 + e) for x < 0, e = e^-\|x\| |
//! | ln(1 + x) | k ln 2 + ln(1 + f), 1 + x = 2^k (1 + f), f from x itself: 2^-k x + (2^-k - 1) |
//! | softplus x | max(x, 0) + ln(1 + e^-\|x\|) |
//! | erf x | 1 - e^-P, P = -ln erfc(\|x\|) a smooth function with P ~ 2 \|x\| / sqrt(pi), with the sign of x |
//! | Phi(x) | e^(-x^2/2) G(\|x\|) for x < 0 and 1 minus that for x >= 0, G(a) = e^(a^2/2) Phi(-a) smooth |
//!
//! The square in e^(-x^2/2) is split into an exact high part and a rest, so that its rounding does not grow with x^2.
//!
//! The two-step reduction is Cody and Waite's (Software Manual for the Elementary Functions, 1980), the logarithm has
//! the shape of FreeBSD msun's `e_log.c`. All coefficients are our own: Remez exchange (polynomials) and
//! Sanathanan-Koerner with Lawson's weights (quotients) in 60 to 90 digits; those of polynomials were rounded to the
//! element type one after the other, lowest first, with the rest fitted again, those of Phi in f32 moved by single units
//! of the last place. The relative error stated beside each set is that of the rounded coefficients in exact arithmetic.
//!
//! Specials, for all: NaN gives NaN, infinities give the limits, exp_m1, ln_1p, tanh and erf keep the sign of zero,
//! results too small for a normal number are rounded to subnormal ones, nothing panics. The errors measured stand at the
//! methods of [`Element`](super::element::Element).

pub mod double;
mod shared;
pub mod single;
#[cfg(test)]
mod tests;

use std::ops::{Add, Mul};

/// Runs `work` compiled for the widest vectors that this machine has (AVX-512, AVX2, NEON, or none).
///
/// Plain loops inside `work` over [`Element`](super::element::Element) functions become vector loops. The results are the
/// same bits on every machine: the width changes how many elements are computed at once, never how.
///
/// Only what is inlined into `work`, and `work` itself, is compiled that way, so mark closures and functions on the
/// path `#[inline(always)]`; the compiler leaves large ones outside otherwise, and they run several times slower:
///
/// ```
/// # use losscape_core as losscape;
/// use losscape::autodiff::{element::Element, elementary::vectorised};
///
/// fn apply<E: Element>(values: &mut [E], f: impl Fn(E) -> E) {
///     vectorised(
///         #[inline(always)]
///         || {
///             for value in values {
///                 *value = f(*value);
///             }
///         },
///     );
/// }
/// let mut values = [0.0_f32; 100];
/// apply(&mut values, #[inline(always)] |x| x.sigmoid());
/// assert_eq!(values, [0.5; 100]);
/// ```
///
/// Sums are not vectorised, as that would reorder them: write maps, or sums over several fixed lanes. A call costs a few
/// nanoseconds; make it once a slice, not once an element.
#[inline(always)]
pub fn vectorised<R, F: FnOnce() -> R>(work: F) -> R {
    pulp::Arch::new().dispatch(work)
}

/// sum_i c_i x^i, as E(x^2) + x O(x^2): two chains half as long as Horner's, so that they overlap.
#[inline(always)]
fn polynomial<T: Copy + Add<Output = T> + Mul<Output = T>, const N: usize>(x: T, c: [T; N]) -> T {
    const { assert!(N >= 2) };
    let y = x * x;
    let (mut a, mut b) = (c[N - 1], c[N - 2]);
    let mut i = N - 2;
    while i >= 2 {
        (a, b) = (a * y + c[i - 1], b * y + c[i - 2]);
        i -= 2;
    }
    // For even N the pairs end at (c_1, c_0); for odd N c_0 is left and `a` holds the even chain.
    if N.is_multiple_of(2) { b + x * a } else { c[0] + x * (b + x * a) }
}
