//! The loss around a network as a function of u, the perturbation in a measure's own coordinates: theta + s * u.

use super::{Cost, Here};
use crate::base::statistics::mean;
use crate::base::{Result, interrupt, parallel};
use crate::nn::losses::Criterion;
use crate::nn::{At, Evaluation, MeanLoss};
use rand::seq::SliceRandom;

/// What a perturbation of length 1 means for each parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// s = 1.
    Raw,
    /// s = |theta|, for every parameter: biases and the parameters of norms too.
    Invariant,
}

impl Scale {
    /// Both, in the order of the columns.
    pub const BOTH: [Self; 2] = [Self::Raw, Self::Invariant];
}

/// The loss over some samples around theta.
#[derive(Debug)]
pub struct Surface<'a> {
    here: &'a Here<'a>,
    objective: &'a dyn MeanLoss,
    theta: Vec<f64>,
    scale: Vec<f64>,
}

impl<'a> Surface<'a> {
    /// Around `here`, over its own samples.
    pub fn new(here: &'a Here<'a>, scale: Scale) -> Self {
        Self::over(here, here.objective, scale)
    }

    /// Around `here`, over those of another objective.
    pub fn over(here: &'a Here<'a>, objective: &'a dyn MeanLoss, scale: Scale) -> Self {
        let theta: Vec<f64> = here.at.theta.to_vec();
        let scale = match scale {
            Scale::Raw => vec![1.0; theta.len()],
            Scale::Invariant => theta.iter().map(|t| t.abs()).collect(),
        };
        Self { here, objective, theta, scale }
    }

    /// The same with an s of its own.
    pub fn scaled(self, scale: Vec<f64>) -> Self {
        Self { scale, ..self }
    }

    /// Number of parameters.
    pub fn dimension(&self) -> usize {
        self.theta.len()
    }

    /// Whether u moves a parameter.
    pub fn moves(&self, i: usize) -> bool {
        self.scale[i] != 0.0
    }

    /// Outputs and targets (outputs x samples) at the centre, and labels, of which there are none in regression.
    pub(super) fn answers(&self) -> (Vec<f64>, Vec<f64>, Vec<u32>) {
        let (targets, labels) = self.objective.answers();
        (self.objective.outputs(self.here.at), targets, labels)
    }

    /// Distance from 1 to the next number, in the precision of the loss.
    pub(super) fn epsilon(&self) -> f64 {
        self.objective.precision().epsilon()
    }

    /// Number of outputs.
    pub(super) fn outputs(&self) -> usize {
        self.objective.network().spec().outputs
    }

    /// Whether the network is a graph that another program wrote.
    pub(super) fn is_exported(&self) -> bool {
        self.objective.network().graph().is_some()
    }

    /// The target of a label.
    pub(super) fn target(&self, label: usize, out: &mut [f64]) {
        self.objective.network().spec().loss.target(label, out);
    }

    /// Shows `work` the loss of the same samples with other targets.
    pub(super) fn with_targets<R>(&self, targets: &[f64], work: impl FnOnce(&Surface) -> R) -> R {
        let objective = self.objective.with_targets(targets);
        let (here, theta, scale) = (self.here, self.theta.clone(), self.scale.clone());
        work(&Surface { here, objective: &*objective, theta, scale })
    }

    /// theta + s * u.
    fn point(&self, u: &[f64]) -> Vec<f64> {
        let parts = self.theta.iter().zip(self.scale.iter().zip(u));
        parts.map(|(t, (s, u))| t + s * u).collect()
    }

    /// Loss and accuracy at u.
    pub fn evaluate(&self, u: &[f64]) -> Result<Evaluation> {
        let evaluation = self.objective.evaluate(At { theta: &self.point(u), ..self.here.at });
        stopped()?;
        self.here.spend(Cost::Loss, self.objective.samples());
        Ok(evaluation)
    }

    /// Loss at u, never NaN: infinite where it cannot be computed.
    pub fn loss(&self, u: &[f64]) -> Result<f64> {
        Ok(finite(self.evaluate(u)?.loss))
    }

    /// Loss at theta itself.
    pub fn center(&self) -> Result<f64> {
        self.loss(&vec![0.0; self.dimension()])
    }

    /// Loss at u, and its gradient in u.
    pub fn gradient(&self, u: &[f64]) -> Result<(f64, Vec<f64>)> {
        let (evaluation, mut gradient) =
            self.objective.gradient(At { theta: &self.point(u), ..self.here.at });
        stopped()?;
        self.here.spend(Cost::Gradient, self.objective.samples());
        gradient.iter_mut().zip(&self.scale).for_each(|(g, s)| *g *= s);
        Ok((finite(evaluation.loss), gradient))
    }
}

/// Overflow may end in infinity or in NaN: both are a loss without bound.
fn finite(loss: f64) -> f64 {
    if loss.is_finite() { loss } else { f64::INFINITY }
}

/// An error once somebody has asked for a stop: what was computed just now is not to be believed.
pub(super) fn stopped() -> Result<()> {
    interrupt::check("sharpness", "none of this measure is kept")
}

/// Means over batches, and their standard errors as means over random batches.
#[derive(Clone, Debug, PartialEq)]
pub struct Means {
    /// One mean for each number that a batch gave, with its standard error (NaN of a single batch).
    pub means: Vec<(f64, f64)>,
    /// Number of batches.
    pub batches: usize,
    /// Samples in each.
    pub size: usize,
}

/// The means of what `work` says of each batch, by its number: random batches of exactly `m` samples, without
/// replacement, what is left over left out; with `m` = 0, or no more samples than that, all samples as one batch.
/// Batches are computed in parallel and added in order.
pub fn over_batches(
    here: &Here,
    m: usize,
    work: impl Fn(&dyn MeanLoss, u64) -> Result<Vec<f64>> + Sync,
) -> Result<Means> {
    let n = here.objective.samples();
    if m == 0 || m >= n {
        let values = work(here.objective, 0)?;
        return Ok(Means { means: values.into_iter().map(|v| (v, f64::NAN)).collect(), batches: 1, size: n });
    }
    let mut order: Vec<u32> = (0..n as u32).collect();
    order.shuffle(&mut here.streams.stream("sharpness/batches", 0));
    let batches: Vec<&[u32]> = order.chunks_exact(m).collect();
    let batch = here.objective.batches(m);
    let values = parallel::try_map(batches.len(), &|i| work(&*batch(batches[i]), i as u64))?;
    let of = |j: usize| mean(&values.iter().map(|v| v[j]).collect::<Vec<f64>>());
    Ok(Means { means: (0..values[0].len()).map(of).collect(), batches: batches.len(), size: m })
}
