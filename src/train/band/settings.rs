//! How a band is relaxed, as users say it.

use crate::base::{Error, Result};
use crate::nn::Layout;
use crate::train::settings::BATCH;
use crate::train::{Batches, BlendSettings, Optimizer, Schedule};
use serde::{Deserialize, Serialize};

/// How a band is relaxed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct BandSettings {
    /// Pivots between the ends at the start
    #[arg(long, value_name = "N", default_value_t = BandSettings::default().pivots)]
    pub pivots: usize,
    /// Most pivots between the ends
    #[arg(long, value_name = "N", default_value_t = BandSettings::default().most_pivots)]
    pub most_pivots: usize,
    /// Cycles, after each of which pivots are inserted
    #[arg(long, value_name = "N", default_value_t = BandSettings::default().cycles)]
    pub cycles: usize,
    /// Steps in a cycle
    #[arg(long, value_name = "N", default_value_t = BandSettings::default().steps)]
    pub steps: usize,
    /// Optimizer of the pivots, with settings after a colon
    #[arg(long, value_name = "KIND", default_value_t = BandSettings::default().optimizer)]
    pub optimizer: Optimizer,
    /// Learning rate [default: the optimizer's own]
    #[arg(long, value_name = "RATE")]
    pub lr: Option<f64>,
    /// Schedule of the rate over the cycles, each of which counts as an epoch and has one rate
    #[arg(long, value_name = "KIND", default_value_t = BandSettings::default().schedule)]
    pub schedule: Schedule,
    /// Samples in a mini-batch, as training has them [default: 64; all with a full-batch optimizer]
    #[arg(long, value_name = "N")]
    pub batch_size: Option<usize>,
    /// A pivot goes in where the loss rises above the line between pivots by more than this share of the band's range
    #[arg(long, value_name = "SHARE", default_value_t = BandSettings::default().insert)]
    pub insert: f64,
    /// Evaluations of each piece of the band between its pivots
    #[arg(long, value_name = "N", default_value_t = BandSettings::default().dense)]
    pub dense: usize,
    /// Stop once a cycle at the lowest rate inserts nothing and moves the saddle by at most this share of the band's range
    #[arg(long, value_name = "SHARE", default_value_t = BandSettings::default().tolerance)]
    pub tolerance: f64,
}

impl Default for BandSettings {
    fn default() -> Self {
        Self {
            pivots: 5,
            most_pivots: 40,
            cycles: 10, // Draxler et al. 2018 make as many, of 1000 to 2000 steps
            steps: 200, // enough on the digits, where the saddle comes down to the higher end
            optimizer: Optimizer::default(), // SGD with momentum .9: Draxler et al. 2018
            lr: None,
            // Draxler et al. 2018 lower the rate twice, to a tenth in all.
            schedule: "multi-step:at=[0.4,0.6],gamma=0.316".parse().unwrap_or_default(),
            batch_size: None,
            insert: 0.1, // Draxler et al. 2018
            dense: 9,
            tolerance: 1e-3,
        }
    }
}

impl BandSettings {
    /// About how many samples are sent forward for one band, of a training set of so many; a pass back counts as two.
    pub fn samples(&self, train: usize) -> f64 {
        3.0 * (self.cycles * self.steps * self.pivots * self.batch(train)) as f64
    }

    /// The rate: the one given, or the optimizer's own.
    pub fn rate(&self) -> f64 {
        self.lr.unwrap_or_else(|| self.optimizer.rate())
    }

    /// The rate of a cycle, counted from 0.
    pub(super) fn rate_of(&self, cycle: usize) -> f64 {
        self.rate() * self.schedule.factor(cycle as f64, self.cycles as f64, 0.0)
    }

    /// What of these is a setting of any training by mini-batches.
    fn training(&self) -> BlendSettings {
        BlendSettings {
            optimizer: self.optimizer.clone(),
            lr: self.lr,
            batch_size: self.batch_size,
            ..BlendSettings::default()
        }
    }

    /// The batch size for `n` training samples.
    pub fn batch(&self, n: usize) -> usize {
        self.training().batch(n)
    }

    /// The mini-batches of an epoch over `n` training samples, for a network with this layout; refuses those that it has no
    /// statistics of.
    pub(super) fn batches(&self, n: usize, layout: &Layout) -> Result<Batches> {
        layout.check_group("training", n)?;
        layout.check_group("--batch-size", self.batch(n))?;
        Ok(self.training().batches(n, layout))
    }

    /// The same with every default written out, as results record them.
    pub fn resolved(&self) -> Self {
        let batch_size = self.batch_size.or((!self.optimizer.full_batch()).then_some(BATCH));
        Self { lr: Some(self.rate()), batch_size, ..self.clone() }
    }

    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        self.training().check()?;
        const MOST: usize = 100_000_000;
        for (flag, x, least, most) in [
            ("--pivots", self.pivots, 1, 1000),
            ("--most-pivots", self.most_pivots, self.pivots, 1000),
            ("--cycles", self.cycles, 0, 10_000),
            ("--steps", self.steps, 1, MOST),
            ("--dense", self.dense, 1, 1000),
        ] {
            if !(least..=most).contains(&x) {
                return Err(Error::expected(flag, format!("{least} to {most}"), x));
            }
        }
        for (flag, x) in [("--insert", self.insert), ("--tolerance", self.tolerance)] {
            if !(x >= 0.0 && x.is_finite()) {
                return Err(Error::expected(flag, "a finite number of at least 0", x));
            }
        }
        Ok(())
    }
}
