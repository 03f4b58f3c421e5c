//! A power of what is left of training: last + (1 - last) (1 - epoch / epochs)^power (Chen et al. 2017's "poly").

use super::{Factor, Progress};
use crate::base::{Error, Result, registry::Kind};
use serde::{Deserialize, Serialize};

/// A power of what is left of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Polynomial {
    /// 1 for a straight line; above, the rate falls early, below, late.
    pub power: f64,
    /// Share of the rate left at the end, from 0 to 1.
    pub last: f64,
}

impl Default for Polynomial {
    fn default() -> Self {
        Self { power: 0.9, last: 0.0 } // Chen et al. 2017 (DeepLab)
    }
}

impl Kind for Polynomial {
    const NAME: &'static str = "polynomial";
    const SUMMARY: &'static str = "last + (1 - last) (1 - epoch / epochs)^power (Chen et al. 2017)";

    fn check(&self) -> Result<()> {
        if !(self.power > 0.0 && self.power.is_finite()) {
            return Err(Error::expected("power", "a finite number above 0", self.power));
        }
        super::check_share("last", self.last)
    }
}

impl Factor for Polynomial {
    fn factor(&self, progress: Progress) -> f64 {
        self.last + (1.0 - self.last) * (1.0 - progress.done()).powf(self.power)
    }
}
