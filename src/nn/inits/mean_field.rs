//! Mean field: Gaussian weights and biases of given variances, the plane on which random networks have their phases.
//!
//! Poole et al. 2016 (arXiv 1606.05340), Schoenholz et al. 2017 (arXiv 1611.01232): signals of a deep random network fade on
//! one side of a line in the plane of (weight, bias), and nearby inputs part chaotically on the other; near the line
//! networks of any depth can be trained.

use super::{Fans, Initialize};
use crate::base::{Error, Result, random::Rng};

crate::kind! {
    /// W ~ N(0, weight^2 / fan_in), b ~ N(0, bias^2).
    MeanField = "mean-field", "N(0, weight^2 / fan_in), biases N(0, bias^2) (Poole et al. 2016)";
    // The point where ReLU's signals neither grow nor fade; for it this is He's.
    /// sigma_w: standard deviation of a weight times the root of its fan-in.
    weight: f64 = 2f64.sqrt(),
    /// sigma_b: standard deviation of a bias.
    bias: f64 = 0.0,
}

impl MeanField {
    fn refuse(&self) -> Result<()> {
        for (key, x) in [("weight", self.weight), ("bias", self.bias)] {
            if !(x.is_finite() && x >= 0.0) {
                return Err(Error::expected(key, "a finite number of at least 0", x));
            }
        }
        Ok(())
    }
}

impl Initialize for MeanField {
    fn fill(&self, fans: &Fans, rng: &mut Rng, out: &mut [f64]) {
        super::normal(self.weight * self.weight / fans.fan_in as f64, rng, out);
    }

    fn bias(&self, rng: &mut Rng, out: &mut [f64]) {
        super::normal(self.bias * self.bias, rng, out);
    }
}
