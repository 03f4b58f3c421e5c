//! ReLU: max(0, x). Its second derivative is zero except at the kink, where none exists; products with the
//! Hessian take it as zero everywhere, and f'(0) = 0.

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;
use crate::base::registry::Kind;
use serde::{Deserialize, Serialize};

/// max(0, x).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relu;

impl Kind for Relu {
    const NAME: &'static str = "relu";
    const SUMMARY: &'static str = "max(0, x)";
}

impl Scalar for Relu {
    const PIECEWISE_LINEAR: bool = true;
    const KINKS: &'static [f64] = &[0.0];
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        if x <= E::ZERO { E::ZERO } else { x }
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        if x > E::ZERO { E::ONE } else { E::ZERO }
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, _x: E) -> E {
        E::ZERO
    }
}
