//! The rate falls by the same factor in every epoch, a little in every step: gamma^epoch.

use super::{Factor, Progress};
use crate::base::{Result, registry::Kind};
use serde::{Deserialize, Serialize};

/// The rate falls by the same factor in every epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Exponential {
    /// What the rate is multiplied by over an epoch.
    pub gamma: f64,
}

impl Default for Exponential {
    fn default() -> Self {
        Self { gamma: 0.97 } // Szegedy et al. 2016: 0.94 every two epochs
    }
}

impl Kind for Exponential {
    const NAME: &'static str = "exponential";
    const SUMMARY: &'static str = "gamma^epoch";

    fn check(&self) -> Result<()> {
        super::check_gamma(self.gamma)
    }
}

impl Factor for Exponential {
    fn factor(&self, progress: Progress) -> f64 {
        self.gamma.powf(progress.epoch)
    }
}
