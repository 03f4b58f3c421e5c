//! The rate falls by a factor every so many epochs: gamma^floor(epoch / every).

use super::{Factor, Progress};
use crate::base::Result;

crate::kind! {
    /// The rate falls by a factor every so many epochs.
    Step = "step", "multiplied by gamma each `every` epochs";
    // He et al. 2016 on ImageNet
    /// Epochs between two falls.
    every: f64 = 30.0,
    /// What the rate is multiplied by.
    gamma: f64 = 0.1,
}

impl Step {
    fn refuse(&self) -> Result<()> {
        super::check_epochs("every", self.every)?;
        super::check_gamma(self.gamma)
    }
}

impl Factor for Step {
    fn factor(&self, progress: Progress) -> f64 {
        self.gamma.powf((progress.epoch / self.every).floor())
    }
}
