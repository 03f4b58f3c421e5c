//! Losses: what training minimises, for each sample; the mean over the stated samples is reported.
//!
//! To add one: a file with a struct that implements [`Kind`](crate::base::registry::Kind) and [`Criterion`], and a line below.

use crate::autodiff::primitives::map::Scalar;
use crate::autodiff::{Node, Tape};
use crate::base::random::Rng;
use crate::base::registry::Registry;
use crate::base::{Error, Result};
use crate::registry;
use std::sync::Arc;

/// How far a network's outputs are from the targets.
pub trait Criterion {
    /// The targets' column for a label: `classes` numbers.
    fn target(&self, label: usize, out: &mut [f64]);

    /// Whether targets may be any numbers (regression), not only those of [`Criterion::target`].
    fn values(&self) -> bool {
        false
    }

    /// What a target value is to [`Criterion::record`]; what it would have to be where it may not be this one.
    fn value(&self, value: f64) -> std::result::Result<f64, &'static str> {
        Ok(value)
    }

    /// How many outputs a network has for so many classes; refuses numbers of classes that it is not made for.
    fn outputs(&self, classes: usize) -> Result<usize> {
        Ok(classes)
    }

    /// Refuses a number of outputs for which it is not made.
    fn fits(&self, _outputs: usize) -> Result<()> {
        Ok(())
    }

    /// The error that a mean loss of one output says, in the units of targets that were divided by `std`: its name and size,
    /// where the loss has such.
    fn error(&self, _loss: f64, _std: f64) -> Option<(&'static str, f64)> {
        None
    }

    /// The unit of its numbers, where they have one.
    fn unit(&self) -> Option<&'static str> {
        None
    }

    /// Whether it is linear in the outputs between kinks: its curvature in them is then a structural zero, and so is
    /// a Gauss-Newton product.
    fn piecewise_linear(&self) -> bool {
        false
    }

    /// Whether its first or second derivatives jump somewhere, so that finite differences across say nothing.
    fn has_kink(&self) -> bool {
        self.piecewise_linear()
    }

    /// Draws a target from the distribution of which the loss is minus the log-likelihood at these `outputs`, up to a
    /// constant; false, and nothing drawn, where it is that of none.
    fn draw(&self, _outputs: &[f64], _rng: &mut Rng, _target: &mut [f64]) -> bool {
        false
    }

    /// Whether it is minus the log-likelihood of an exponential family in its natural parameters: its Hessian in the outputs is then
    /// the same for every target, and the expectation over drawn targets of g g', the true Fisher matrix, is the
    /// Gauss-Newton matrix (Martens 2020, "New insights and perspectives on the natural gradient method", section 9.2). `masked`:
    /// some targets are not observed.
    fn fisher_is_gauss_newton(&self, _masked: bool) -> bool {
        false
    }

    /// Turns a column of outputs into what an ensemble takes the mean of: probabilities where the outputs stand for such,
    /// otherwise the outputs themselves.
    fn predict(&self, _outputs: &mut [f64]) {}

    /// The loss of such a mean against a target; NaN where it has none.
    fn of_prediction(&self, _prediction: &[f64], _target: &[f64]) -> f64 {
        f64::NAN
    }

    /// Records the loss of each sample (1 x samples) from outputs and targets (outputs x samples). A mask of the
    /// same shape, of 0 and 1, says which targets were observed: the others cost nothing, whatever finite number
    /// stands for them.
    fn record(&self, tape: &mut Tape, outputs: Node, targets: Node, mask: Option<Node>) -> Node;
}

registry! {
    /// What training minimises.
    Loss, "loss", match_loss {
        cross_entropy => CrossEntropy;
        squared_error => SquaredError;
        hinge => Hinge;
        logistic => Logistic;
        excess => Excess;
        huber => Huber;
        absolute_error => AbsoluteError;
        poisson => Poisson;
        mean_squared_error => MeanSquaredError;
    }
}

impl Criterion for Loss {
    fn target(&self, label: usize, out: &mut [f64]) {
        match_loss!(self, kind => kind.target(label, out));
    }

    fn values(&self) -> bool {
        match_loss!(self, kind => kind.values())
    }

    fn value(&self, value: f64) -> std::result::Result<f64, &'static str> {
        match_loss!(self, kind => kind.value(value))
    }

    fn outputs(&self, classes: usize) -> Result<usize> {
        match_loss!(self, kind => kind.outputs(classes))
    }

    fn fits(&self, outputs: usize) -> Result<()> {
        match_loss!(self, kind => kind.fits(outputs))
    }

    fn error(&self, loss: f64, std: f64) -> Option<(&'static str, f64)> {
        match_loss!(self, kind => kind.error(loss, std))
    }

    fn unit(&self) -> Option<&'static str> {
        match_loss!(self, kind => kind.unit())
    }

    fn piecewise_linear(&self) -> bool {
        match_loss!(self, kind => kind.piecewise_linear())
    }

    fn has_kink(&self) -> bool {
        match_loss!(self, kind => kind.has_kink())
    }

    fn draw(&self, outputs: &[f64], rng: &mut Rng, target: &mut [f64]) -> bool {
        match_loss!(self, kind => kind.draw(outputs, rng, target))
    }

    fn fisher_is_gauss_newton(&self, masked: bool) -> bool {
        match_loss!(self, kind => kind.fisher_is_gauss_newton(masked))
    }

    fn predict(&self, outputs: &mut [f64]) {
        match_loss!(self, kind => kind.predict(outputs));
    }

    fn of_prediction(&self, prediction: &[f64], target: &[f64]) -> f64 {
        match_loss!(self, kind => kind.of_prediction(prediction, target))
    }

    fn record(&self, tape: &mut Tape, outputs: Node, targets: Node, mask: Option<Node>) -> Node {
        match_loss!(self, kind => kind.record(tape, outputs, targets, mask))
    }
}

impl Loss {
    /// `what` with the unit, for an axis: `training loss (nats)`.
    pub fn axis(&self, what: &str) -> String {
        match self.unit() {
            Some(unit) => format!("{what} ({unit})"),
            None => what.to_owned(),
        }
    }

    /// The loss by name with its unit: `cross-entropy (nats)`.
    pub fn label(&self) -> String {
        self.axis(self.name())
    }
}

/// One against the rest: +1 for the label's output, -1 for the others. One output alone is that of the second class.
fn signs(label: usize, out: &mut [f64]) {
    out.fill(-1.0);
    match (out, label) {
        ([_], 0) => {}
        ([second], _) => *second = 1.0,
        (all, label) => all[label] = 1.0,
    }
}

/// One output, for two classes.
fn one_output(classes: usize) -> Result<usize> {
    match classes {
        2 => Ok(1),
        found => Err(Error::expected("loss: single=true", "data with 2 classes", found)),
    }
}

/// Outputs less targets, 0 where those were not observed.
fn observed_difference(tape: &mut Tape, outputs: Node, targets: Node, mask: Option<Node>) -> Node {
    let difference = tape.add_scaled(outputs, -1.0, targets);
    mask.map_or(difference, |mask| tape.mul(difference, mask))
}

/// The sum over outputs of `cost(y f)`, where y is the target.
fn sum_of_margins<S: Scalar>(
    cost: S,
    tape: &mut Tape,
    outputs: Node,
    targets: Node,
    mask: Option<Node>,
) -> Node {
    let margins = tape.mul(outputs, targets);
    let costs = tape.map(&(Arc::new(cost) as _), 0, margins);
    let observed = mask.map_or(costs, |mask| tape.mul(costs, mask));
    tape.sum_rows(observed)
}
