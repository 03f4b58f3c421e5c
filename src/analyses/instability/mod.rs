//! Instability to the noise of SGD (Frankle et al. 2020, "Linear mode connectivity and the lottery ticket hypothesis",
//! arXiv 1912.05671): from what step on a run ends in one valley, whatever the noise.
//!
//! For each step k and each seed a network is trained to step k and goes on from there twice, with different noise, to the
//! end; the barrier of the straight line between both ends is how unstable training was at step k. Noise is the order of the
//! samples, their augmentation and the masks of dropout, all of them from step k on. One of the two is the run as it goes on
//! by itself: it is the same for every k of a seed, so barriers of one seed share an end.
//!
//! `compute` trains and measures, and keeps finished branches in a log; `result` sums up, `figures` draws.

mod analysis;
mod compute;
mod figures;
mod result;

pub use compute::{discard, run};
pub use result::{Branch, Ends, Instability, InstabilityResult};

use super::pair;
use super::seeded::{self, MOST};
use crate::base::{Error, Result};
use crate::landscape::path::Between;
use crate::nn::architectures::Mlp;
use crate::train::TrainSettings;
use crate::train::optimizers::Sgd;
use serde::{Deserialize, Serialize};

/// Settings of an instability analysis, beside those of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct InstabilitySettings {
    /// Steps after which two branches part, ascending; 0 is the initialization [default: 0,20,100,400,1000, as far as
    /// training goes]
    #[arg(long, value_name = "STEPS", value_delimiter = ',')]
    pub branch: Vec<u64>,
    /// Runs that branch, with --seed and the seeds after it
    #[arg(long, value_name = "N", default_value_t = InstabilitySettings::default().seeds)]
    pub seeds: usize,
    /// Points of the line between two ends, both among them
    #[arg(long, value_name = "N", default_value_t = InstabilitySettings::default().points)]
    pub points: usize,
    /// Training is stable from the step on where the median barrier of the error is at most this, in points
    #[arg(long, value_name = "SHARE", default_value_t = InstabilitySettings::default().stable)]
    pub stable: f64,
    /// Where statistics of batch norm come from on the line
    #[arg(long, value_enum, value_name = "HOW", default_value_t = InstabilitySettings::default().stats)]
    pub stats: Between,
}

impl Default for InstabilitySettings {
    fn default() -> Self {
        Self {
            branch: Vec::new(),
            seeds: 5,
            points: pair::POINTS,
            stable: 0.02, // Frankle et al. 2020, section 2
            stats: Between::default(),
        }
    }
}

/// The training where nothing else is said: a deep network on small batches, which is noise enough for the ends to part.
pub fn training() -> TrainSettings {
    TrainSettings {
        model: Mlp { hidden: vec![64; 4], ..Mlp::default() }.into(),
        // The largest round rate at which none of the five seeds diverges: at half of it all ends lie in one valley.
        optimizer: Sgd { momentum: 0.0, ..Sgd::default() }.into(),
        lr: Some(0.15),
        batch_size: Some(8),
        epochs: 10, // 1630 steps on the digits: all are fitted
        ..TrainSettings::default()
    }
}

/// Steps after which branches part where nothing is said.
const BRANCH: [u64; 5] = [0, 20, 100, 400, 1000];

impl InstabilitySettings {
    /// The steps after which branches part, of a training of so many steps.
    pub fn steps(&self, total: u64) -> Vec<u64> {
        if self.branch.is_empty() {
            BRANCH.into_iter().filter(|step| *step <= total).collect()
        } else {
            self.branch.clone()
        }
    }

    /// Refuses numbers that make no sense, and training that has no use here.
    pub fn check(&self, training: &TrainSettings) -> Result<()> {
        let listed = || self.branch.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        if self.branch.len() > MOST || self.branch.windows(2).any(|w| w[0] >= w[1]) {
            let expected = format!("1 to {MOST} steps, ascending");
            return Err(Error::expected("--branch", expected, format!("`{}`", listed())));
        }
        pair::check_points(self.points)?;
        if !(0.0..=1.0).contains(&self.stable) {
            return Err(Error::expected("--stable", "a share, 0 to 1", self.stable));
        }
        seeded::check(training, self.seeds)
    }
}
