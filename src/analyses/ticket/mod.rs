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

mod analysis;
mod compute;
mod figures;
pub mod prune;
mod result;
mod table;
mod verdict;

pub use compute::{discard, run};
pub use prune::Scope;
pub use result::TicketResult;

use super::pair;
use super::seeded::{self, MOST};
use crate::base::{Error, Result};
use crate::landscape::path::Between;
use crate::nn::architectures::Mlp;
use crate::nn::inits::GlorotNormal;
use crate::train::TrainSettings;
use crate::train::optimizers::Adam;
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

/// Settings of a search for lottery tickets, beside those of training.
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
    /// Whether every ticket is trained in a second order too, for the barrier between both ends: true or false [default: true,
    /// where something is random in steps]
    #[arg(long, value_name = "BOOL")]
    pub stability: Option<bool>,
    /// Dense networks to start from, with --seed and the seeds after it
    #[arg(long, value_name = "N", default_value_t = TicketSettings::default().seeds)]
    pub seeds: usize,
    /// Points of the line between two ends, both among them
    #[arg(long, value_name = "N", default_value_t = TicketSettings::default().points)]
    pub points: usize,
    /// Where statistics of batch norm come from on the line
    #[arg(long, value_enum, value_name = "HOW", default_value_t = TicketSettings::default().stats)]
    pub stats: Between,
}

impl Default for TicketSettings {
    fn default() -> Self {
        Self {
            prune: 0.2, // Frankle and Carbin 2019, figure 2: 20 % a layer and level
            scope: Scope::default(),
            rounds: 14, // 0.8^14: under 5 % of the weights
            rewind: 0,
            controls: Controls::default(),
            stability: None,
            seeds: 3,
            points: pair::POINTS,
            stats: Between::default(),
        }
    }
}

/// The training where nothing else is said: that of Frankle and Carbin 2019, figure 2, with 300-100 units, Glorot normal, Adam
/// and batches of 60.
pub fn training() -> TrainSettings {
    TrainSettings {
        model: Mlp { hidden: vec![300, 100], ..Mlp::default() }.into(),
        init: Some(GlorotNormal.into()),
        optimizer: Adam::default().into(),
        lr: Some(0.0012),
        batch_size: Some(60),
        epochs: 7, // 154 steps on the digits: all are fitted
        ..TrainSettings::default()
    }
}

impl TicketSettings {
    /// Whether every ticket is trained in a second order too.
    pub fn in_two_orders(&self) -> bool {
        self.stability.unwrap_or(true)
    }

    /// Refuses numbers that make no sense, and training that has no use here.
    pub fn check(&self, training: &TrainSettings) -> Result<()> {
        if !(self.prune > 0.0 && self.prune < 1.0) {
            return Err(Error::expected("--prune", "a share between 0 and 1", self.prune));
        }
        if !(1..=MOST).contains(&self.rounds) {
            return Err(Error::expected("--rounds", format!("1 to {MOST}"), self.rounds));
        }
        pair::check_points(self.points)?;
        seeded::check(training, self.seeds)
    }
}
