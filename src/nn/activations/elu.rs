//! ELU: x above zero, alpha (e^x - 1) below; f' = 1 or alpha e^x, f'' = 0 or alpha e^x. f' jumps at 0 unless alpha is 1,
//! and f'' in any case; at 0 both are those from below.

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;
use crate::base::{Error, Result};

crate::kind! {
    /// x for x > 0, alpha (exp(x) - 1) below (Clevert, Unterthiner and Hochreiter 2015).
    Elu = "elu", "x for x > 0, alpha (exp(x) - 1) below (Clevert, Unterthiner and Hochreiter 2015)";
    /// What the negative side saturates at, with the sign turned.
    alpha: f64 = 1.0, // Clevert, Unterthiner and Hochreiter 2015
}

impl Elu {
    fn refuse(&self) -> Result<()> {
        if (0.0..=1e6).contains(&self.alpha) {
            Ok(())
        } else {
            Err(Error::expected("alpha", "0 to 1e6", self.alpha))
        }
    }
}

impl Scalar for Elu {
    const KINKS: &'static [f64] = &[0.0];
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        let below = E::from_f64(self.alpha) * x.min(E::ZERO).exp_m1();
        if x > E::ZERO { x } else { below }
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        let below = E::from_f64(self.alpha) * x.min(E::ZERO).exp();
        if x > E::ZERO { E::ONE } else { below }
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        let below = E::from_f64(self.alpha) * x.min(E::ZERO).exp();
        if x > E::ZERO { E::ZERO } else { below }
    }
}
