//! The elementary functions of a computer algebra's first page, each with two derivatives.

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;
use std::f64::consts::{FRAC_2_PI, FRAC_2_SQRT_PI, FRAC_PI_2};

/// A function named by its value and two derivatives of `x`.
macro_rules! curve {
    ($(#[$doc:meta])* $Name:ident, |$x:ident: $E:ident| $value:expr, $slope:expr, $curvature:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $Name;

        impl Scalar for $Name {
            #[inline(always)]
            fn value<$E: Element>(&self, $x: $E) -> $E {
                $value
            }
            #[inline(always)]
            fn slope<$E: Element>(&self, $x: $E) -> $E {
                $slope
            }
            #[inline(always)]
            fn curvature<$E: Element>(&self, $x: $E) -> $E {
                $curvature
            }
        }
    };
}

curve!(
    /// e^x.
    Exp,
    |x: E| x.exp(),
    x.exp(),
    x.exp()
);
curve!(
    /// e^x - 1, accurate near 0.
    ExpM1,
    |x: E| x.exp_m1(),
    x.exp(),
    x.exp()
);
curve!(
    /// ln x.
    Log,
    |x: E| x.ln(),
    E::ONE / x,
    -E::ONE / (x * x)
);
curve!(
    /// ln(1 + x), accurate near 0.
    Log1p,
    |x: E| x.ln_1p(),
    E::ONE / (E::ONE + x),
    -E::ONE / ((E::ONE + x) * (E::ONE + x))
);
curve!(
    /// The square root, with infinite slope at 0.
    Sqrt,
    |x: E| x.sqrt(),
    E::from_f64(0.5) / x.sqrt(),
    E::from_f64(-0.25) / (x * x.sqrt())
);
curve!(
    /// sin x, to 2 ulp; NaN from |x| = 10^15 on, where neighbouring numbers lie a good part of a turn apart.
    Sin,
    |x: E| turned(x, 0),
    turned(x, 1),
    -turned(x, 0)
);
curve!(
    /// cos x, to 2 ulp; NaN from |x| = 10^15 on, where neighbouring numbers lie a good part of a turn apart.
    Cos,
    |x: E| turned(x, 1),
    -turned(x, 0),
    -turned(x, 1)
);
curve!(
    /// The error function 2/sqrt(pi) int_0^x e^(-t^2) dt.
    Erf,
    |x: E| x.erf(),
    bell(x),
    E::from_f64(-2.0) * near(x) * bell(x)
);
curve!(
    /// tan x.
    Tan,
    |x: E| E::from_f64(libm::tan(x.to_f64())),
    E::ONE / (turned(x, 1) * turned(x, 1)),
    E::from_f64(2.0) * E::from_f64(libm::tan(x.to_f64())) / (turned(x, 1) * turned(x, 1))
);
curve!(
    /// arctan x.
    Atan,
    |x: E| E::from_f64(libm::atan(x.to_f64())),
    E::ONE / (E::ONE + x * x),
    E::from_f64(-2.0) * x / ((E::ONE + x * x) * (E::ONE + x * x))
);
curve!(
    /// The hyperbolic sine.
    Sinh,
    |x: E| E::from_f64(libm::sinh(x.to_f64())),
    E::from_f64(libm::cosh(x.to_f64())),
    E::from_f64(libm::sinh(x.to_f64()))
);
curve!(
    /// The hyperbolic cosine.
    Cosh,
    |x: E| E::from_f64(libm::cosh(x.to_f64())),
    E::from_f64(libm::sinh(x.to_f64())),
    E::from_f64(libm::cosh(x.to_f64()))
);

/// sin(x + quarters pi/2). With n = round(x 2/pi) and r = x - n pi/2, exact by fused steps, it is a Taylor polynomial in r on
/// |r| <= pi/4, to r^17 or r^18: what is left out is below a tenth of an ulp.
#[inline(always)]
fn turned<E: Element>(x: E, quarters: u64) -> E {
    const ROUNDING: f64 = 1.5 / f64::EPSILON;
    // pi/2 = FRAC_PI_2 + these two, to 2^-160.
    const REST: [f64; 2] = [6.123_233_995_736_766e-17, -1.497_384_904_859_183e-33];
    const FAR: f64 = 1e15;
    let x = x.to_f64();
    let rounded = x * FRAC_2_PI + ROUNDING;
    let n = ROUNDING - rounded;
    let r = n.mul_add(REST[1], n.mul_add(REST[0], n.mul_add(FRAC_PI_2, x)));
    // Sums with 0 would lose the sign of -0.
    let r = if n == 0.0 { x } else { r };
    let s = r * r;
    let odd = [
        -1.0 / 6.0,
        1.0 / 120.0,
        -1.0 / 5_040.0,
        1.0 / 362_880.0,
        -1.0 / 39_916_800.0,
        1.0 / 6_227_020_800.0,
        -1.0 / 1_307_674_368_000.0,
        1.0 / 355_687_428_096_000.0,
    ];
    let even = [
        1.0 / 24.0,
        -1.0 / 720.0,
        1.0 / 40_320.0,
        -1.0 / 3_628_800.0,
        1.0 / 479_001_600.0,
        -1.0 / 87_178_291_200.0,
        1.0 / 20_922_789_888_000.0,
        -1.0 / 6_402_373_705_728_000.0,
    ];
    let (mut p, mut q) = (0.0, 0.0);
    for i in (0..8).rev() {
        (p, q) = (p * s + odd[i], q * s + even[i]);
    }
    let sine = if s == 0.0 { r } else { r + r * s * p };
    // 1 - s/2 rounds; what it loses is added again.
    let half = 0.5 * s;
    let most = 1.0 - half;
    let cosine = most + (((1.0 - most) - half) + s * s * q);
    let quarter = rounded.to_bits().wrapping_add(quarters);
    let size = if quarter & 1 == 0 { sine } else { cosine };
    let value = if quarter & 2 == 0 { size } else { -size };
    E::from_f64(if x.abs() < FAR { value } else { f64::NAN })
}

/// Held where e^(-x^2) is not yet 0.
#[inline(always)]
fn near<E: Element>(x: E) -> E {
    x.max(E::from_f64(-30.0)).min(E::from_f64(30.0))
}

/// 2/sqrt(pi) e^(-x^2), the square split into an exact high part and a rest, so that its rounding does not grow with x^2.
#[inline(always)]
fn bell<E: Element>(x: E) -> E {
    let x = near(x);
    let split = E::from_f64(if size_of::<E>() == 4 { 4097.0 } else { 134_217_729.0 }) * x;
    let high = split - (split - x);
    (-(high * high)).exp() * (-((x - high) * (x + high))).exp() * E::from_f64(FRAC_2_SQRT_PI)
}

/// x^exponent: NaN for x < 0 and an exponent that is no whole number. Up to an exponent of 4 in size it is made of
/// products and square roots.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Power {
    /// The exponent.
    pub exponent: f64,
}

/// c x^p, and 0 where c is.
#[inline(always)]
fn power<E: Element>(c: f64, x: E, p: f64) -> E {
    let size = match p.abs() {
        _ if c == 0.0 => return E::ZERO,
        0.0 => E::ONE,
        0.5 => x.sqrt(),
        1.0 => x,
        1.5 => x * x.sqrt(),
        2.0 => x * x,
        3.0 => x * x * x,
        4.0 => (x * x) * (x * x),
        _ => return E::from_f64(c * libm::pow(x.to_f64(), p)),
    };
    let c = E::from_f64(c);
    if p < 0.0 { c / size } else { c * size }
}

impl Scalar for Power {
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        power(1.0, x, self.exponent)
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        power(self.exponent, x, self.exponent - 1.0)
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        power(self.exponent * (self.exponent - 1.0), x, self.exponent - 2.0)
    }
}

/// base^x, for a positive base.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exponential {
    /// What is raised to the power x.
    pub base: f64,
}

impl Scalar for Exponential {
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        E::from_f64(libm::pow(self.base, x.to_f64()))
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        E::from_f64(libm::pow(self.base, x.to_f64()) * self.base.ln())
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        E::from_f64(libm::pow(self.base, x.to_f64()) * self.base.ln() * self.base.ln())
    }
}

/// |x|; f' is 0 at 0, and f'' is taken as zero everywhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Abs;

impl Scalar for Abs {
    const PIECEWISE_LINEAR: bool = true;
    const KINKS: &'static [f64] = &[0.0];
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x.abs()
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        sign(x)
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, _x: E) -> E {
        E::ZERO
    }
}

/// x^2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Square;

impl Scalar for Square {
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x * x
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        x + x
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, _x: E) -> E {
        E::from_f64(2.0)
    }
}

/// -1, 0 or 1.
#[inline(always)]
fn sign<E: Element>(x: E) -> E {
    let above = if x > E::ZERO { E::ONE } else { E::ZERO };
    if x < E::ZERO { -E::ONE } else { above }
}

/// Functions that are constant between jumps: their derivative is taken as zero everywhere.
macro_rules! steps {
    ($($(#[$doc:meta])* $Name:ident, |$x:ident: $E:ident| $value:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $Name;

        impl Scalar for $Name {
            const PIECEWISE_LINEAR: bool = true;
            const PIECEWISE_CONSTANT: bool = true;
            const KINKS: &'static [f64] = &[0.0];
            #[inline(always)]
            fn value<$E: Element>(&self, $x: $E) -> $E {
                $value
            }
            #[inline(always)]
            fn slope<E: Element>(&self, _x: E) -> E {
                E::ZERO
            }
            #[inline(always)]
            fn curvature<E: Element>(&self, _x: E) -> E {
                E::ZERO
            }
        }
    )+};
}

steps! {
    /// -1, 0 or 1: the sign of x.
    Sign, |x: E| sign(x);
    /// The largest whole number that is not above x.
    Floor, |x: E| E::from_f64(x.to_f64().floor());
    /// The smallest whole number that is not below x.
    Ceil, |x: E| E::from_f64(x.to_f64().ceil());
    /// The nearest whole number, the even one of two.
    Round, |x: E| E::from_f64(x.to_f64().round_ties_even());
    /// The whole number next to x on the side of 0.
    Trunc, |x: E| E::from_f64(x.to_f64().trunc());
}
