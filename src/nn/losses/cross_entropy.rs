//! Softmax cross-entropy in nats, with label smoothing: the target is (1 - smoothing) one-hot + smoothing / C
//! (Szegedy et al. 2016). With smoothing the least possible loss is above zero. With weights each term of class c counts w_c
//! times, and the mean is over samples; PyTorch's is over the weights of the batch, so it differs by their mean. A class that is ignored
//! is left out of the data, so that the mean is over the others.

use super::Criterion;
use crate::autodiff::curves::Reciprocal;
use crate::autodiff::{Node, Shape, Tape};
use crate::base::random::Rng;
use crate::base::{Error, Result};
use rand::RngExt;
use std::sync::Arc;

crate::kind! {
    /// Softmax cross-entropy in nats.
    CrossEntropy = "cross-entropy",
        "softmax cross-entropy in nats; smoothing spreads part of the target over all classes, weights=[..] weighs classes, ignore=N leaves out samples of a class", later &["ignore"];
    /// Share of the target spread evenly over all classes, from 0 to 1.
    smoothing: f64,
    /// Weight of each class; none for 1 of all. A class of weight 0 costs nothing.
    weights: Vec<f64>,
    /// The label of samples that do not count.
    ignore: i64 = -100, // PyTorch's ignore_index
}

impl CrossEntropy {
    fn refuse(&self) -> Result<()> {
        if !(0.0..=1.0).contains(&self.smoothing) {
            return Err(Error::expected("smoothing", "0 to 1", self.smoothing));
        }
        if let Some(w) = self.weights.iter().find(|w| !(w.is_finite() && **w >= 0.0)) {
            return Err(Error::expected("weights", "numbers of at least 0", w));
        }
        if !self.weights.is_empty() && self.weights.iter().all(|w| *w == 0.0) {
            Err(Error::expected("weights", "some above 0", "none"))
        } else {
            Ok(())
        }
    }
}

impl CrossEntropy {
    /// The weight of a class.
    fn weight(&self, class: usize) -> f64 {
        self.weights.get(class).copied().unwrap_or(1.0)
    }
}

impl Criterion for CrossEntropy {
    fn fits(&self, outputs: usize) -> Result<()> {
        if self.weights.is_empty() || self.weights.len() == outputs {
            Ok(())
        } else {
            Err(Error::expected(
                "loss cross-entropy: weights",
                format!("one for each of {outputs} classes"),
                self.weights.len(),
            ))
        }
    }

    fn target(&self, label: usize, out: &mut [f64]) {
        out.fill(self.smoothing / out.len() as f64);
        out[label] += 1.0 - self.smoothing;
    }

    fn unit(&self) -> Option<&'static str> {
        Some("nats")
    }

    /// One class, by the probabilities that softmax gives.
    fn draw(&self, outputs: &[f64], rng: &mut Rng, target: &mut [f64]) -> bool {
        if !self.weights.is_empty() {
            return false;
        }
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
        !masked && self.weights.is_empty()
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
        let pairs = prediction.iter().zip(target).enumerate().filter(|(_, (_, t))| **t > 0.0);
        pairs.map(|(class, (p, t))| -self.weight(class) * t * p.ln()).sum()
    }

    fn record(&self, tape: &mut Tape, outputs: Node, targets: Node, mask: Option<Node>) -> Node {
        let weighted = if self.weights.is_empty() {
            targets
        } else {
            let weights = tape.constant(self.weights.clone().into(), Shape::new(self.weights.len(), 1));
            tape.mul(targets, weights)
        };
        // sum_c w_c t_c l_c is the loss for targets w_c t_c over their sum, times that sum. One-hot targets are the same after.
        let own = if self.weights.is_empty() || self.smoothing == 0.0 {
            targets
        } else {
            let sum = tape.sum_rows(weighted);
            let inverse = tape.map(&(Arc::new(Reciprocal) as _), 0, sum);
            tape.mul(weighted, inverse)
        };
        let losses = tape.cross_entropy(outputs, own);
        if mask.is_none() && self.weights.is_empty() {
            return losses;
        }
        // All outputs share one denominator: a sample counts by the share of its target that was observed.
        let observed = mask.map_or(weighted, |mask| tape.mul(weighted, mask));
        let share = tape.sum_rows(observed);
        tape.mul(losses, share)
    }
}
