//! Naive: one standard deviation for every layer, whatever its width. Kept to be seen failing in deep networks.

use super::{Fans, Initialize};
use crate::base::{Error, Result, random::Rng};

crate::kind! {
    /// N(0, std^2) whatever the fan.
    Naive = "naive", "N(0, std^2) whatever the fan";
    /// Standard deviation of every weight.
    std: f64 = 0.01, // Krizhevsky, Sutskever and Hinton 2012
}

impl Naive {
    fn refuse(&self) -> Result<()> {
        if self.std.is_finite() && self.std >= 0.0 {
            Ok(())
        } else {
            Err(Error::expected("std", "a finite number of at least 0", self.std))
        }
    }
}

impl Initialize for Naive {
    fn fill(&self, _fans: &Fans, rng: &mut Rng, out: &mut [f64]) {
        super::normal(self.std * self.std, rng, out);
    }
}
