//! Functions of one number that norms are made of, to be recorded with [`Tape::map`](super::Tape::map).

use super::Element;
use super::primitives::map::Scalar;

/// 1 / sqrt(x + eps), for x + eps > 0: what a norm multiplies by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InverseSqrt {
    /// Added to x, so that a variance of zero divides nothing by zero.
    pub eps: f64,
}

impl Scalar for InverseSqrt {
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        E::ONE / (x + E::from_f64(self.eps)).sqrt()
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        let x = x + E::from_f64(self.eps);
        E::from_f64(-0.5) / (x * x.sqrt())
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        let x = x + E::from_f64(self.eps);
        E::from_f64(0.75) / (x * x * x.sqrt())
    }
}

/// 1 / x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reciprocal;

impl Scalar for Reciprocal {
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        E::ONE / x
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        -E::ONE / (x * x)
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        E::from_f64(2.0) / (x * x * x)
    }
}
