//! How data-parallel training scales: the same mini-batches shared out among N workers on N threads, against one worker on one.
//!
//! ```text
//! speedup     T_1 / T_N,   T the median time of a step
//! efficiency  T_1 / (N T_N)
//! difference  |theta_N - theta_1| / |theta_1 - theta_0| after the same steps
//! ```
//!
//! The mean of the workers' gradients is the gradient of the whole batch, so that the difference is one of rounding, unless
//! samples share statistics (batch norm), which each worker takes of its own. Work is the same for any N (strong scaling);
//! more workers than cores cannot be efficient. The two are timed in turn, so that what else the machine does meets both
//! alike; times are no function of the settings, and differ from run to run.

use super::analysis::{Analysis, Needs, Networks, Work};
use super::{Numbers, Outcome, Record, training};
use crate::base::npz::Npz;
use crate::base::pool::of_threads;
use crate::base::statistics::quantile;
use crate::base::{Error, Result, interrupt, json};
use crate::train::{Event, TrainSettings};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Instant;

/// What is timed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ScalingSettings {
    /// Workers, a thread each, that are compared to one
    #[arg(long, value_name = "N", default_value_t = ScalingSettings::default().workers)]
    pub workers: usize,
    /// Epochs of training that are timed
    #[arg(long, value_name = "N", default_value_t = ScalingSettings::default().epochs)]
    pub epochs: usize,
    /// How often both are timed, in turn
    #[arg(long, value_name = "N", default_value_t = ScalingSettings::default().repeat)]
    pub repeat: usize,
}

impl Default for ScalingSettings {
    fn default() -> Self {
        Self { workers: 2, epochs: 1, repeat: 7 }
    }
}

/// Most workers and repetitions.
const MOST_WORKERS: usize = 1024;
const MOST_REPEATS: usize = 1000;

impl ScalingSettings {
    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        for (key, value, most) in [
            ("workers", self.workers, MOST_WORKERS),
            ("epochs", self.epochs, 1_000_000),
            ("repeat", self.repeat, MOST_REPEATS),
        ] {
            if !(1..=most).contains(&value) {
                return Err(Error::expected(key, format!("1 to {most}"), value));
            }
        }
        Ok(())
    }
}

impl Analysis for ScalingSettings {
    const NAME: &'static str = "scaling";
    const ABOUT: &'static str =
        "How much faster several workers make the steps of training, and whether they are the same";
    const SUMMARY: &'static str =
        "how much faster several workers make the steps of training, and whether they are the same";
    const EXAMPLES: &'static str = "";
    const SETTINGS: &'static str = "";
    const QUICK: &'static [(&'static str, &'static str)] = &[("repeat", "1")];
    const COMMAND: bool = false;
    type Record = Outcome<Scaling>;

    fn needs() -> Needs {
        Needs::Training(Box::default())
    }

    fn validate(&self, _: usize, _: &TrainSettings) -> Result<()> {
        self.check()
    }

    fn forwards(&self, _: usize, (train, test): (f64, f64)) -> f64 {
        (2 * self.repeat * self.epochs) as f64 * (4.0 * train + test)
    }

    fn alone(&self) -> bool {
        true
    }

    fn looks_at_end(&self) -> bool {
        false
    }

    fn run(&self, of: Networks, _: &Work) -> Result<Option<Outcome<Scaling>>> {
        run(self, of.first_training()?).map(Some)
    }

    fn load(directory: &Path) -> Result<Outcome<Scaling>> {
        Outcome::load(directory)
    }
}

/// How much faster several workers were.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Scaling {
    /// What was asked for.
    pub settings: ScalingSettings,
    /// Workers that were compared to one.
    pub workers: usize,
    /// Processors of the machine.
    pub cores: usize,
    /// Median time of a step of one worker, in seconds.
    #[serde(deserialize_with = "json::number")]
    pub seconds_alone: f64,
    /// Median time of a step of all.
    #[serde(deserialize_with = "json::number")]
    pub seconds: f64,
    /// How many times faster all were, the median of the repetitions.
    #[serde(deserialize_with = "json::number")]
    pub speedup: f64,
    /// The same for each worker.
    #[serde(deserialize_with = "json::number")]
    pub efficiency: f64,
    /// Its lower and upper quartile.
    #[serde(deserialize_with = "json::pair")]
    pub efficiency_quartiles: [f64; 2],
    /// Distance of the ends, relative to that which training went.
    #[serde(deserialize_with = "json::number")]
    pub difference: f64,
}

impl Numbers for Scaling {
    const NAME: &'static str = "scaling";
    const ARRAYS: bool = false;
}

impl Record for Outcome<Scaling> {
    fn report(&self) -> String {
        self.listed()
    }
}

/// A run of training: the median time of its steps, and where it ended.
struct Timed {
    seconds: f64,
    theta: Vec<f64>,
}

/// Times training as `base` has it.
pub fn run(settings: &ScalingSettings, base: &TrainSettings) -> Result<Outcome<Scaling>> {
    settings.check()?;
    let workers = settings.workers;
    let of = |workers: usize, epochs: usize| -> Result<Timed> {
        let training = TrainSettings {
            workers: Some(workers),
            epochs,
            warmup: base.warmup.min(epochs as f64),
            target_loss: None,
            target_gradient: None,
            swa: None,
            snapshots: None,
            probe: None,
            probe_samples: None,
            ..base.clone()
        };
        of_threads(workers)?.install(|| timed(&training))
    };
    let start = of(1, 0)?;
    let (mut alone, mut shared, mut ends) = (Vec::new(), Vec::new(), None);
    for _ in 0..settings.repeat {
        let (one, many) = (of(1, settings.epochs)?, of(workers, settings.epochs)?);
        interrupt::check("scaling", "nothing was kept")?;
        alone.push(one.seconds);
        shared.push(many.seconds);
        ends = Some((one.theta, many.theta));
    }
    let norm = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
    let difference = ends.map_or(f64::NAN, |(one, many)| norm(&many, &one) / norm(&one, &start.theta));
    let sorted = |values: &mut dyn Iterator<Item = f64>| {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let speedup = sorted(&mut alone.iter().zip(&shared).map(|(a, b)| a / b));
    let median = |values: &[f64]| quantile(&sorted(&mut values.iter().copied()), 0.5);
    let efficiency = |q: f64| quantile(&speedup, q) / workers as f64;
    let numbers = Scaling {
        settings: settings.clone(),
        workers,
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        seconds_alone: median(&alone),
        seconds: median(&shared),
        speedup: quantile(&speedup, 0.5),
        efficiency: efficiency(0.5),
        efficiency_quartiles: [efficiency(0.25), efficiency(0.75)],
        difference,
    };
    Ok(Outcome::new(numbers, Npz::default(), Vec::new()))
}

/// Trains, and takes the time of each step that follows another one of its epoch.
fn timed(settings: &TrainSettings) -> Result<Timed> {
    let (mut last, mut steps): (Option<Instant>, Vec<f64>) = (None, Vec::new());
    let result = training::run(settings, &mut |event| match event {
        Event::Step(..) => {
            let now = Instant::now();
            steps.extend(last.map(|before| (now - before).as_secs_f64()));
            last = Some(now);
        }
        // Evaluations are no part of a step.
        _ => last = None,
    })?;
    steps.sort_by(f64::total_cmp);
    Ok(Timed { seconds: quantile(&steps, 0.5), theta: result.trained.point.theta })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Precision;

    #[test]
    fn workers_train_as_one_unless_they_have_statistics_of_their_own() -> Result<()> {
        let base = |norm: &str| -> Result<TrainSettings> {
            Ok(TrainSettings {
                data: "spirals:samples=120".parse()?,
                model: format!("mlp:hidden=[8],norm={norm}").parse()?,
                batch_size: Some(32),
                precision: Precision::F64,
                ..TrainSettings::default()
            })
        };
        let settings = ScalingSettings { workers: 3, epochs: 4, repeat: 1 };
        let found = |norm: &str| -> Result<Scaling> { Ok(run(&settings, &base(norm)?)?.numbers) };
        let (plain, batch) = (found("none")?, found("batch")?);
        // Sums of 32 terms in another order, over twelve steps.
        assert!(plain.difference < 1e-13, "{plain:?}");
        assert!(batch.difference > 1e-3, "{batch:?}");
        assert!(plain.speedup > 0.0, "{plain:?}");
        assert!((plain.efficiency - plain.speedup / 3.0).abs() < 1e-12, "{plain:?}");
        Ok(())
    }
}
