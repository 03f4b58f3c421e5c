//! GELU, x Phi(x) with the exact normal distribution function: f' = Phi + x phi, f'' = (2 - x^2) phi.

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;

crate::kind! {
    /// x Phi(x), exact (Hendrycks and Gimpel 2016).
    Gelu = "gelu", "x Phi(x), exact (Hendrycks and Gimpel 2016)";
}

/// Where Phi(-x) and phi(x) have long underflowed to 0: a factor held within meets that 0 as a number, where
/// infinity, or a square of infinity, would make NaN of it.
const FAR: f64 = 40.0;

impl Scalar for Gelu {
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x.max(E::from_f64(-FAR)) * x.normal_cdf()
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        let near = x.max(E::from_f64(-FAR)).min(E::from_f64(FAR));
        x.normal_cdf() + near * x.normal_pdf()
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        let near = x.max(E::from_f64(-FAR)).min(E::from_f64(FAR));
        (E::from_f64(2.0) - near * near) * x.normal_pdf()
    }
}
