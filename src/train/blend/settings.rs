//! How control points are trained: flags and recipe keys.

use crate::base::registry::Registry;
use crate::base::{Error, Result};
use crate::nn::Layout;
use crate::train::settings::BATCH;
use crate::train::{Batches, Optimizer, Schedule};
use serde::{Deserialize, Serialize};

/// How control points are trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct BlendSettings {
    /// Optimizer, with settings after a colon (adam:beta1=0.8)
    #[arg(long, value_name = "KIND", default_value_t = BlendSettings::default().optimizer)]
    pub optimizer: Optimizer,
    /// Learning rate [default: twice the optimizer's own]
    #[arg(long, value_name = "RATE")]
    pub lr: Option<f64>,
    /// Schedule of the learning rate, with settings after a colon (step:every=10,gamma=0.5)
    #[arg(long, value_name = "KIND", default_value_t = BlendSettings::default().schedule)]
    pub schedule: Schedule,
    /// Epochs (fractions allowed) over which the rate first rises linearly from zero
    #[arg(long, value_name = "EPOCHS", default_value_t = BlendSettings::default().warmup)]
    pub warmup: f64,
    /// Passes over the training samples; 0 leaves the control points where they start
    #[arg(long, value_name = "N", default_value_t = BlendSettings::default().epochs)]
    pub epochs: usize,
    /// Samples in a mini-batch; the last of an epoch may be smaller, and joins the one before it if it is too small for batch
    /// statistics [default: 64; all with a full-batch optimizer]
    #[arg(long, value_name = "N")]
    pub batch_size: Option<usize>,
    /// Pull of the network on the way towards zero, added to its gradient per unit of its weights
    #[arg(long, value_name = "LAMBDA", default_value_t = BlendSettings::default().weight_decay)]
    pub weight_decay: f64,
    /// Scale gradients down to at most this norm, all parameters together
    #[arg(long, value_name = "NORM")]
    pub clip: Option<f64>,
}

impl Default for BlendSettings {
    fn default() -> Self {
        Self {
            optimizer: Optimizer::default(), // SGD with momentum .9: Garipov et al. 2018
            lr: None,
            schedule: "flat-linear".parse().unwrap_or_default(), // Garipov et al. 2018
            warmup: 0.0,
            epochs: 100, // on the digits a barrier of less than 1 % of the line's, for 64-32-10 and 64-64-64-10
            batch_size: None,
            weight_decay: 0.0, // as training has it; Garipov et al. 2018 have 5e-4 in both
            clip: None,
        }
    }
}

impl BlendSettings {
    /// The rate: the one given, or twice the optimizer's own, since a control point gets only its share of the gradient,
    /// a third to a half on average for one bend.
    pub fn rate(&self) -> f64 {
        self.lr.unwrap_or_else(|| 2.0 * self.optimizer.rate())
    }

    /// The batch size for `n` training samples.
    pub fn batch(&self, n: usize) -> usize {
        let default = if self.optimizer.full_batch() { n } else { BATCH };
        self.batch_size.unwrap_or(default).min(n.max(1))
    }

    /// The mini-batches of an epoch over `n` training samples, for a network with this layout.
    pub fn batches(&self, n: usize, layout: &Layout) -> Batches {
        Batches::new(n, self.batch(n), layout)
    }

    /// The same with every default written out, as results record them.
    pub fn resolved(&self) -> Self {
        let batch_size = self.batch_size.or((!self.optimizer.full_batch()).then_some(BATCH));
        Self { lr: Some(self.rate()), batch_size, ..self.clone() }
    }

    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        if self.optimizer.search().is_some() {
            let expected = "one that moves by mini-batches: a blend is another function at every step";
            return Err(Error::expected("--optimizer", expected, &self.optimizer));
        }
        // Only decay of the network on the way is what the field means by it: the optimizer would pull at the bends.
        let own = self.optimizer.settings().get("weight-decay").and_then(toml::Value::as_float);
        if own.is_some_and(|own| own != 0.0) {
            let expected = "one with weight-decay=0 (--weight-decay acts on the network on the way)";
            let found = format!("{} with {}", self.optimizer, own.unwrap_or_default());
            return Err(Error::expected("--optimizer", expected, found));
        }
        for (flag, x) in [("--lr", self.lr), ("--clip", self.clip)] {
            if let Some(x) = x.filter(|x| !(*x > 0.0 && x.is_finite())) {
                return Err(Error::expected(flag, "a finite number above 0", x));
            }
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return Err(Error::expected(
                "--weight-decay",
                "a finite number of at least 0",
                self.weight_decay,
            ));
        }
        const MOST_EPOCHS: usize = 100_000_000;
        if self.epochs > MOST_EPOCHS {
            return Err(Error::expected("--epochs", format!("at most {MOST_EPOCHS}"), self.epochs));
        }
        if !(self.warmup >= 0.0 && self.warmup <= self.epochs as f64) {
            return Err(Error::expected("--warmup", format!("0 to {} epochs", self.epochs), self.warmup));
        }
        if self.batch_size == Some(0) {
            return Err(Error::expected("--batch-size", "at least 1", 0));
        }
        Ok(())
    }

    /// Refuses a batch that is not all of `n` samples where the optimizer takes all at once, and one that a network with this
    /// layout has no statistics of.
    pub fn check_for(&self, n: usize, layout: &Layout) -> Result<()> {
        if n == 0 {
            return Err(Error::expected("training samples", "at least 1", 0));
        }
        layout.check_group("training", n)?;
        layout.check_group("--batch-size", self.batch(n))?;
        match self.batch_size {
            Some(size) if self.optimizer.full_batch() && size < n => {
                let expected = format!("all {n} samples, which {} takes at once", self.optimizer.name());
                Err(Error::expected("--batch-size", expected, size))
            }
            _ => Ok(()),
        }
    }
}
