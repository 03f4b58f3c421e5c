//! Naive: one standard deviation for every layer, whatever its width. Kept to be seen failing in deep networks.

use super::{Fans, Initialize};
use crate::base::{Error, Result, random::Rng, registry::Kind};
use serde::{Deserialize, Serialize};

/// N(0, std^2) whatever the fan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Naive {
    /// Standard deviation of every weight.
    pub std: f64,
}

impl Default for Naive {
    fn default() -> Self {
        Self { std: 0.01 } // Krizhevsky, Sutskever and Hinton 2012
    }
}

impl Kind for Naive {
    const NAME: &'static str = "naive";
    const SUMMARY: &'static str = "N(0, std^2) whatever the fan";

    fn check(&self) -> Result<()> {
        match self.std.is_finite() && self.std >= 0.0 {
            true => Ok(()),
            false => Err(Error::expected("std", "a finite number of at least 0", self.std)),
        }
    }
}

impl Initialize for Naive {
    fn fill(&self, _fans: &Fans, rng: &mut Rng, out: &mut [f64]) {
        super::normal(self.std * self.std, rng, out);
    }
}
