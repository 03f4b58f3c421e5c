//! Squared error, 1/2 sum over outputs of (f - y)^2, with one-hot labels or with any numbers for targets; the mean
//! over samples makes it 1/(2n) sum over samples and outputs. (PyTorch's mean differs by 2/C.)

use super::Criterion;
use crate::autodiff::{Node, Tape};
use crate::base::random::{Rng, normal};

crate::kind! {
    /// Half the squared distance to the one-hot label, or to the target values.
    SquaredError = "squared-error",
        "half the squared distance to the one-hot label, or to the target values, summed over outputs";
}

impl Criterion for SquaredError {
    fn target(&self, label: usize, out: &mut [f64]) {
        out.fill(0.0);
        out[label] = 1.0;
    }

    fn values(&self) -> bool {
        true
    }

    fn error(&self, loss: f64, std: f64) -> Option<(&'static str, f64)> {
        Some(("root mean squared error", std * (2.0 * loss).sqrt()))
    }

    /// Each output plus N(0, 1).
    fn draw(&self, outputs: &[f64], rng: &mut Rng, target: &mut [f64]) -> bool {
        target.iter_mut().zip(outputs).for_each(|(t, f)| *t = f + normal(rng));
        true
    }

    /// The normal distribution of variance 1 in its mean.
    fn fisher_is_gauss_newton(&self, _masked: bool) -> bool {
        true
    }

    fn of_prediction(&self, prediction: &[f64], target: &[f64]) -> f64 {
        prediction.iter().zip(target).map(|(f, t)| (f - t) * (f - t) / 2.0).sum()
    }

    fn record(&self, tape: &mut Tape, outputs: Node, targets: Node, mask: Option<Node>) -> Node {
        let difference = super::observed_difference(tape, outputs, targets, mask);
        let squares = tape.mul(difference, difference);
        let sums = tape.sum_rows(squares);
        tape.scale(0.5, sums)
    }
}
