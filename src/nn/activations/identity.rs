//! Identity: the network stays linear.

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;

crate::kind! {
    /// x: a linear network.
    Identity = "identity", "x: a linear network";
}

impl Scalar for Identity {
    const PIECEWISE_LINEAR: bool = true;
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x
    }
    #[inline(always)]
    fn slope<E: Element>(&self, _x: E) -> E {
        E::ONE
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, _x: E) -> E {
        E::ZERO
    }
}
