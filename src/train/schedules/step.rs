//! The rate falls by a factor every so many epochs: gamma^floor(epoch / every).

use super::{Factor, Progress};
use crate::base::{Result, registry::Kind};
use serde::{Deserialize, Serialize};

/// The rate falls by a factor every so many epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Step {
    /// Epochs between two falls.
    pub every: f64,
    /// What the rate is multiplied by.
    pub gamma: f64,
}

impl Default for Step {
    fn default() -> Self {
        Self { every: 30.0, gamma: 0.1 } // He et al. 2016 on ImageNet
    }
}

impl Kind for Step {
    const NAME: &'static str = "step";
    const SUMMARY: &'static str = "multiplied by gamma each `every` epochs";

    fn check(&self) -> Result<()> {
        super::check_epochs("every", self.every)?;
        super::check_gamma(self.gamma)
    }
}

impl Factor for Step {
    fn factor(&self, progress: Progress) -> f64 {
        self.gamma.powf((progress.epoch / self.every).floor())
    }
}
