//! Losses: what training minimises, for each sample; the mean over the stated samples is reported.
//!
//! To add one: a file with a struct that implements [`Kind`](crate::base::registry::Kind) and [`Criterion`], and a line below.

use crate::autodiff::{Node, Tape};
use crate::registry;

/// How far a network's outputs are from the targets.
pub trait Criterion {
    /// The targets' column for a label: `classes` numbers.
    fn target(&self, label: usize, out: &mut [f64]);

    /// Records the loss of each sample (1 x samples) from outputs and targets (classes x samples).
    fn record(&self, tape: &mut Tape, outputs: Node, targets: Node, mask: Option<Node>) -> Node;
}

registry! {
    /// What training minimises.
    Loss, "loss", match_loss {
        cross_entropy => CrossEntropy;
        squared_error => SquaredError;
    }
}

impl Criterion for Loss {
    fn target(&self, label: usize, out: &mut [f64]) {
        match_loss!(self, kind => kind.target(label, out));
    }

    fn record(&self, tape: &mut Tape, outputs: Node, targets: Node, mask: Option<Node>) -> Node {
        match_loss!(self, kind => kind.record(tape, outputs, targets, mask))
    }
}
