//! Mish, x T with T = tanh(ln(1 + e^x)). With s = s(x) the logistic sigmoid and D = 1 - T^2, so that T' = D s:
//! f' = T + x D s, f'' = D s (2 + x (s(-x) - 2 T s)).
//!
//! T = ((1 + e^x)^2 - 1) / ((1 + e^x)^2 + 1) is rational in e^x, so that u = e^-|x| is the only exponential:
//! below zero T = u (2 + u) / (1 + (1 + u)^2) and D = 4 (1 + u)^2 / (1 + (1 + u)^2)^2; above, with both sides of
//! each fraction times u^2, T = (1 + 2 u) / (u^2 + (1 + u)^2) and D = 4 u^2 (1 + u)^2 / (u^2 + (1 + u)^2)^2. Neither
//! subtracts, and both keep their relative accuracy far out.

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;

crate::kind! {
    /// x tanh(ln(1 + exp x)) (Misra 2019).
    Mish = "mish", "x tanh(ln(1 + exp x)) (Misra 2019)";
}

/// Where e^-|x| has long underflowed to 0: a factor held within meets that 0 as a number, where infinity would
/// make NaN of it.
const FAR: f64 = 750.0;

/// T, D s, and s(-x) - 2 T s.
#[inline(always)]
fn parts<E: Element>(x: E) -> (E, E, E) {
    let two = E::from_f64(2.0);
    let u = (-x.abs()).exp();
    let square = (E::ONE + u) * (E::ONE + u);
    let below = x < E::ZERO;
    let denominator = square + if below { E::ONE } else { u * u };
    let t = (if below { u * (two + u) } else { E::ONE + two * u }) / denominator;
    // (1 + u)^2 s = (1 + u) (u or 1): D s has the fraction's zero in full.
    let numerator = E::from_f64(4.0) * (E::ONE + u) * if below { u } else { u * u };
    let (s, rest) = (if below { u } else { E::ONE }, if below { E::ONE } else { u });
    let scale = E::ONE / (E::ONE + u);
    (t, numerator / (denominator * denominator), (rest - two * t * s) * scale)
}

#[inline(always)]
fn near<E: Element>(x: E) -> E {
    x.max(E::from_f64(-FAR)).min(E::from_f64(FAR))
}

impl Scalar for Mish {
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x.max(E::from_f64(-FAR)) * parts(x).0
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        let (t, rise, _) = parts(x);
        t + near(x) * rise
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        let (_, rise, bend) = parts(x);
        rise * (E::from_f64(2.0) + near(x) * bend)
    }
}
