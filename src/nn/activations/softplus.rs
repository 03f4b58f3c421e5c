//! Softplus, a smooth ReLU: f' is the logistic sigmoid.

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;

crate::kind! {
    /// ln(1 + exp x).
    Softplus = "softplus", "ln(1 + exp x)";
}

impl Scalar for Softplus {
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x.softplus()
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        x.sigmoid()
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        x.sigmoid() * (-x).sigmoid()
    }
}
