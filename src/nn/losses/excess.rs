//! Excess: the sum over outputs of f - y, for networks that put out a loss themselves, as
//! [`Population`](crate::nn::layers::Population) does, and targets that are the smallest value that it can take.
//!
//! It has no curvature of its own: all of it is the network's, and Gauss-Newton products are zero.

use super::Criterion;
use crate::autodiff::{Node, Tape};

crate::kind! {
    /// How far outputs lie above their targets.
    Excess = "excess",
        "sum over outputs of f - y, for outputs that are a loss (population-student) and targets that are its minimum";
}

impl Criterion for Excess {
    fn target(&self, label: usize, out: &mut [f64]) {
        out.fill(0.0);
        out[label] = 1.0;
    }

    fn values(&self) -> bool {
        true
    }

    fn piecewise_linear(&self) -> bool {
        true
    }

    fn has_kink(&self) -> bool {
        false
    }

    fn of_prediction(&self, prediction: &[f64], target: &[f64]) -> f64 {
        prediction.iter().zip(target).map(|(f, t)| f - t).sum()
    }

    fn record(&self, tape: &mut Tape, outputs: Node, targets: Node, mask: Option<Node>) -> Node {
        let difference = super::observed_difference(tape, outputs, targets, mask);
        tape.sum_rows(difference)
    }
}
