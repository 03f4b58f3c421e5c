//! Quadratic: x^2, the activation of networks whose landscapes are known in closed form; f' = 2 x, f'' = 2.

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;

crate::kind! {
    /// x^2 (Livni, Shalev-Shwartz and Shamir 2014).
    Quadratic = "quadratic", "x^2 (Livni, Shalev-Shwartz and Shamir 2014)";
}

impl Scalar for Quadratic {
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
