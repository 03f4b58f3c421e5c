//! How far training went: distance from the start, and how much the outputs and the tangent kernel changed.
//!
//! ```text
//! distance        |theta - theta_0|,   relative   |theta - theta_0| / |theta_0|
//! output change   rms(f - f_0) over training samples and outputs,   relative   rms(f - f_0) / rms(f_0)
//! tangent kernel  K(theta) = J J',   J (samples outputs) x p the Jacobian of the outputs (Jacot et al. 2018, arXiv 1806.07572)
//! drift           1 - <K, K_0> / (|K| |K_0|)   (Frobenius; Fort et al. 2020, arXiv 2010.15110: the kernel distance)
//! ```
//!
//! A network whose kernel stays is trained lazily: it is linear in its parameters as far as training goes. One whose kernel
//! turns has learned features (Chizat et al. 2019, arXiv 1812.07956). After the first step, the change of the outputs says
//! whether the rate suits the start (Zhang et al. 2019, arXiv 1901.09321: as large at every depth).
//!
//! A row of J is the gradient of 1/2 |f - y|^2 for one sample with y = f less the unit vector of its output, so that nothing
//! but gradients is needed. Statistics of batch norm are the running ones. What is not a finite number is none: relative to
//! outputs that are all 0, or after training that diverged. Costs a gradient of one sample for each row, and
//! p numbers of memory for each.

use super::analysis::{Analysis, Named, Needs, Networks, Work};
use super::{Numbers, Outcome, Record, Run};
use crate::base::npz::Npz;
use crate::base::pool::each_apart;
use crate::base::{Error, Result, json};
use crate::data::Samples;
use crate::nn::losses::Loss;
use crate::nn::losses::SquaredError;
use crate::nn::{At, Network, Spec, Statistics};
use crate::train::{TrainSettings, loss};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// What is measured of the way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TravelSettings {
    /// Training samples of the tangent kernel, the first ones (they are in random order); 0 for no kernel
    #[arg(long, value_name = "N", default_value_t = TravelSettings::default().kernel_samples)]
    pub kernel_samples: usize,
    /// Measure the way to the state after so many steps of training, if it has more, instead of to its end
    #[arg(long, value_name = "N")]
    pub step: Option<u64>,
}

impl Default for TravelSettings {
    fn default() -> Self {
        // With ten outputs a kernel of 320 x 320, whose drift is known to a few per cent.
        Self { kernel_samples: 32, step: None }
    }
}

/// Most samples of a kernel.
const MOST: usize = 1000;

impl TravelSettings {
    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        if self.kernel_samples <= MOST {
            Ok(())
        } else {
            Err(Error::expected("--kernel-samples", format!("at most {MOST}"), self.kernel_samples))
        }
    }
}

impl Analysis for TravelSettings {
    const NAME: &'static str = "travel";
    const ABOUT: &'static str =
        "How far training went, how much the outputs changed, how far the tangent kernel turned";
    const SUMMARY: &'static str =
        "how far training went, and how much the outputs changed and the tangent kernel turned";
    const EXAMPLES: &'static str = "Examples:
  losscape travel                                         the default network, trained if need be
  losscape travel --run runs/a --kernel-samples 100
  losscape travel --run runs/a --step 1                   the way of the first step alone

The network is drawn again as its training began, and compared with what training made of it.

Writes travel.json (distance and relative_distance of the parameters, output_change and relative_output_change over the
training samples, kernel_drift: 1 less the cosine of both tangent kernels).";
    const SETTINGS: &'static str = include_str!("../../analyses/settings/travel.toml");
    const QUICK: &'static [(&'static str, &'static str)] = &[("kernel-samples", "4")];
    type Record = Outcome<Travel>;

    fn needs() -> Needs {
        Needs::Networks { within: 1..=1, usual: 1, named: Named::Recorded }
    }

    fn validate(&self, _: usize, _: &TrainSettings) -> Result<()> {
        self.check()
    }

    fn forwards(&self, _: usize, (train, test): (f64, f64)) -> f64 {
        // Ten outputs; products of all pairs of gradients cost as much again.
        let kernel = 120.0 * self.kernel_samples as f64;
        let steps = self.step.map_or(0.0, |steps| 2.0 * (train + test) + 3.0 * 128.0 * steps as f64);
        kernel + 2.0 * (train + test) + 2.0 * train + steps
    }

    fn looks_at_end(&self) -> bool {
        self.step.is_none()
    }

    fn run(&self, of: Networks, _: &Work) -> Result<Option<Outcome<Travel>>> {
        let ([end, ..], training) = (of.runs, of.first_training()?) else {
            return Err(Error::expected(Self::NAME, "a network", "none"));
        };
        let start = Run::after(0, training)?;
        let found = match self.step {
            None => run(self, &start, end)?,
            Some(step) => run(self, &start, &Run::after(step, training)?)?,
        };
        Ok(Some(found))
    }

    fn load(directory: &Path) -> Result<Outcome<Travel>> {
        Outcome::load(directory)
    }
}

/// How far training went. What is not a finite number is NaN.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Travel {
    /// What was asked for.
    pub settings: TravelSettings,
    /// Distance of the parameters from the start.
    #[serde(deserialize_with = "json::number")]
    pub distance: f64,
    /// The same relative to the norm of the start.
    #[serde(deserialize_with = "json::number")]
    pub relative_distance: f64,
    /// Root mean square change of the outputs, over training samples and outputs.
    #[serde(deserialize_with = "json::number")]
    pub output_change: f64,
    /// The same relative to the outputs of the start.
    #[serde(deserialize_with = "json::number")]
    pub relative_output_change: f64,
    /// One less the cosine of both tangent kernels; NaN without a kernel.
    #[serde(deserialize_with = "json::number")]
    pub kernel_drift: f64,
}

impl Numbers for Travel {
    const NAME: &'static str = "travel";
    const ARRAYS: bool = false;
}

impl Record for Outcome<Travel> {
    fn report(&self) -> String {
        self.listed()
    }
}

/// The way from a network to another one of its kind.
pub fn run(settings: &TravelSettings, start: &Run, end: &Run) -> Result<Outcome<Travel>> {
    settings.check()?;
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
    let distance = norm(&mut start.theta.iter().zip(&end.theta).map(|(a, b)| b - a));
    let from = norm(&mut start.theta.iter().copied());
    let outputs = |run: &Run| outputs(run);
    let (first, last) = (outputs(start), outputs(end));
    let change = norm(&mut first.iter().zip(&last).map(|(a, b)| b - a));
    let size = norm(&mut first.iter().copied());
    let drift = match settings.kernel_samples.min(end.dataset.train.len()) {
        0 => f64::NAN,
        n => {
            let of = |run: &Run| kernel(run, n);
            let (a, b) = (of(start)?, of(end)?);
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            1.0 - dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
        }
    };
    let numbers = Travel {
        settings: settings.clone(),
        distance,
        relative_distance: distance / from,
        output_change: change / (first.len() as f64).sqrt(),
        relative_output_change: change / size,
        kernel_drift: drift,
    };
    Ok(Outcome::new(numbers, Npz::default(), Vec::new()))
}

/// Outputs for all training samples, one sample after the other.
fn outputs(run: &Run) -> Vec<f64> {
    let network = Arc::new(run.network.clone());
    loss(&network, &run.dataset.train, run.precision, Statistics::Running).outputs(at(run))
}

fn at(run: &Run) -> At<'_> {
    At { theta: &run.theta, state: &run.state }
}

/// The tangent kernel over the first `n` training samples and all outputs, row by row.
fn kernel(run: &Run, n: usize) -> Result<Vec<f64>> {
    let spec = Spec { loss: Loss::from(SquaredError), ..run.network.spec().clone() };
    let outputs = spec.outputs;
    let network = Arc::new(Network::new(spec)?);
    let mut few = run.dataset.train.clone();
    few.truncate(n);
    let own = loss(&Arc::new(run.network.clone()), &few, run.precision, Statistics::Running);
    let predicted = own.outputs(at(run));
    // A sample for each output of each, with a target below it by one: the gradient of the squared error is the output's.
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for row in 0..n * outputs {
        let (sample, output) = (row / outputs, row % outputs);
        x.extend_from_slice(few.input(sample));
        y.extend_from_slice(&predicted[sample * outputs..][..outputs]);
        y[row * outputs + output] -= 1.0;
    }
    let all = loss(&network, &Samples::of_values(x, y, n * outputs), run.precision, Statistics::Running);
    let one = all.batches(1);
    let rows = each_apart(n * outputs, |row| Ok(one(&[row as u32]).gradient(at(run)).1))?;
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let line = |i: usize| Ok(rows.iter().map(|row| dot(&rows[i], row)).collect::<Vec<f64>>());
    Ok(each_apart(rows.len(), line)?.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyses::training;
    use crate::train::{Snapshots, TrainSettings};

    fn settings(model: &str, epochs: usize) -> Result<TrainSettings> {
        Ok(TrainSettings {
            data: "spirals:samples=80".parse()?,
            model: model.parse()?,
            epochs,
            precision: crate::base::Precision::F64,
            ..TrainSettings::default()
        })
    }

    fn trained(model: &str, epochs: usize) -> Result<Run> {
        Run::of(training::run(&settings(model, epochs)?, &mut |_| ())?)
    }

    #[test]
    fn after_some_steps_a_run_is_where_its_snapshots_say() -> Result<()> {
        // Four batches an epoch, and a rate that depends on how long training is to be.
        let settings = TrainSettings {
            batch_size: Some(16),
            schedule: "cosine".parse()?,
            snapshots: Some(Snapshots::Steps(1)),
            ..settings("mlp:hidden=[6],norm=batch", 3)?
        };
        let whole = training::run(&settings, &mut |_| ())?.trained;
        assert_eq!(whole.steps, 12);
        for (steps, at) in [(0, 0), (1, 1), (4, 4), (6, 6), (12, 12), (99, 12)] {
            let found = Run::after(steps, &settings)?;
            let same = |(step, point): &(u64, crate::train::Point<f64>)| {
                *step == at && point.theta == found.theta && point.state == found.state
            };
            assert!(whole.trajectory.iter().any(same), "{steps}");
        }
        Ok(())
    }

    #[test]
    fn a_step_changes_the_outputs_of_a_linear_model_by_its_kernel() -> Result<()> {
        let rate = 0.3;
        let settings = TrainSettings {
            loss: "squared-error".parse()?,
            optimizer: "sgd:momentum=0.0".parse()?,
            lr: Some(rate),
            batch_size: Some(60), // all
            ..settings("mlp:hidden=[]", 1)?
        };
        let (start, end) = (Run::after(0, &settings)?, Run::after(1, &settings)?);
        let way = run(&TravelSettings { kernel_samples: 0, step: Some(1) }, &start, &end)?;
        // f - f_0 = -rate / n K (f_0 - y) with K = (<x_s, x_t> + 1), each output by itself.
        let (x, labels) = (&start.dataset.train.x, start.dataset.train.labels().unwrap_or_default());
        let (n, outputs) = (labels.len(), start.network.spec().outputs);
        let weights = &start.theta;
        let biases = &weights[2 * outputs..];
        let first =
            |s: usize, c: usize| weights[2 * c] * x[2 * s] + weights[2 * c + 1] * x[2 * s + 1] + biases[c];
        let (mut change, mut size) = (0.0, 0.0);
        for c in 0..outputs {
            for s in 0..n {
                let term = |t: usize| {
                    let kernel = x[2 * s] * x[2 * t] + x[2 * s + 1] * x[2 * t + 1] + 1.0;
                    kernel * (first(t, c) - f64::from(u8::from(labels[t] as usize == c)))
                };
                change += (rate / n as f64 * (0..n).map(term).sum::<f64>()).powi(2);
                size += first(s, c).powi(2);
            }
        }
        let entries = (n * outputs) as f64;
        let way = way.numbers;
        for (found, expected) in
            [(way.output_change, change / entries), (way.relative_output_change, change / size)]
        {
            assert!((found / expected.sqrt() - 1.0).abs() < 1e-12, "{way:?}");
        }
        assert!(way.kernel_drift.is_nan());
        Ok(())
    }

    #[test]
    fn the_kernel_of_a_linear_model_is_that_of_its_inputs_and_never_drifts() -> Result<()> {
        let (start, end) = (trained("mlp:hidden=[]", 0)?, trained("mlp:hidden=[]", 5)?);
        // J's row of sample s and output c is (x_s, 1) in the row of c: K = (<x_s, x_t> + 1) [c = d].
        let found = kernel(&end, 3)?;
        let outputs = end.network.spec().outputs;
        let x = &end.dataset.train.x;
        let size = 3 * outputs;
        for (i, k) in found.iter().enumerate() {
            let ((s, c), (t, d)) =
                ((i / size / outputs, i / size % outputs), (i % size / outputs, i % outputs));
            let dot = x[2 * s] * x[2 * t] + x[2 * s + 1] * x[2 * t + 1] + 1.0;
            let expected = if c == d { dot } else { 0.0 };
            assert!((k - expected).abs() < 1e-12, "{i}: {k} {expected}");
        }
        let way = run(&TravelSettings::default(), &start, &end)?.numbers;
        assert!(way.kernel_drift.abs() < 1e-12, "{way:?}");
        let square: f64 = start.theta.iter().zip(&end.theta).map(|(a, b)| (a - b).powi(2)).sum();
        assert!(way.distance > 0.01 && (way.distance - square.sqrt()).abs() < 1e-14);
        Ok(())
    }

    #[test]
    fn hidden_layers_drift_and_nothing_drifts_without_training() -> Result<()> {
        let (start, end) = (trained("mlp:hidden=[6]", 0)?, trained("mlp:hidden=[6]", 20)?);
        let drift = |a: &Run, b: &Run| -> Result<f64> {
            Ok(run(&TravelSettings { kernel_samples: 10, step: None }, a, b)?.numbers.kernel_drift)
        };
        assert!(drift(&start, &start)?.abs() < 1e-12);
        let moved = drift(&start, &end)?;
        assert!(moved > 1e-3 && moved < 1.0, "{moved}");
        Ok(())
    }
}
