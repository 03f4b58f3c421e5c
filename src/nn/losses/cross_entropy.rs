//! Softmax cross-entropy in nats, with label smoothing: the target is (1 - smoothing) one-hot + smoothing / C
//! (Szegedy et al. 2016). With smoothing the least possible loss is above zero.

use super::Criterion;
use crate::autodiff::{Node, Tape};
use crate::base::random::Rng;
use crate::base::{Error, Result, registry::Kind};
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Softmax cross-entropy in nats.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CrossEntropy {
    /// Share of the target spread evenly over all classes, from 0 to 1.
    pub smoothing: f64,
}

impl Kind for CrossEntropy {
    const NAME: &'static str = "cross-entropy";
    const SUMMARY: &'static str =
        "softmax cross-entropy in nats; smoothing spreads part of the target over all classes";

    fn check(&self) -> Result<()> {
        match (0.0..=1.0).contains(&self.smoothing) {
            true => Ok(()),
            false => Err(Error::expected("smoothing", "0 to 1", self.smoothing)),
        }
    }
}

impl Criterion for CrossEntropy {
    fn target(&self, label: usize, out: &mut [f64]) {
        out.fill(self.smoothing / out.len() as f64);
        out[label] += 1.0 - self.smoothing;
    }

    fn unit(&self) -> Option<&'static str> {
        Some("nats")
    }

    /// One class, by the probabilities that softmax gives.
    fn draw(&self, outputs: &[f64], rng: &mut Rng, target: &mut [f64]) -> bool {
        let mut weights = outputs.to_vec();
        self.predict(&mut weights);
        let mut left = rng.random::<f64>() * weights.iter().sum::<f64>();
        let below = |w: &f64| {
            left -= w;
            left < 0.0
        };
        // Rounding may leave a little beyond the last.
        let class = weights.iter().position(below).unwrap_or(outputs.len() - 1);
        target.fill(0.0);
        target[class] = 1.0;
        true
    }

    /// The categorical distribution in its logits. With a mask a sample counts by the share of its own target that was
    /// observed, which drawn targets do not share.
    fn fisher_is_gauss_newton(&self, masked: bool) -> bool {
        !masked
    }

    /// Softmax.
    fn predict(&self, outputs: &mut [f64]) {
        let largest = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        outputs.iter_mut().for_each(|z| *z = (*z - largest).exp());
        let sum: f64 = outputs.iter().sum();
        outputs.iter_mut().for_each(|p| *p /= sum);
    }

    fn of_prediction(&self, prediction: &[f64], target: &[f64]) -> f64 {
        // What has no share in the target costs nothing, however small its probability.
        let pairs = prediction.iter().zip(target).filter(|(_, t)| **t > 0.0);
        pairs.map(|(p, t)| -t * p.ln()).sum()
    }

    fn record(&self, tape: &mut Tape, outputs: Node, targets: Node, mask: Option<Node>) -> Node {
        let losses = tape.cross_entropy(outputs, targets);
        let Some(mask) = mask else { return losses };
        // All outputs share one denominator: a sample counts by the share of its target that was observed.
        let observed = tape.mul(targets, mask);
        let share = tape.sum_rows(observed);
        tape.mul(losses, share)
    }
}
