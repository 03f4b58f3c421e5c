//! SELU: lambda times an ELU of alpha, with the two constants for which N(0, 1) inputs of a wide layer with LeCun's
//! variance come out with mean 0 and variance 1 (Klambauer et al. 2017, equation 14). f' and f'' jump at 0; there both
//! are those from below.

use crate::autodiff::Element;
use crate::autodiff::primitives::map::Scalar;

crate::kind! {
    /// lambda (x for x > 0, alpha (exp(x) - 1) below), self-normalising (Klambauer et al. 2017).
    Selu = "selu",
        "1.0507 (x for x > 0, 1.6733 (exp(x) - 1) below), self-normalising (Klambauer et al. 2017)";
}

/// Klambauer et al. 2017, equation 14: -sqrt(2/pi) / (erfc(1/sqrt 2) e^(1/2) - 1), to all digits.
const ALPHA: f64 = 1.673_263_242_354_377_2;
/// The scale that belongs to it.
const LAMBDA: f64 = 1.050_700_987_355_480_5;

impl Scalar for Selu {
    const KINKS: &'static [f64] = &[0.0];
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        let below = E::from_f64(LAMBDA * ALPHA) * x.min(E::ZERO).exp_m1();
        if x > E::ZERO { E::from_f64(LAMBDA) * x } else { below }
    }
    #[inline(always)]
    fn slope<E: Element>(&self, x: E) -> E {
        let below = E::from_f64(LAMBDA * ALPHA) * x.min(E::ZERO).exp();
        if x > E::ZERO { E::from_f64(LAMBDA) } else { below }
    }
    #[inline(always)]
    fn curvature<E: Element>(&self, x: E) -> E {
        let below = E::from_f64(LAMBDA * ALPHA) * x.min(E::ZERO).exp();
        if x > E::ZERO { E::ZERO } else { below }
    }
}
