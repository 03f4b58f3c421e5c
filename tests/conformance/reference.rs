//! A multilayer perceptron and its losses once more, in plain loops over numbers: nothing here knows a tape.

use crate::conformance::check::along;
use losscape::autodiff::primitives::map::Curve;
use losscape::base::registry::Registry;
use losscape::nn::losses::{Criterion, Loss};
use std::sync::Arc;

/// The summed loss of a multilayer perceptron; parameters as PyTorch would list them: for each layer the
/// weight, outputs x inputs row by row, then the bias.
pub struct Mlp {
    /// Inputs, hidden widths, outputs.
    pub sizes: Vec<usize>,
    pub activation: Arc<dyn Curve>,
    /// Where its derivatives jump.
    pub kinks: &'static [f64],
    pub loss: Loss,
    /// One sample after the other.
    pub data: Vec<f64>,
    pub labels: Vec<u32>,
}

impl Mlp {
    /// Outputs for one sample, and its smallest distance of a hidden unit from a kink.
    pub fn forward(&self, theta: &[f64], sample: usize) -> (Vec<f64>, f64) {
        let mut units = self.data[sample * self.sizes[0]..][..self.sizes[0]].to_vec();
        let (mut at, mut margin) = (0, f64::INFINITY);
        for layer in 1..self.sizes.len() {
            let (inputs, outputs) = (self.sizes[layer - 1], self.sizes[layer]);
            let mut z = vec![0.0; outputs];
            for o in 0..outputs {
                for i in 0..inputs {
                    z[o] += theta[at + o * inputs + i] * units[i];
                }
                z[o] += theta[at + inputs * outputs + o];
            }
            at += (inputs + 1) * outputs;
            if layer + 1 < self.sizes.len() {
                let near = |m: f64, z: &f64| self.kinks.iter().fold(m, |m, kink| m.min((z - kink).abs()));
                margin = z.iter().fold(margin, near);
                let mut active = vec![0.0; outputs];
                self.activation.apply_f64(0, &z, &mut active);
                z = active;
            }
            units = z;
        }
        assert_eq!(at, theta.len());
        (units, margin)
    }

    /// Smallest distance of any hidden unit, or of an output in a loss with a kink, from its kink, over all samples.
    pub fn margin(&self, theta: &[f64]) -> f64 {
        let of = |n: usize| {
            let (outputs, margin) = self.forward(theta, n);
            if !self.loss.has_kink() {
                return margin;
            }
            let label = |c: usize| f64::from(u8::from(c == self.labels[n] as usize));
            let kink = |c: usize| match &self.loss {
                Loss::Huber(huber) => (outputs[c] - label(c)).abs() - huber.delta,
                Loss::AbsoluteError(_) => outputs[c] - label(c),
                // Hinges, of whichever power, have it at y f = 1.
                _ => 1.0 - (2.0 * label(c) - 1.0) * outputs[c],
            };
            (0..outputs.len()).fold(margin, |m, c| m.min(kink(c).abs()))
        };
        (0..self.labels.len()).map(of).fold(f64::INFINITY, f64::min)
    }

    /// The summed loss; none where the loss has no formula here.
    pub fn value(&self, theta: &[f64]) -> Option<f64> {
        let of = |n: usize| sample_loss(&self.loss, &self.forward(theta, n).0, self.labels[n] as usize);
        (0..self.labels.len()).map(of).sum()
    }

    /// The Hessian of the value, each entry from values alone: (q(e_i + e_j) - q(e_i - e_j)) / 4 with
    /// q(u) = u'Hu from five points along u, a step of h apart.
    pub fn hessian(&self, theta: &[f64], h: f64) -> Option<Vec<f64>> {
        let (p, here) = (theta.len(), self.value(theta)?);
        let mut hessian = vec![0.0; p * p];
        for i in 0..p {
            for j in 0..=i {
                let bend = |sign: f64| {
                    let mut u = vec![0.0; p];
                    u[i] += 1.0;
                    u[j] += sign;
                    let at = |t: f64| self.value(&along(theta, t, &u)).unwrap_or(f64::NAN);
                    let (near, far) = (at(h) + at(-h), at(2.0 * h) + at(-2.0 * h));
                    (16.0 * near - far - 30.0 * here) / (12.0 * h * h)
                };
                let entry = if i == j { bend(0.0) } else { (bend(1.0) - bend(-1.0)) / 4.0 };
                hessian[i * p + j] = entry;
                hessian[j * p + i] = entry;
            }
        }
        Some(hessian)
    }
}

/// The loss of one sample, as a textbook has it.
pub fn sample_loss(loss: &Loss, outputs: &[f64], label: usize) -> Option<f64> {
    let classes = outputs.len();
    Some(match loss.name() {
        "cross-entropy" => {
            let smoothing = loss.settings()["smoothing"].as_float()?;
            let total: f64 = outputs.iter().map(|z| z.exp()).sum();
            let surprise = |c: usize| -(outputs[c].exp() / total).ln();
            let spread = (0..classes).map(surprise).sum::<f64>() / classes as f64;
            let settings = loss.settings();
            let weights: Vec<f64> =
                settings["weights"].as_array()?.iter().filter_map(|w| w.as_float()).collect();
            if weights.is_empty() {
                return Some((1.0 - smoothing) * surprise(label) + smoothing * spread);
            }
            let all: f64 = (0..classes).map(|c| weights[c] * surprise(c)).sum();
            (1.0 - smoothing) * weights[label] * surprise(label) + smoothing / classes as f64 * all
        }
        "huber" | "absolute-error" => {
            let difference = |c: usize| (outputs[c] - if c == label { 1.0 } else { 0.0 }).abs();
            let delta = loss.settings().get("delta").and_then(|d| d.as_float());
            let cost = |d: f64| match delta {
                None => d,
                Some(delta) if d <= delta => d * d / 2.0,
                Some(delta) => delta * (d - delta / 2.0),
            };
            (0..classes).map(|c| cost(difference(c))).sum()
        }
        "poisson" => outputs.iter().map(|f| f.exp()).sum::<f64>() - outputs[label],
        "squared-error" => {
            let target = |c: usize| if c == label { 1.0 } else { 0.0 };
            (0..classes).map(|c| (outputs[c] - target(c)).powi(2)).sum::<f64>() / 2.0
        }
        "mean-squared-error" => {
            let target = |c: usize| if c == label { 1.0 } else { 0.0 };
            (0..classes).map(|c| (outputs[c] - target(c)).powi(2)).sum::<f64>() / classes as f64
        }
        "excess" => outputs.iter().sum::<f64>() - 1.0,
        "hinge" | "logistic" => {
            let margin = |c: usize| if c == label { outputs[c] } else { -outputs[c] };
            let cost = |m: f64| match loss.settings().get("squared").map(|s| s.as_bool()) {
                Some(Some(squared)) => (1.0 - m).max(0.0).powi(if squared { 2 } else { 1 }),
                _ => (1.0 + (-m).exp()).ln(),
            };
            (0..classes).map(|c| cost(margin(c))).sum()
        }
        _ => return None,
    })
}
