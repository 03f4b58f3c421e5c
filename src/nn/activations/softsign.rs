//! Softsign: x / (1 + |x|), with f' = 1 / (1 + |x|)^2 and f'' = -2 sign(x) / (1 + |x|)^3, which jumps at 0 and is
//! taken as 0 there.

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;

crate::kind! {
    /// x / (1 + |x|) (Bergstra et al. 2009).
    Softsign = "softsign", "x / (1 + |x|) (Bergstra et al. 2009)";
}

/// Where the value has long been 1 to the last bit: infinity over infinity would be NaN.
const FAR: f64 = 1e30;

impl Scalar for Softsign {
    const KINKS: &'static [f64] = &[0.0];
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        let near = x.max(E::from_f64(-FAR)).min(E::from_f64(FAR));
        near / (E::ONE + near.abs())
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        let one = E::ONE / (E::ONE + x.abs());
        one * one
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        let one = E::ONE / (E::ONE + x.abs());
        let below = if x < E::ZERO { E::from_f64(2.0) } else { E::ZERO };
        let sign = if x > E::ZERO { E::from_f64(-2.0) } else { below };
        sign * one * one * one
    }
}
