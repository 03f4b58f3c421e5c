//! Leaky ReLU: x above zero, `slope` x below. As for ReLU, f'' is taken as zero everywhere.

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;
use crate::base::{Error, Result, registry::Kind};
use serde::{Deserialize, Serialize};

/// x for x > 0, slope x below (Maas, Hannun and Ng 2013).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeakyRelu {
    /// Slope below zero.
    pub slope: f64,
}

impl Default for LeakyRelu {
    fn default() -> Self {
        Self { slope: 0.01 } // Maas, Hannun and Ng 2013
    }
}

impl Kind for LeakyRelu {
    const NAME: &'static str = "leaky-relu";
    const SUMMARY: &'static str = "x for x > 0, slope x below (Maas, Hannun and Ng 2013)";

    fn check(&self) -> Result<()> {
        match self.slope.is_finite() {
            true => Ok(()),
            false => Err(Error::expected("slope", "a finite number", self.slope)),
        }
    }
}

impl Scalar for LeakyRelu {
    const PIECEWISE_LINEAR: bool = true;
    const KINKS: &'static [f64] = &[0.0];
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        if x > E::ZERO { x } else { E::from_f64(self.slope) * x }
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        if x > E::ZERO { E::ONE } else { E::from_f64(self.slope) }
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, _x: E) -> E {
        E::ZERO
    }
}
