//! Identity: the network stays linear.

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;
use crate::base::registry::Kind;
use serde::{Deserialize, Serialize};

/// x: a linear network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity;

impl Kind for Identity {
    const NAME: &'static str = "identity";
    const SUMMARY: &'static str = "x: a linear network";
}

impl Scalar for Identity {
    const PIECEWISE_LINEAR: bool = true;
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x
    }
    #[inline(always)]
    fn slope<E: Element>(&self, _x: E) -> E {
        E::ONE
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, _x: E) -> E {
        E::ZERO
    }
}
