//! Networks collected along a cyclical rate, alone and together, beside networks that were trained apart.
//!
//! Training goes on from a network with a rate that swings between a high value and a low one, and a network is collected each
//! time the rate is lowest. *Fast geometric ensembling* (Garipov et al. 2018, arXiv 1802.10026, section 5) averages what those
//! networks predict; *stochastic weight averaging* (Izmailov et al. 2018, arXiv 1803.05407) averages their weights, and makes the
//! statistics of norms anew. An ensemble of independently trained networks (Lakshminarayanan et al. 2017, arXiv 1612.01474)
//! costs a whole training for each, and is what both are cheap stand-ins for.
//!
//! A cycle here begins and ends at the lowest rate, half a cycle later than in the paper: the network that it starts from has
//! settled.
//!
//! | file | what it holds |
//! |---|---|
//! | `mod.rs` | the settings |
//! | `compute` | the cycles, and what all networks say |
//! | `result` | arrays, scalars, weight files, saved and read back |
//! | `figures` | rate and loss along the cycles, errors by number of members, the plane of the average |

mod analysis;
mod compute;
mod figures;
mod result;

pub use compute::{discard, run};
pub use result::{Ensemble, EnsembleResult, Independent, Joint, Off, One, Single, Spread};

use crate::base::{Error, Result};
use crate::train::optimizers::Optimizer;
use crate::train::schedules::{Schedule, Triangular};
use crate::train::{Snapshots, TrainSettings};
use serde::{Deserialize, Serialize};

/// Settings of ensembles along a cycle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct EnsembleSettings {
    /// Cycles of the rate; a network is collected at the end of each
    #[arg(long, value_name = "N", default_value_t = EnsembleSettings::default().cycles)]
    pub cycles: usize,
    /// Epochs in a cycle: half of them up to the highest rate, half down to the lowest
    #[arg(long, value_name = "EPOCHS", default_value_t = EnsembleSettings::default().cycle)]
    pub cycle: usize,
    /// Optimizer along the cycles, with settings after a colon [default: the one that the network was trained with; sgd if
    /// that takes no rate]
    #[arg(long, value_name = "KIND")]
    pub optimizer: Option<Optimizer>,
    /// Highest rate [default: the rate that the network was trained with, or --optimizer's own]
    #[arg(long, value_name = "RATE")]
    pub lr: Option<f64>,
    /// Lowest rate [default: a hundredth of the highest]
    #[arg(long, value_name = "RATE")]
    pub lr_low: Option<f64>,
    /// Number of further networks to train as the first was, from the seeds after its own, to compare with; 0 for none
    #[arg(long, value_name = "N", default_value_t = EnsembleSettings::default().independent)]
    pub independent: usize,
    /// Points a side of the plane through start, average and last network; 0 for no plane
    #[arg(long, value_name = "N", default_value_t = EnsembleSettings::default().plane)]
    pub plane: usize,
    /// Seed of the sample order along the cycles
    #[arg(long, value_name = "N", default_value_t = EnsembleSettings::default().seed)]
    pub seed: u64,
    /// Memory for values that are kept instead of computed again, in GiB
    #[arg(long, value_name = "GIB", default_value_t = EnsembleSettings::default().memory)]
    pub memory: f64,
}

impl Default for EnsembleSettings {
    fn default() -> Self {
        Self {
            cycles: 6,
            cycle: 4, // Garipov et al. 2018, section 5: 2 to 4
            optimizer: None,
            lr: None,
            lr_low: None,
            independent: 5, // with the first network as many as there are cycles
            plane: 25,
            seed: 0,
            memory: 4.0,
        }
    }
}

/// Most cycles, epochs in one, and independent networks.
const MOST: usize = 10_000;
/// Most points a side of the plane.
const MOST_SIDE: usize = 2001;
/// The lowest rate as a share of the highest: 5e-4 of 5e-2 (Garipov et al. 2018, section 5).
const LOWEST: f64 = 0.01;

impl EnsembleSettings {
    /// Refuses settings that make no sense, before anything is loaded or trained.
    pub fn check(&self) -> Result<()> {
        for (flag, n) in [("--cycles", self.cycles), ("--cycle", self.cycle)] {
            if !(1..=MOST).contains(&n) {
                return Err(Error::expected(flag, format!("1 to {MOST}"), n));
            }
        }
        if self.independent > MOST {
            return Err(Error::expected("--independent", format!("at most {MOST}"), self.independent));
        }
        for (flag, x) in [("--lr", self.lr), ("--lr-low", self.lr_low)] {
            if let Some(x) = x.filter(|x| !(*x > 0.0 && x.is_finite())) {
                return Err(Error::expected(flag, "a finite number above 0", x));
            }
        }
        if self.plane == 1 || self.plane > MOST_SIDE {
            let expected = format!("0 for none, or 2 to {MOST_SIDE}");
            return Err(Error::expected("--plane", expected, self.plane));
        }
        super::run::gibibytes(self.memory).map(|_| ())
    }

    /// How training goes on along the cycles from a network that was trained as `base` says. Refuses rates that do not swing.
    pub fn cyclic(&self, base: &TrainSettings) -> Result<TrainSettings> {
        let chosen = match &self.optimizer {
            None if base.optimizer.search().is_some() => Some(Optimizer::default()),
            chosen => chosen.clone(),
        };
        let own = chosen.as_ref().map(Optimizer::rate);
        let high = self.lr.or(own).unwrap_or_else(|| base.rate());
        let low = self.lr_low.unwrap_or(LOWEST * high);
        if low > high {
            return Err(Error::expected("--lr-low", format!("at most the highest rate, {high}"), low));
        }
        let optimizer = chosen.unwrap_or_else(|| base.optimizer.clone());
        if optimizer.search().is_some() {
            return Err(Error::expected("--optimizer", "one that takes a rate", &optimizer));
        }
        let swing = Triangular { half_cycle: self.cycle as f64 / 2.0, lo: low / high, decay: 1.0 };
        let batch_size = base.batch_size.filter(|_| !optimizer.full_batch());
        Ok(TrainSettings {
            optimizer,
            batch_size,
            lr: Some(high),
            schedule: Schedule::Triangular(swing),
            epochs: self.cycles * self.cycle,
            warmup: 0.0,
            target_loss: None,
            target_gradient: None,
            snapshots: Some(Snapshots::Epochs(self.cycle as u64)),
            seed: self.seed,
            ..apart(base)
        })
    }
}

/// How a further network is trained: as `base` says, with nothing kept or measured along the way.
pub fn apart(base: &TrainSettings) -> TrainSettings {
    TrainSettings { ema: None, swa: None, snapshots: None, probe: None, probe_samples: None, ..base.clone() }
}
