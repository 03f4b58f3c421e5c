//! Instability to the noise of SGD (Frankle et al. 2020, "Linear mode connectivity and the lottery ticket hypothesis",
//! arXiv 1912.05671): from what step on a run ends in one valley, whatever the noise.
//!
//! For each step k and each seed a network is trained to step k and goes on from there twice, with different noise, to the
//! end; the barrier of the straight line between both ends is how unstable training was at step k. Noise is the order of the
//! samples, their augmentation and the masks of dropout, all of them from step k on. One of the two is the run as it goes on
//! by itself: it is the same for every k of a seed, so barriers of one seed share an end.
//!
//! `compute` trains and measures, and keeps finished branches in a log; `result` sums up, `figures` draws.

mod compute;
mod figures;
mod result;

pub use compute::{InstabilityEvent, discard, run};
pub use result::InstabilityResult;

use super::pair;
use crate::base::{Error, Precision, Result};
use crate::data::{Augment, Preparation, Source};
use crate::landscape::path::Between;
use crate::nn::architectures::{Architecture, Mlp};
use crate::nn::inits::Initializer;
use crate::nn::losses::Loss;
use crate::train::optimizers::{Optimizer, Sgd};
use crate::train::{Schedule, TrainSettings};
use serde::{Deserialize, Serialize};

/// Settings of an instability analysis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct InstabilitySettings {
    /// Steps after which two branches part, ascending; 0 is the initialization
    #[arg(long, value_name = "STEPS", value_delimiter = ',', default_values_t = InstabilitySettings::default().branch)]
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
    /// Data set: a name from `losscape list data`, with settings after a colon
    #[arg(long, value_name = "KIND", default_value_t = InstabilitySettings::default().data)]
    pub data: Source,
    /// Seed of the split and of generated data
    #[arg(long, value_name = "N", default_value_t = InstabilitySettings::default().data_seed)]
    pub data_seed: u64,
    /// Subset, label noise, standardising.
    #[command(flatten)]
    #[serde(flatten)]
    pub preparation: Preparation,
    /// Augmentation.
    #[command(flatten)]
    #[serde(flatten)]
    pub augment: Augment,
    /// Train on the first N training samples only (they are in random order) [default: all]
    #[arg(long, value_name = "N")]
    pub samples: Option<usize>,
    /// Network: a name from `losscape list model`, with settings after a colon
    #[arg(long, value_name = "KIND", default_value_t = InstabilitySettings::default().model)]
    pub model: Architecture,
    /// What training minimises
    #[arg(long, value_name = "KIND", default_value_t = InstabilitySettings::default().loss)]
    pub loss: Loss,
    /// Initializer of the weights
    #[arg(long, value_name = "KIND", default_value_t = InstabilitySettings::default().init)]
    pub init: Initializer,
    /// Optimizer, with settings after a colon
    #[arg(long, value_name = "KIND", default_value_t = InstabilitySettings::default().optimizer)]
    pub optimizer: Optimizer,
    /// Learning rate [default: the optimizer's own]
    #[arg(long, value_name = "RATE")]
    pub lr: Option<f64>,
    /// Schedule of the learning rate, with settings after a colon
    #[arg(long, value_name = "KIND", default_value_t = InstabilitySettings::default().schedule)]
    pub schedule: Schedule,
    /// Epochs (fractions allowed) over which the rate first rises linearly from zero
    #[arg(long, value_name = "EPOCHS", default_value_t = InstabilitySettings::default().warmup)]
    pub warmup: f64,
    /// Samples in a mini-batch; the last of an epoch may be smaller
    #[arg(long, value_name = "N", default_value_t = InstabilitySettings::default().batch_size)]
    pub batch_size: usize,
    /// Passes over the training samples
    #[arg(long, value_name = "N", default_value_t = InstabilitySettings::default().epochs)]
    pub epochs: usize,
    /// Scale gradients down to at most this norm, all parameters together
    #[arg(long, value_name = "NORM")]
    pub clip: Option<f64>,
    /// Sharpness-aware minimisation: take the gradient this far up the slope; 0 for none
    #[arg(long, value_name = "RHO", default_value_t = InstabilitySettings::default().sam)]
    pub sam: f64,
    /// First seed of initialization and noise
    #[arg(long, value_name = "N", default_value_t = InstabilitySettings::default().seed)]
    pub seed: u64,
    /// Element type
    #[arg(long, value_name = "TYPE", default_value_t = InstabilitySettings::default().precision)]
    pub precision: Precision,
}

impl Default for InstabilitySettings {
    fn default() -> Self {
        Self {
            branch: vec![0, 20, 100, 400, 1000],
            seeds: 5,
            points: pair::POINTS,
            stable: 0.02, // Frankle et al. 2020, section 2
            stats: Between::default(),
            data: Source::default(),
            data_seed: 0,
            preparation: Preparation::default(),
            augment: Augment::default(),
            samples: None,
            // Deep, and on small batches: noise enough for the ends to part.
            model: Mlp { hidden: vec![64; 4], ..Mlp::default() }.into(),
            loss: Loss::default(),
            init: Initializer::default(),
            // The largest round rate at which none of the five seeds diverges: at half of it all ends lie in one valley.
            optimizer: Sgd { momentum: 0.0, ..Sgd::default() }.into(),
            lr: Some(0.15),
            schedule: Schedule::default(),
            warmup: 0.0,
            batch_size: 8,
            epochs: 10, // 1630 steps on the digits: all are fitted
            clip: None,
            sam: 0.0,
            seed: 0,
            precision: Precision::default(),
        }
    }
}

/// Most seeds, and most steps at which branches part.
const MOST: usize = 1000;

impl InstabilitySettings {
    /// Settings of the run of number `run`.
    pub fn train(&self, run: usize) -> TrainSettings {
        TrainSettings {
            data: self.data.clone(),
            data_seed: self.data_seed,
            preparation: self.preparation.clone(),
            augment: self.augment,
            samples: self.samples,
            model: self.model.clone(),
            loss: self.loss.clone(),
            init: self.init.clone(),
            optimizer: self.optimizer.clone(),
            lr: self.lr,
            schedule: self.schedule.clone(),
            warmup: self.warmup,
            batch_size: Some(self.batch_size),
            epochs: self.epochs,
            clip: self.clip,
            sam: self.sam,
            seed: self.seed.wrapping_add(run as u64),
            precision: self.precision,
            ..TrainSettings::default()
        }
    }

    /// The same with every default written out, as results record them.
    pub fn resolved(&self) -> Self {
        Self { lr: Some(self.train(0).rate()), ..self.clone() }
    }

    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        let listed = || self.branch.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        if self.branch.is_empty() || self.branch.len() > MOST || self.branch.windows(2).any(|w| w[0] >= w[1])
        {
            let expected = format!("1 to {MOST} steps, ascending");
            return Err(Error::expected("--branch", expected, format!("`{}`", listed())));
        }
        if !(1..=MOST).contains(&self.seeds) {
            return Err(Error::expected("--seeds", format!("1 to {MOST}"), self.seeds));
        }
        if self.seed > i64::MAX as u64 - MOST as u64 {
            let expected = format!("at most {}", i64::MAX as u64 - MOST as u64);
            return Err(Error::expected("--seed", expected, self.seed));
        }
        pair::check_points(self.points)?;
        if !(0.0..=1.0).contains(&self.stable) {
            return Err(Error::expected("--stable", "a share, 0 to 1", self.stable));
        }
        self.train(0).check()
    }
}
