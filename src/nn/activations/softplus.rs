//! Softplus, a smooth ReLU: f' is the logistic sigmoid.

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;
use crate::base::registry::Kind;
use serde::{Deserialize, Serialize};

/// ln(1 + exp x).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Softplus;

impl Kind for Softplus {
    const NAME: &'static str = "softplus";
    const SUMMARY: &'static str = "ln(1 + exp x)";
}

impl Scalar for Softplus {
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x.softplus()
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        x.sigmoid()
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        x.sigmoid() * (-x).sigmoid()
    }
}
