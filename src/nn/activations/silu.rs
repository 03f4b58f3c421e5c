//! SiLU (swish), x s(x): f' = s (1 + x s(-x)), f'' = s(x) s(-x) (2 + x (s(-x) - s(x))).

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;

crate::kind! {
    /// x sigmoid(x), also called swish (Elfwing et al. 2017).
    Silu = "silu", "x sigmoid(x), also called swish (Elfwing et al. 2017)";
}

/// Where s(-x) has long underflowed to 0: a factor held within meets that 0 as a number, where infinity would
/// make NaN of it.
const FAR: f64 = 750.0;

impl Scalar for Silu {
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x.max(E::from_f64(-FAR)) * x.sigmoid()
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        let near = x.max(E::from_f64(-FAR)).min(E::from_f64(FAR));
        x.sigmoid() * (E::ONE + near * (-x).sigmoid())
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        let near = x.max(E::from_f64(-FAR)).min(E::from_f64(FAR));
        let (s, rest) = (x.sigmoid(), (-x).sigmoid());
        s * rest * (E::from_f64(2.0) + near * (rest - s))
    }
}
