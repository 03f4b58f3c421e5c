//! Huber's loss: over outputs the sum of d^2/2 where |d| is at most delta, else delta (|d| - delta/2), d = f - y (Huber 1964);
//! PyTorch's `HuberLoss` is the mean over outputs. Outliers pull with a force of delta, not of their distance.

use super::Criterion;
use crate::autodiff::curves::Clamp;
use crate::autodiff::{Node, Tape};
use crate::base::{Error, Result};
use std::sync::Arc;

crate::kind! {
    /// Half the squared difference, continued by straight lines.
    Huber = "huber", "half the squared difference up to delta, a straight line beyond, summed over outputs";
    /// Difference beyond which the loss is a straight line.
    delta: f64 = 1.0, // PyTorch's
}

impl Huber {
    fn refuse(&self) -> Result<()> {
        if self.delta > 0.0 && self.delta.is_finite() {
            Ok(())
        } else {
            Err(Error::expected("delta", "a number above 0", self.delta))
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
