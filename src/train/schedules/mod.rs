//! Schedules: how the rate changes over training. Warmup goes before any of them.
//!
//! To add one: a file with a struct that implements [`Kind`](crate::base::registry::Kind) and [`Factor`], and a line below.

use crate::registry;

/// How far training has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Epochs done since the end of warmup, with the fraction of the one that runs.
    pub epoch: f64,
    /// Epochs from the end of warmup to the end of training.
    pub epochs: f64,
}

/// What the base rate is multiplied by.
pub trait Factor {
    /// The factor at a point of training.
    fn factor(&self, progress: Progress) -> f64;
}

registry! {
    /// How the rate changes over training.
    Schedule, "schedule", match_schedule {
        constant => Constant;
        step => Step;
        cosine => Cosine;
    }
}

impl Schedule {
    /// The factor of the base rate after `epoch` (whole and fractional) of `epochs`, the first `warmup` of which
    /// raise it linearly from zero (Goyal et al. 2017).
    pub fn factor(&self, epoch: f64, epochs: f64, warmup: f64) -> f64 {
        if epoch < warmup {
            return epoch / warmup;
        }
        let progress = Progress { epoch: epoch - warmup, epochs: epochs - warmup };
        match_schedule!(self, kind => kind.factor(progress))
    }
}
