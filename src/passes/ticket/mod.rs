//! Lottery tickets (Frankle and Carbin 2019, "The lottery ticket hypothesis", arXiv 1803.03635): small parts of a network that
//! train to what all of it reaches, if they start from the right weights.
//!
//! Iterative magnitude pruning: train the dense network; then, level after level, take the smallest weights away, put those
//! that are left back to what they were at step k (0 is the initialization; Frankle et al. 2020, arXiv 1912.05671, rewind to
//! later steps), and train again. Each level's *ticket* is compared with two controls of as many weights in each layer: the
//! same mask from *other initial weights*, and a *random mask* from the same ones. If what is left matters, the first falls
//! behind; if where it stands matters, the second.
//!
//! A ticket is *stable* if training it twice, in two orders of the samples, ends in one valley: no barrier on the straight
//! line between the ends.
//!
//! `prune` chooses what is left, `compute` trains and keeps what is finished, `table` and `result` sum up, `verdict`
//! judges, `figures` draws.

mod compute;
mod figures;
pub mod prune;
mod result;
mod table;
mod verdict;

pub use compute::{TicketEvent, discard, run};
pub use prune::Scope;
pub use result::TicketResult;

use super::pair;
use crate::base::{Error, Precision, Result};
use crate::data::{Augment, Preparation, Source};
use crate::landscape::path::Between;
use crate::nn::architectures::{Architecture, Mlp};
use crate::nn::inits::{GlorotNormal, Initializer};
use crate::nn::losses::Loss;
use crate::train::optimizers::{Adam, Optimizer};
use crate::train::{Schedule, TrainSettings};
use serde::{Deserialize, Serialize};

/// What tickets are compared with, beside the dense network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Controls {
    /// Both of the others
    #[default]
    Both,
    /// The same masks from other initial weights
    Reinit,
    /// Random masks from the same weights
    RandomMask,
    /// Nothing
    None,
}

impl Controls {
    /// Whether other initial weights are among them.
    pub fn reinit(self) -> bool {
        matches!(self, Self::Both | Self::Reinit)
    }

    /// Whether random masks are among them.
    pub fn random_mask(self) -> bool {
        matches!(self, Self::Both | Self::RandomMask)
    }
}

/// Settings of a search for lottery tickets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TicketSettings {
    /// Share of the weights left that each level prunes; of the output layer half of it
    #[arg(long, value_name = "SHARE", default_value_t = TicketSettings::default().prune)]
    pub prune: f64,
    /// Among which weights the smallest are pruned
    #[arg(long, value_enum, value_name = "SCOPE", default_value_t = TicketSettings::default().scope)]
    pub scope: Scope,
    /// Rounds of pruning and training after the dense network; a level each
    #[arg(long, value_name = "N", default_value_t = TicketSettings::default().rounds)]
    pub rounds: usize,
    /// Step whose weights tickets start from; 0 is the initialization
    #[arg(long, value_name = "STEP", default_value_t = TicketSettings::default().rewind)]
    pub rewind: u64,
    /// What tickets are compared with
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = TicketSettings::default().controls)]
    pub controls: Controls,
    /// Whether every ticket is trained in a second order too, for the barrier between both ends: true or false
    #[arg(long, value_name = "BOOL", action = clap::ArgAction::Set, default_value_t = TicketSettings::default().stability)]
    pub stability: bool,
    /// Dense networks to start from, with --seed and the seeds after it
    #[arg(long, value_name = "N", default_value_t = TicketSettings::default().seeds)]
    pub seeds: usize,
    /// Points of the line between two ends, both among them
    #[arg(long, value_name = "N", default_value_t = TicketSettings::default().points)]
    pub points: usize,
    /// Where statistics of batch norm come from on the line
    #[arg(long, value_enum, value_name = "HOW", default_value_t = TicketSettings::default().stats)]
    pub stats: Between,
    /// Data set: a name from `losscape list data`, with settings after a colon
    #[arg(long, value_name = "KIND", default_value_t = TicketSettings::default().data)]
    pub data: Source,
    /// Seed of the split and of generated data
    #[arg(long, value_name = "N", default_value_t = TicketSettings::default().data_seed)]
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
    #[arg(long, value_name = "KIND", default_value_t = TicketSettings::default().model)]
    pub model: Architecture,
    /// What training minimises
    #[arg(long, value_name = "KIND", default_value_t = TicketSettings::default().loss)]
    pub loss: Loss,
    /// Initializer of the weights
    #[arg(long, value_name = "KIND", default_value_t = TicketSettings::default().init)]
    pub init: Initializer,
    /// Optimizer, with settings after a colon
    #[arg(long, value_name = "KIND", default_value_t = TicketSettings::default().optimizer)]
    pub optimizer: Optimizer,
    /// Learning rate [default: the optimizer's own]
    #[arg(long, value_name = "RATE")]
    pub lr: Option<f64>,
    /// Schedule of the learning rate, with settings after a colon
    #[arg(long, value_name = "KIND", default_value_t = TicketSettings::default().schedule)]
    pub schedule: Schedule,
    /// Epochs (fractions allowed) over which the rate first rises linearly from zero
    #[arg(long, value_name = "EPOCHS", default_value_t = TicketSettings::default().warmup)]
    pub warmup: f64,
    /// Samples in a mini-batch; the last of an epoch may be smaller
    #[arg(long, value_name = "N", default_value_t = TicketSettings::default().batch_size)]
    pub batch_size: usize,
    /// Passes over the training samples
    #[arg(long, value_name = "N", default_value_t = TicketSettings::default().epochs)]
    pub epochs: usize,
    /// Scale gradients down to at most this norm, all parameters together
    #[arg(long, value_name = "NORM")]
    pub clip: Option<f64>,
    /// Sharpness-aware minimisation: take the gradient this far up the slope; 0 for none
    #[arg(long, value_name = "RHO", default_value_t = TicketSettings::default().sam)]
    pub sam: f64,
    /// First seed of initialization and noise
    #[arg(long, value_name = "N", default_value_t = TicketSettings::default().seed)]
    pub seed: u64,
    /// Element type
    #[arg(long, value_name = "TYPE", default_value_t = TicketSettings::default().precision)]
    pub precision: Precision,
}

impl Default for TicketSettings {
    fn default() -> Self {
        // Frankle and Carbin 2019, figure 2: 20 % a layer and level, 300-100, Glorot normal, Adam, batches of 60.
        Self {
            prune: 0.2,
            scope: Scope::default(),
            rounds: 14, // 0.8^14: under 5 % of the weights
            rewind: 0,
            controls: Controls::default(),
            stability: true,
            seeds: 3,
            points: pair::POINTS,
            stats: Between::default(),
            data: Source::default(),
            data_seed: 0,
            preparation: Preparation::default(),
            augment: Augment::default(),
            samples: None,
            model: Mlp { hidden: vec![300, 100], ..Mlp::default() }.into(),
            loss: Loss::default(),
            init: GlorotNormal.into(),
            optimizer: Adam::default().into(),
            lr: Some(0.0012),
            schedule: Schedule::default(),
            warmup: 0.0,
            batch_size: 60,
            epochs: 7, // 154 steps on the digits: all are fitted
            clip: None,
            sam: 0.0,
            seed: 0,
            precision: Precision::default(),
        }
    }
}

/// Most seeds, and most levels.
const MOST: usize = 1000;

impl TicketSettings {
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
        if !(self.prune > 0.0 && self.prune < 1.0) {
            return Err(Error::expected("--prune", "a share between 0 and 1", self.prune));
        }
        if self.epochs == 0 {
            return Err(Error::expected("--epochs", "at least 1", 0));
        }
        for (flag, n) in [("--rounds", self.rounds), ("--seeds", self.seeds)] {
            if !(1..=MOST).contains(&n) {
                return Err(Error::expected(flag, format!("1 to {MOST}"), n));
            }
        }
        if self.seed > i64::MAX as u64 - MOST as u64 {
            let expected = format!("at most {}", i64::MAX as u64 - MOST as u64);
            return Err(Error::expected("--seed", expected, self.seed));
        }
        pair::check_points(self.points)?;
        self.train(0).check()
    }
}
