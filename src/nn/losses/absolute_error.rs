//! Absolute error, the sum over outputs of |f - y|; PyTorch's `L1Loss` is the mean over outputs. Its derivative where f = y is
//! taken to be 0.

use super::Criterion;
use crate::autodiff::curves::Abs;
use crate::autodiff::{Node, Tape};
use std::sync::Arc;

crate::kind! {
    /// The distance to the targets, output by output.
    AbsoluteError = "absolute-error",
        "sum over outputs of |f - y|, y the one-hot label or the target values";
}

impl Criterion for AbsoluteError {
    fn target(&self, label: usize, out: &mut [f64]) {
        super::SquaredError.target(label, out);
    }

    fn values(&self) -> bool {
        true
    }

    fn error(&self, loss: f64, std: f64) -> Option<(&'static str, f64)> {
        Some(("mean absolute error", std * loss))
    }

    fn piecewise_linear(&self) -> bool {
        true
    }

    fn of_prediction(&self, prediction: &[f64], target: &[f64]) -> f64 {
        prediction.iter().zip(target).map(|(f, t)| (f - t).abs()).sum()
    }

    fn record(&self, tape: &mut Tape, outputs: Node, targets: Node, mask: Option<Node>) -> Node {
        let difference = super::observed_difference(tape, outputs, targets, mask);
        let sizes = tape.map(&(Arc::new(Abs) as _), 0, difference);
        tape.sum_rows(sizes)
    }
}
