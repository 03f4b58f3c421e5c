//! Hyperbolic tangent: f' = 1 - tanh^2 x = 4 s(2x) s(-2x) with s the logistic sigmoid, which keeps its relative
//! accuracy far out where 1 - tanh^2 x cancels; f'' = -2 tanh x f'.

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;

crate::kind! {
    /// tanh x.
    Tanh = "tanh", "tanh x";
}

impl Scalar for Tanh {
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x.tanh()
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        let two_x = x + x;
        E::from_f64(4.0) * two_x.sigmoid() * (-two_x).sigmoid()
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        E::from_f64(-2.0) * x.tanh() * self.slope(x)
    }
}
