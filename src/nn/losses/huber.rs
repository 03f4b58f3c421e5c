//! Huber's loss: over outputs the sum of d^2/2 where |d| is at most delta, else delta (|d| - delta/2), d = f - y (Huber 1964);
//! PyTorch's `HuberLoss` is the mean over outputs. Outliers pull with a force of delta, not of their distance.

use super::Criterion;
use crate::autodiff::curves::Clamp;
use crate::autodiff::{Node, Tape};
use crate::base::{Error, Result, registry::Kind};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Half the squared difference, continued by straight lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Huber {
    /// Difference beyond which the loss is a straight line.
    pub delta: f64,
}

impl Default for Huber {
    fn default() -> Self {
        Self { delta: 1.0 } // PyTorch's
    }
}

impl Kind for Huber {
    const NAME: &'static str = "huber";
    const SUMMARY: &'static str =
        "half the squared difference up to delta, a straight line beyond, summed over outputs";

    fn check(&self) -> Result<()> {
        match self.delta > 0.0 && self.delta.is_finite() {
            true => Ok(()),
            false => Err(Error::expected("delta", "a number above 0", self.delta)),
        }
    }
}

impl Criterion for Huber {
    fn target(&self, label: usize, out: &mut [f64]) {
        super::SquaredError.target(label, out);
    }

    fn values(&self) -> bool {
        true
    }

    fn has_kink(&self) -> bool {
        true
    }

    fn of_prediction(&self, prediction: &[f64], target: &[f64]) -> f64 {
        let cost = |d: f64| {
            let held = d.clamp(-self.delta, self.delta);
            held * (d - held / 2.0)
        };
        prediction.iter().zip(target).map(|(f, t)| cost(f - t)).sum()
    }

    /// c (d - c/2), c being d held within delta.
    fn record(&self, tape: &mut Tape, outputs: Node, targets: Node, mask: Option<Node>) -> Node {
        let difference = super::observed_difference(tape, outputs, targets, mask);
        let clamp = Clamp { low: -self.delta, high: self.delta, open: false };
        let held = tape.map(&(Arc::new(clamp) as _), 0, difference);
        let rest = tape.add_scaled(difference, -0.5, held);
        let costs = tape.mul(held, rest);
        tape.sum_rows(costs)
    }
}
