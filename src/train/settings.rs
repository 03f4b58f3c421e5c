//! What a training run is made of: flags, recipe keys and recorded settings, all from this one struct.

use super::{Optimizer, Schedule};
use crate::base::{Error, Precision, Result};
use crate::data::{Preparation, Source};
use crate::nn::{architectures::Architecture, inits::Initializer, losses::Loss};
use serde::{Deserialize, Serialize};

/// Settings of a training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrainSettings {
    /// Data set: a name from `losscape list data`, with settings after a colon (spirals:noise=0.1)
    #[arg(long, value_name = "KIND", default_value_t = TrainSettings::default().data)]
    pub data: Source,
    /// Seed of the split and of generated data; runs of different --seed share it
    #[arg(long, value_name = "N", default_value_t = TrainSettings::default().data_seed)]
    pub data_seed: u64,
    /// Subset, label noise, standardising.
    #[command(flatten)]
    #[serde(flatten)]
    pub preparation: Preparation,
    /// Train on the first N training samples only (they are in random order) [default: all]
    #[arg(long, value_name = "N")]
    pub samples: Option<usize>,
    /// Network: a name from `losscape list model`, with settings after a colon (`mlp:hidden=[24,16]`)
    #[arg(long, value_name = "KIND", default_value_t = TrainSettings::default().model)]
    pub model: Architecture,
    /// What training minimises
    #[arg(long, value_name = "KIND", default_value_t = TrainSettings::default().loss)]
    pub loss: Loss,
    /// Initializer of the weights
    #[arg(long, value_name = "KIND", default_value_t = TrainSettings::default().init)]
    pub init: Initializer,
    /// Optimizer, with settings after a colon (sgd:momentum=0.9,nesterov=true)
    #[arg(long, value_name = "KIND", default_value_t = TrainSettings::default().optimizer)]
    pub optimizer: Optimizer,
    /// Learning rate
    #[arg(long, value_name = "RATE", default_value_t = TrainSettings::default().lr)]
    pub lr: f64,
    /// Schedule of the learning rate, with settings after a colon (step:every=10,gamma=0.5)
    #[arg(long, value_name = "KIND", default_value_t = TrainSettings::default().schedule)]
    pub schedule: Schedule,
    /// Epochs (fractions allowed) over which the rate first rises linearly from zero
    #[arg(long, value_name = "EPOCHS", default_value_t = TrainSettings::default().warmup)]
    pub warmup: f64,
    /// Samples in a mini-batch; the last of an epoch may be smaller
    #[arg(long, value_name = "N", default_value_t = TrainSettings::default().batch_size)]
    pub batch_size: usize,
    /// Passes over the training samples; 0 leaves the network as initialized
    #[arg(long, value_name = "N", default_value_t = TrainSettings::default().epochs)]
    pub epochs: usize,
    /// Seed of initialization and sample order
    #[arg(long, value_name = "N", default_value_t = TrainSettings::default().seed)]
    pub seed: u64,
    /// Element type
    #[arg(long, value_name = "TYPE", default_value_t = TrainSettings::default().precision)]
    pub precision: Precision,
}

impl Default for TrainSettings {
    fn default() -> Self {
        Self {
            data: Source::default(),
            data_seed: 0,
            preparation: Preparation::default(),
            samples: None,
            model: Architecture::default(),
            loss: Loss::default(),
            init: Initializer::default(),
            optimizer: Optimizer::default(),
            lr: 0.05, // with momentum .9: the largest round rate at which the default network is calm
            schedule: Schedule::default(),
            warmup: 0.0,
            batch_size: 64, // Masters and Luschi 2018: small batches, 32 to 64
            epochs: 20,     // the default network fits the digits' training split
            seed: 0,
            precision: Precision::default(),
        }
    }
}

/// Flags that set one entry of a kind: (flag, where it goes, help).
pub const SHORTHANDS: &[(&str, &str, &str)] = &[
    ("hidden", "model.hidden", "Widths of the hidden layers, as 24,16; `none` for a linear model"),
    (
        "activation",
        "model.activation",
        "Activation after each hidden layer: a name from `losscape list activation`",
    ),
    ("bias", "model.bias", "Whether layers have biases: true or false"),
    ("momentum", "optimizer.momentum", "Momentum of the optimizer"),
    ("nesterov", "optimizer.nesterov", "Nesterov's look-ahead: true or false"),
    ("weight-decay", "optimizer.weight-decay", "Weight decay of the optimizer"),
    ("label-smoothing", "loss.smoothing", "Share of the target spread over all classes"),
];

impl TrainSettings {
    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        let positive = |flag: &str, x: f64| match x > 0.0 && x.is_finite() {
            true => Ok(()),
            false => Err(Error::expected(flag, "a finite number above 0", x)),
        };
        positive("--lr", self.lr)?;
        if !(self.warmup >= 0.0 && self.warmup <= self.epochs as f64) {
            return Err(Error::expected("--warmup", format!("0 to {} epochs", self.epochs), self.warmup));
        }
        if self.batch_size == 0 {
            return Err(Error::expected("--batch-size", "at least 1", 0));
        }
        if self.samples == Some(0) {
            return Err(Error::expected("--samples", "at least 1", 0));
        }
        self.preparation.check()?;
        const MOST_EPOCHS: usize = 100_000_000;
        match self.epochs > MOST_EPOCHS {
            true => Err(Error::expected("--epochs", format!("at most {MOST_EPOCHS}"), self.epochs)),
            false => Ok(()),
        }
    }
}
