//! Hyperbolic tangent, with t = tanh x: f' = 1 - t^2, f'' = -2 t (1 - t^2).

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;
use crate::base::registry::Kind;
use serde::{Deserialize, Serialize};

/// tanh x.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tanh;

impl Kind for Tanh {
    const NAME: &'static str = "tanh";
    const SUMMARY: &'static str = "tanh x";
}

impl Scalar for Tanh {

    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x.tanh()
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        let t = x.tanh();
        (E::ONE - t) * (E::ONE + t)
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        let t = x.tanh();
        E::from_f64(-2.0) * t * (E::ONE - t) * (E::ONE + t)
    }
}
