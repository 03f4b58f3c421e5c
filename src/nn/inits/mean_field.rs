//! Mean field: Gaussian weights and biases of given variances, the plane on which random networks have their phases.
//!
//! Poole et al. 2016 (arXiv 1606.05340), Schoenholz et al. 2017 (arXiv 1611.01232): signals of a deep random network fade on
//! one side of a line in the plane of (weight, bias), and nearby inputs part chaotically on the other; near the line
//! networks of any depth can be trained.

use super::{Fans, Initialize};
use crate::base::{Error, Result, random::Rng, registry::Kind};
use serde::{Deserialize, Serialize};

/// W ~ N(0, weight^2 / fan_in), b ~ N(0, bias^2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MeanField {
    /// sigma_w: standard deviation of a weight times the root of its fan-in.
    pub weight: f64,
    /// sigma_b: standard deviation of a bias.
    pub bias: f64,
}

impl Default for MeanField {
    fn default() -> Self {
        // The point where ReLU's signals neither grow nor fade; for it this is He's.
        Self { weight: 2f64.sqrt(), bias: 0.0 }
    }
}

impl Kind for MeanField {
    const NAME: &'static str = "mean-field";
    const SUMMARY: &'static str = "N(0, weight^2 / fan_in), biases N(0, bias^2) (Poole et al. 2016)";

    fn check(&self) -> Result<()> {
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
