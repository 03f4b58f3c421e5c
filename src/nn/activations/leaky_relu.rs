//! Leaky ReLU: x above zero, `slope` x below. As for ReLU, f'' is taken as zero everywhere.

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;
use crate::base::{Error, Result};

crate::kind! {
    /// x for x > 0, slope x below (Maas, Hannun and Ng 2013).
    LeakyRelu = "leaky-relu", "x for x > 0, slope x below (Maas, Hannun and Ng 2013)";
    /// Slope below zero.
    slope: f64 = 0.01, // Maas, Hannun and Ng 2013
}

impl LeakyRelu {
    fn refuse(&self) -> Result<()> {
        if self.slope.is_finite() {
            Ok(())
        } else {
            Err(Error::expected("slope", "a finite number", self.slope))
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
