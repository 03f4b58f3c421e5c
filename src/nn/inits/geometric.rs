//! Geometric mean: variance c / sqrt(fan_in fan_out), between what keeps signals forward and what keeps gradients
//! backward; it balances the diagonal blocks of the Hessian at the start (Defazio and Bottou 2019).

use super::{Fans, Initialize};
use crate::base::{Error, Result, random::Rng};

crate::kind! {
    /// N(0, c / sqrt(fan_in fan_out)) (Defazio and Bottou 2019).
    Geometric = "geometric", "N(0, c / sqrt(fan_in fan_out)) (Defazio and Bottou 2019)";
    /// The variance where both fans are 1.
    c: f64 = 2.0, // He et al. 2015, where both fans are equal; Defazio and Bottou 2019 leave it free
}

impl Geometric {
    fn refuse(&self) -> Result<()> {
        if self.c.is_finite() && self.c >= 0.0 {
            Ok(())
        } else {
            Err(Error::expected("c", "a finite number of at least 0", self.c))
        }
    }
}

impl Initialize for Geometric {
    fn fill(&self, fans: &Fans, rng: &mut Rng, out: &mut [f64]) {
        super::normal(self.c / (fans.fan_in as f64 * fans.fan_out as f64).sqrt(), rng, out);
    }
}
