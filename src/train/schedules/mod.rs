//! Schedules: how the rate changes over training. Warmup goes before any of them.
//!
//! To add one: a file with a struct that implements [`Kind`](crate::base::registry::Kind) and [`Factor`], and a line below.

use crate::base::{Error, Result};
use crate::registry;

/// How far training has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Epochs done since the end of warmup, with the fraction of the one that runs.
    pub epoch: f64,
    /// Epochs from the end of warmup to the end of training.
    pub epochs: f64,
}

impl Progress {
    /// The share of training done since warmup, from 0 to 1.
    pub fn done(self) -> f64 {
        (self.epoch / self.epochs.max(f64::MIN_POSITIVE)).min(1.0)
    }
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
        multi_step => MultiStep;
        exponential => Exponential;
        linear => Linear;
        flat_linear => FlatLinear;
        polynomial => Polynomial;
        cosine => Cosine;
        sgdr => Sgdr;
        triangular => Triangular;
        one_cycle => OneCycle;
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

/// From 1 down to 0 along half a cosine, as `done` goes from 0 to 1.
fn half_cosine(done: f64) -> f64 {
    0.5 * (1.0 + (std::f64::consts::PI * done).cos())
}

/// Refuses a share of the rate that is none.
fn check_share(setting: &str, x: f64) -> Result<()> {
    if (0.0..=1.0).contains(&x) { Ok(()) } else { Err(Error::expected(setting, "0 to 1", x)) }
}

/// Refuses what the rate cannot fall by.
fn check_gamma(x: f64) -> Result<()> {
    if x > 0.0 && x <= 1.0 { Ok(()) } else { Err(Error::expected("gamma", "above 0 and at most 1", x)) }
}

/// Refuses a length of time that never ends or never begins.
fn check_epochs(setting: &str, x: f64) -> Result<()> {
    if x > 0.0 && x.is_finite() {
        Ok(())
    } else {
        Err(Error::expected(setting, "a number of epochs above 0", x))
    }
}
