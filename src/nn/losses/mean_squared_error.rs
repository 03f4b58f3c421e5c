//! Mean squared error, 1/C sum over outputs of (f - y)^2: PyTorch's `MSELoss`. With C outputs it is 2/C of
//! [`SquaredError`].

use super::{Criterion, SquaredError};
use crate::autodiff::{Node, Tape};
use crate::base::registry::Kind;
use serde::{Deserialize, Serialize};

/// The mean over outputs of the squared difference.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeanSquaredError;

impl Kind for MeanSquaredError {
    const NAME: &'static str = "mean-squared-error";
    const SUMMARY: &'static str = "mean over outputs of (f - y)^2, as PyTorch's MSELoss has it";
}

impl Criterion for MeanSquaredError {
    fn target(&self, label: usize, out: &mut [f64]) {
        SquaredError.target(label, out);
    }

    fn values(&self) -> bool {
        true
    }

    fn of_prediction(&self, prediction: &[f64], target: &[f64]) -> f64 {
        2.0 / target.len() as f64 * SquaredError.of_prediction(prediction, target)
    }

    fn record(&self, tape: &mut Tape, outputs: Node, targets: Node, mask: Option<Node>) -> Node {
        let each = 2.0 / tape.shape(outputs).rows as f64;
        let halves = SquaredError.record(tape, outputs, targets, mask);
        tape.scale(each, halves)
    }
}
