//! Squared ReLU: max(0, x)^2, with f' = 2 max(0, x), which is continuous, and f'' = 2 above zero and 0 below, which
//! jumps at 0 and is taken as 0 there.

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;

crate::kind! {
    /// max(0, x)^2 (So et al. 2021).
    SquaredRelu = "squared-relu", "max(0, x)^2 (So et al. 2021)";
}

impl Scalar for SquaredRelu {
    const KINKS: &'static [f64] = &[0.0];
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        let above = x.max(E::ZERO);
        above * above
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        let above = x.max(E::ZERO);
        above + above
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        if x > E::ZERO { E::from_f64(2.0) } else { E::ZERO }
    }
}
