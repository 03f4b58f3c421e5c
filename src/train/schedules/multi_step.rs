//! The rate falls by a factor at chosen points: gamma^(points passed). The points are shares of training, so that they
//! stand for any number of epochs.

use super::{Factor, Progress};
use crate::base::{Error, Result};

crate::kind! {
    /// The rate falls by a factor at chosen points.
    MultiStep = "multi-step",
        "multiplied by gamma at each of the shares of training in `at` (He et al. 2016)";
    // He et al. 2016 on CIFAR: at 32k and 48k of 64k steps
    /// Shares of training (after warmup) at which the rate falls.
    at: Vec<f64> = vec![0.5, 0.75],
    /// What the rate is multiplied by.
    gamma: f64 = 0.1,
}

impl MultiStep {
    fn refuse(&self) -> Result<()> {
        if let Some(bad) = self.at.iter().find(|at| !(0.0..=1.0).contains(*at)) {
            return Err(Error::expected("at", "shares of training from 0 to 1", bad));
        }
        super::check_gamma(self.gamma)
    }
}

/// A share of training and the epochs it means may differ by rounding: an epoch is never so short.
const ROUNDING: f64 = 1e-12;

impl Factor for MultiStep {
    fn factor(&self, progress: Progress) -> f64 {
        let passed = self.at.iter().filter(|at| progress.done() >= **at - ROUNDING).count();
        self.gamma.powf(passed as f64)
    }
}
