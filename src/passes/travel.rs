//! How far training went: distance from the start, and how much the tangent kernel changed.
//!
//! ```text
//! distance        |theta - theta_0|,   relative   |theta - theta_0| / |theta_0|
//! tangent kernel  K(theta) = J J',   J (samples outputs) x p the Jacobian of the outputs (Jacot et al. 2018, arXiv 1806.07572)
//! drift           1 - <K, K_0> / (|K| |K_0|)   (Frobenius; Fort et al. 2020, arXiv 2010.15110: the kernel distance)
//! ```
//!
//! A network whose kernel stays is trained lazily: it is linear in its parameters as far as training goes. One whose kernel
//! turns has learned features (Chizat et al. 2019, arXiv 1812.07956).
//!
//! A row of J is the gradient of 1/2 |f - y|^2 for one sample with y = f less the unit vector of its output, so that nothing
//! but gradients is needed. Statistics of batch norm are the running ones. Costs a gradient of one sample for each row, and
//! p numbers of memory for each.

use super::{Files, Run, Saved, document, to_json};
use crate::autodiff::Element;
use crate::base::pool::each_apart;
use crate::base::{Error, Result};
use crate::figure::Figure;
use crate::nn::losses::Loss;
use crate::nn::losses::SquaredError;
use crate::nn::{Network, Objective, Samples, Spec, Statistics};
use crate::train::samples;
use crate::with_precision;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// What is measured of the way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TravelSettings {
    /// Training samples of the tangent kernel, the first ones (they are in random order); 0 for no kernel
    #[arg(long, value_name = "N", default_value_t = TravelSettings::default().kernel_samples)]
    pub kernel_samples: usize,
}

impl Default for TravelSettings {
    fn default() -> Self {
        // With ten outputs a kernel of 320 x 320, whose drift is known to a few per cent.
        Self { kernel_samples: 32 }
    }
}

/// Most samples of a kernel.
const MOST: usize = 1000;

impl TravelSettings {
    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        match self.kernel_samples <= MOST {
            true => Ok(()),
            false => Err(Error::expected("kernel-samples", format!("at most {MOST}"), self.kernel_samples)),
        }
    }
}

/// How far training went.
#[derive(Clone, Debug)]
pub struct TravelResult {
    summary: Value,
}

/// The way from a network to another one of its kind.
pub fn run(settings: &TravelSettings, start: &Run, end: &Run) -> Result<TravelResult> {
    settings.check()?;
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
    let distance = norm(&mut start.theta.iter().zip(&end.theta).map(|(a, b)| b - a));
    let from = norm(&mut start.theta.iter().copied());
    let drift = match settings.kernel_samples.min(end.dataset.train.len()) {
        0 => f64::NAN,
        n => {
            let of = |run: &Run| with_precision!(run.precision, E => kernel::<E>(run, n));
            let (a, b) = (of(start)?, of(end)?);
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            1.0 - dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
        }
    };
    let number = |x: f64| if x.is_finite() { json!(x) } else { Value::Null };
    let summary = json!({
        "command": "travel",
        "version": env!("CARGO_PKG_VERSION"),
        "settings": to_json(settings)?,
        "distance": number(distance),
        "relative_distance": number(distance / from),
        "kernel_drift": number(drift),
    });
    Ok(TravelResult { summary })
}

/// The tangent kernel over the first `n` training samples and all outputs, row by row.
fn kernel<E: Element>(run: &Run, n: usize) -> Result<Vec<f64>> {
    let spec = Spec { loss: Loss::from(SquaredError), ..run.network.spec().clone() };
    let outputs = spec.outputs;
    let network = Arc::new(Network::new(spec)?);
    let round = |v: &[f64]| v.iter().map(|x| E::from_f64(*x)).collect::<Vec<E>>();
    let (theta, state) = (round(&run.theta), round(&run.state));
    let first: Vec<u32> = (0..n as u32).collect();
    let few = Arc::new(samples::<E>(&run.network, &run.dataset.train).subset(&first));
    let own = Objective::new(Arc::new(run.network.clone()), few, Statistics::Running);
    let predicted = own.outputs(&theta, &state);
    let features = run.dataset.train.x.len() / run.dataset.train.len();
    let at = |row: usize| {
        let (sample, output) = (row / outputs, row % outputs);
        let x = &run.dataset.train.x[sample * features..][..features];
        let mut y = predicted[sample * outputs..][..outputs].to_vec();
        y[output] -= 1.0;
        Samples::<E>::regression(&network, x, &y)
    };
    let one = Objective::new(network.clone(), Arc::new(at(0)), Statistics::Running);
    let rows = each_apart(n * outputs, |row| Ok(one.over(Arc::new(at(row))).gradient(&theta, &state).1))?;
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let line = |i: usize| Ok(rows.iter().map(|row| dot(&rows[i], row)).collect::<Vec<f64>>());
    Ok(each_apart(rows.len(), line)?.concat())
}

impl TravelResult {
    /// Distances and drift.
    pub fn summary(&self) -> &Value {
        &self.summary
    }
}

impl Saved for TravelResult {
    fn files(&self) -> Result<Files> {
        Ok(vec![("travel.json".to_owned(), document(&self.summary))])
    }

    fn json(&self) -> Result<Value> {
        Ok(self.summary.clone())
    }

    fn figures(&self) -> Vec<Figure> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::training;
    use crate::train::TrainSettings;

    fn trained(model: &str, epochs: usize) -> Result<Run> {
        let settings = TrainSettings {
            data: "spirals:samples=80".parse()?,
            model: model.parse()?,
            epochs,
            precision: crate::base::Precision::F64,
            ..TrainSettings::default()
        };
        Run::of(training::run(&settings, &mut |_| ())?)
    }

    #[test]
    fn the_kernel_of_a_linear_model_is_that_of_its_inputs_and_never_drifts() -> Result<()> {
        let (start, end) = (trained("mlp:hidden=[]", 0)?, trained("mlp:hidden=[]", 5)?);
        // J's row of sample s and output c is (x_s, 1) in the row of c: K = (<x_s, x_t> + 1) [c = d].
        let found = kernel::<f64>(&end, 3)?;
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
        let way = run(&TravelSettings::default(), &start, &end)?;
        let number = |key: &str| way.summary()[key].as_f64().unwrap_or(f64::NAN);
        assert!(number("kernel_drift").abs() < 1e-12, "{}", way.summary());
        let square: f64 = start.theta.iter().zip(&end.theta).map(|(a, b)| (a - b).powi(2)).sum();
        assert!(number("distance") > 0.01 && (number("distance") - square.sqrt()).abs() < 1e-14);
        Ok(())
    }

    #[test]
    fn hidden_layers_drift_and_nothing_drifts_without_training() -> Result<()> {
        let (start, end) = (trained("mlp:hidden=[6]", 0)?, trained("mlp:hidden=[6]", 20)?);
        let drift = |a: &Run, b: &Run| -> Result<f64> {
            let way = run(&TravelSettings { kernel_samples: 10 }, a, b)?;
            Ok(way.summary()["kernel_drift"].as_f64().unwrap_or(f64::NAN))
        };
        assert!(drift(&start, &start)?.abs() < 1e-12);
        let moved = drift(&start, &end)?;
        assert!(moved > 1e-3 && moved < 1.0, "{moved}");
        Ok(())
    }
}
