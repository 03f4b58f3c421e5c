//! Critical points of the loss: how high they lie, and how many ways lead down from them (Dauphin et al. 2014,
//! "Identifying and attacking the saddle point problem in high-dimensional non-convex optimization").
//!
//! From starts of several kinds the squared gradient norm is descended (`landscape::newton`); what ends at a zero of the
//! gradient is a critical point, with a loss and an index, the share of negative eigenvalues of its Hessian. What ends
//! elsewhere is kept in the arrays with what it ended as, and counted. A point without an eigenvalue below what rounding
//! explains counts as a minimum: where all minima have one loss, every other critical point is a strict saddle.
//!
//! `starts` makes the starts, `compute` descends from them and keeps finished ones in a log, `result` sums them up,
//! `rank` correlates, `figures` draws.

mod analysis;
mod compute;
mod figures;
mod rank;
mod result;
mod starts;

pub use compute::{discard, run};
pub use rank::{Correlation, spearman};
pub use result::CriticalResult;

use crate::base::{Error, Precision, Result};
use crate::data::teacher_student::TeacherStudent;
use crate::data::{Preparation, Source};
use crate::landscape::newton;
use crate::nn::activations::Tanh;
use crate::nn::architectures::{Architecture, Mlp};
use crate::nn::inits::Initializer;
use crate::nn::losses::{Loss, SquaredError};
use crate::train::optimizers::{Lbfgs, Optimizer};
use crate::train::{Snapshots, TrainSettings, exported};
use serde::{Deserialize, Serialize};

/// Settings of a search for critical points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct CriticalSettings {
    /// Data set: a name from `losscape list data`, with settings after a colon
    #[arg(long, value_name = "KIND", default_value_t = CriticalSettings::default().data)]
    pub data: Source,
    /// Seed of the split and of generated data
    #[arg(long, value_name = "N", default_value_t = CriticalSettings::default().data_seed)]
    pub data_seed: u64,
    /// Subset, label noise, standardising.
    #[command(flatten)]
    #[serde(flatten)]
    pub preparation: Preparation,
    /// The loss is that of the first N training samples (they are in random order); 0 for all [default: 500, or all if there
    /// are fewer]
    #[arg(long, value_name = "N")]
    pub samples: Option<usize>,
    /// Network: a name from `losscape list model`, with settings after a colon
    #[arg(long, value_name = "KIND", default_value_t = CriticalSettings::default().model)]
    pub model: Architecture,
    /// Whose critical points are sought, and what training minimises
    #[arg(long, value_name = "KIND", default_value_t = CriticalSettings::default().loss)]
    pub loss: Loss,
    /// Initializer of the weights
    #[arg(long, value_name = "KIND", default_value_t = CriticalSettings::default().init)]
    pub init: Initializer,
    /// Starts at fresh draws of the initializer
    #[arg(long, value_name = "N", default_value_t = CriticalSettings::default().initial)]
    pub initial: usize,
    /// What the draws are multiplied by, in turn
    #[arg(long, value_name = "FACTORS", value_delimiter = ',', default_values_t = CriticalSettings::default().scales)]
    pub scales: Vec<f64>,
    /// Starts along training trajectories, at steps of growing distance
    #[arg(long, value_name = "N", default_value_t = CriticalSettings::default().training)]
    pub training: usize,
    /// Starts around the ends of training
    #[arg(long, value_name = "N", default_value_t = CriticalSettings::default().minimum)]
    pub minimum: usize,
    /// Noise added to the ends of training, in turn: its standard deviation, as a share of the weights' root mean square
    #[arg(long, value_name = "SHARES", value_delimiter = ',', default_values_t = CriticalSettings::default().noise)]
    pub noise: Vec<f64>,
    /// Starts around saddles of known form: no weights at all, a unit of a narrower network twice, a unit that does nothing
    /// (mlp); some of the singular vectors (matrix-factorization on the data set identity:observed=1)
    #[arg(long, value_name = "N", default_value_t = CriticalSettings::default().saddle)]
    pub saddle: usize,
    /// Noise added to saddles: its standard deviation
    #[arg(long, value_name = "SIZE", default_value_t = CriticalSettings::default().perturbation)]
    pub perturbation: f64,
    /// Training runs behind the starts, of as many seeds
    #[arg(long, value_name = "N", default_value_t = CriticalSettings::default().runs)]
    pub runs: usize,
    /// Optimizer of the runs, with settings after a colon
    #[arg(long, value_name = "KIND", default_value_t = CriticalSettings::default().optimizer)]
    pub optimizer: Optimizer,
    /// Learning rate of the runs [default: the optimizer's own]
    #[arg(long, value_name = "RATE")]
    pub lr: Option<f64>,
    /// Epochs of the runs
    #[arg(long, value_name = "N", default_value_t = CriticalSettings::default().epochs)]
    pub epochs: usize,
    /// Most Newton steps from a start
    #[arg(long, value_name = "N", default_value_t = CriticalSettings::default().steps)]
    pub steps: usize,
    /// Gradient norm of a critical point, at most
    #[arg(long, value_name = "NORM", default_value_t = CriticalSettings::default().tolerance)]
    pub tolerance: f64,
    /// A gradient g is flat where |H g| is at most this share of the largest |eigenvalue| times |g|
    #[arg(long, value_name = "SHARE", default_value_t = CriticalSettings::default().flat)]
    pub flat: f64,
    /// How far the zero of the gradient may be from a critical point, as a share of max(1, |theta|)
    #[arg(long, value_name = "SHARE", default_value_t = CriticalSettings::default().distance)]
    pub distance: f64,
    /// First seed of initialization and sample order, and seed of all noise
    #[arg(long, value_name = "N", default_value_t = CriticalSettings::default().seed)]
    pub seed: u64,
}

impl Default for CriticalSettings {
    fn default() -> Self {
        let newton::Settings { tolerance, steps, flat, distance } = newton::Settings::default();
        Self {
            // Small, and with more samples than could be fitted: where a network fits all, or its units saturate, as on the
            // digits, zeros of the gradient lie at infinity. Two of three starts end at a critical point here.
            data: TeacherStudent::default().into(),
            data_seed: 0,
            preparation: Preparation::default(),
            samples: None,
            model: Mlp { hidden: vec![3], activation: Tanh.into(), ..Mlp::default() }.into(),
            loss: SquaredError.into(),
            init: Initializer::default(),
            initial: 24,
            scales: vec![0.5, 1.0, 2.0],
            training: 24,
            minimum: 24,
            noise: vec![0.03, 0.1, 0.3],
            saddle: 24,
            perturbation: 0.01,
            runs: 4,
            optimizer: Lbfgs::default().into(), // comes close to its minimum
            lr: None,
            epochs: 1000, // iterations
            steps,
            tolerance,
            flat,
            distance,
            seed: 0,
        }
    }
}

/// Samples where nothing is said.
pub const SAMPLES: usize = 500;
/// Most parameters: the eigen-decomposition of a step, which nothing interrupts, takes p^3 operations.
pub const MOST_PARAMETERS: usize = 700;
/// Most starts.
const MOST_STARTS: usize = 100_000;

impl CriticalSettings {
    /// Number of starts.
    pub fn starts(&self) -> usize {
        self.initial + self.training + self.minimum + self.saddle
    }

    /// Settings of a descent.
    pub fn newton(&self) -> newton::Settings {
        let Self { tolerance, steps, flat, distance, .. } = *self;
        newton::Settings { tolerance, steps, flat, distance }
    }

    /// Settings of the run of number `run`.
    pub fn train(&self, run: usize) -> TrainSettings {
        TrainSettings {
            data: self.data.clone(),
            data_seed: self.data_seed,
            preparation: self.preparation.clone(),
            samples: self.samples.filter(|n| *n > 0),
            model: self.model.clone(),
            loss: self.loss.clone(),
            init: Some(self.init.clone()),
            optimizer: self.optimizer.clone(),
            lr: self.lr,
            epochs: self.epochs,
            // One more than are used: the end is a start of its own kind.
            snapshots: Some(Snapshots::Log(self.training.div_ceil(self.runs.max(1)) as u64 + 1)),
            seed: self.seed.wrapping_add(run as u64),
            precision: Precision::F64,
            ..TrainSettings::default()
        }
    }

    /// The same settings with all that the file of an exported network and its data say.
    pub(super) fn settled(&self) -> Result<Self> {
        let settled = exported::settle_with(self.train(0), &Self::default().loss)?;
        let TrainSettings { data, preparation, model, loss, .. } = settled;
        Ok(Self { data, preparation, model, loss, ..self.clone() })
    }

    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        let each = [self.initial, self.training, self.minimum, self.saddle];
        let counts = ["--initial", "--training", "--minimum", "--saddle"];
        for (flag, count) in counts.iter().zip(each) {
            if count > MOST_STARTS {
                return Err(Error::expected(*flag, format!("at most {MOST_STARTS} starts"), count));
            }
        }
        if self.starts() == 0 {
            return Err(Error::expected(counts.join(", "), "at least one start", "none"));
        }
        if !(1..=1000).contains(&self.runs) {
            return Err(Error::expected("--runs", "1 to 1000", self.runs));
        }
        let list = |flag: &str, values: &[f64]| match values.iter().find(|x| !(0.0..=1e6).contains(*x)) {
            Some(bad) => Err(Error::expected(flag, "numbers of at least 0 and at most 1e6", bad)),
            None if values.is_empty() => Err(Error::expected(flag, "at least one number", "none")),
            None => Ok(()),
        };
        list("--scales", &self.scales)?;
        list("--noise", &self.noise)?;
        list("--perturbation", &[self.perturbation])?;
        self.newton().check()?;
        self.train(0).check()
    }
}
