//! CELU: x above zero, alpha (e^(x/alpha) - 1) below, so that f' is continuous whatever alpha: f' = 1 or e^(x/alpha),
//! f'' = 0 or e^(x/alpha) / alpha. f'' jumps at 0; there it is that from below.

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;
use crate::base::{Error, Result};

crate::kind! {
    /// x for x > 0, alpha (exp(x / alpha) - 1) below (Barron 2017).
    Celu = "celu", "x for x > 0, alpha (exp(x / alpha) - 1) below (Barron 2017)";
    /// What the negative side saturates at, with the sign turned, and how slowly.
    alpha: f64 = 1.0, // PyTorch's default; Barron 2017 leaves it free
}

impl Celu {
    fn refuse(&self) -> Result<()> {
        if (1e-6..=1e6).contains(&self.alpha) {
            Ok(())
        } else {
            Err(Error::expected("alpha", "1e-6 to 1e6", self.alpha))
        }
    }
}

impl Scalar for Celu {
    const KINKS: &'static [f64] = &[0.0];
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        let alpha = E::from_f64(self.alpha);
        let below = alpha * (x.min(E::ZERO) / alpha).exp_m1();
        if x > E::ZERO { x } else { below }
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        let below = (x.min(E::ZERO) / E::from_f64(self.alpha)).exp();
        if x > E::ZERO { E::ONE } else { below }
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        let alpha = E::from_f64(self.alpha);
        let below = (x.min(E::ZERO) / alpha).exp() / alpha;
        if x > E::ZERO { E::ZERO } else { below }
    }
}
