//! ReLU: max(0, x). Its second derivative is zero except at the kink, where none exists; products with the
//! Hessian take it as zero everywhere, and f'(0) = 0.

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;

crate::kind! {
    /// max(0, x).
    Relu = "relu", "max(0, x)";
}

impl Scalar for Relu {
    const PIECEWISE_LINEAR: bool = true;
    const KINKS: &'static [f64] = &[0.0];
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        if x <= E::ZERO { E::ZERO } else { x }
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        if x > E::ZERO { E::ONE } else { E::ZERO }
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, _x: E) -> E {
        E::ZERO
    }
}
