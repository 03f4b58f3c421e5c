//! The rate falls by the same factor in every epoch, a little in every step: gamma^epoch.

use super::{Factor, Progress};
use crate::base::Result;

crate::kind! {
    /// The rate falls by the same factor in every epoch.
    Exponential = "exponential", "gamma^epoch";
    /// What the rate is multiplied by over an epoch.
    gamma: f64 = 0.97, // Szegedy et al. 2016: 0.94 every two epochs
}

impl Exponential {
    fn refuse(&self) -> Result<()> {
        super::check_gamma(self.gamma)
    }
}

impl Factor for Exponential {
    fn factor(&self, progress: Progress) -> f64 {
        self.gamma.powf(progress.epoch)
    }
}
