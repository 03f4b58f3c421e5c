//! SiLU (swish), x s(x): f' = s (1 + x s(-x)), f'' = s(x) s(-x) (2 + x (s(-x) - s(x))).

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;
use crate::base::registry::Kind;
use serde::{Deserialize, Serialize};

/// x sigmoid(x), also called swish (Elfwing et al. 2017).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silu;

impl Kind for Silu {
    const NAME: &'static str = "silu";
    const SUMMARY: &'static str = "x sigmoid(x), also called swish (Elfwing et al. 2017)";
}

impl Scalar for Silu {

    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x * x.sigmoid()
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        x.sigmoid() * (E::ONE + x * (-x).sigmoid())
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        let (s, rest) = (x.sigmoid(), (-x).sigmoid());
        s * rest * (E::from_f64(2.0) + x * (rest - s))
    }
}
