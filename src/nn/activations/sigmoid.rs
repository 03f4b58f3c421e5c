//! Logistic sigmoid, with s = s(x) and 1 - s(x) = s(-x): f' = s(x) s(-x), f'' = s(x) s(-x) (s(-x) - s(x)).

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;

crate::kind! {
    /// 1 / (1 + exp(-x)).
    Sigmoid = "sigmoid", "1 / (1 + exp(-x))";
}

impl Scalar for Sigmoid {
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x.sigmoid()
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        x.sigmoid() * (-x).sigmoid()
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        let (s, rest) = (x.sigmoid(), (-x).sigmoid());
        s * rest * (rest - s)
    }
}
