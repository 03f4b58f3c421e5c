//! Training: mini-batch loops over an optimizer and a schedule, reported to an observer as they go.
//!
//! `optimizers/` and `schedules/` hold one file a kind. Nothing here prints or draws: [`train`] emits
//! [`Event`]s and returns a [`Trained`] network. The loop is `session`; what it carries from step to step is the
//! [`State`](checkpoint::State), which a checkpoint holds, so that a run can be stopped anywhere and go on.

pub mod band;
pub mod batch;
pub mod batches;
pub mod blend;
pub mod branch;
pub mod checkpoint;
pub mod chosen;
pub mod exported;
pub mod gradient;
pub mod mask;
mod method;
pub mod optimizers;
pub mod point;
pub mod probe;
pub mod range_test;
pub mod schedules;
mod session;
pub mod settings;
pub mod snapshots;

pub use band::{Band, BandSettings, NetworkLoss, relax};
pub use batches::Batches;
pub use blend::{BlendSettings, Blended, train_blend};
pub use checkpoint::Keep;
pub use mask::Mask;
pub use optimizers::Optimizer;
pub use point::Point;
pub use probe::Probe;
pub use schedules::Schedule;
pub use settings::TrainSettings;
pub use snapshots::Snapshots;

use crate::autodiff::Element;
use crate::base::registry::Registry;
use crate::base::{Error, Precision, Result, Streams, files::null_is_nan};
use crate::data::{self, Dataset, Targets};
use crate::nn::losses::{Criterion, Hinge, Logistic, Loss};
use crate::nn::{Evaluation, MeanLoss, Network, Objective, Samples, Spec, Statistics};
use crate::with_precision;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, OnceLock};

/// One line of `metrics.jsonl`: the network after an epoch, evaluated on the whole sets. Epoch 0 is the start; an epoch
/// in which training diverged ends where it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Epochs done.
    pub epoch: usize,
    /// Steps done.
    pub step: u64,
    /// Rate of the epoch's last step; of the first step for epoch 0. Where a line search sets the length: that.
    pub lr: f64,
    /// Mean loss over the training samples.
    #[serde(deserialize_with = "null_is_nan")]
    pub train_loss: f64,
    /// Share of training samples classified correctly.
    #[serde(deserialize_with = "null_is_nan")]
    pub train_accuracy: f64,
    /// Mean loss over the test samples.
    #[serde(deserialize_with = "null_is_nan")]
    pub test_loss: f64,
    /// Share of test samples classified correctly.
    #[serde(deserialize_with = "null_is_nan")]
    pub test_accuracy: f64,
    /// Mean, over the epoch's steps, of the norm of the gradient that the step used, before clipping. None for the
    /// start.
    #[serde(default = "nan", deserialize_with = "null_is_nan")]
    pub gradient_norm: f64,
    /// Norm of the gradient over all training samples after the epoch, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "asked")]
    pub full_gradient_norm: Option<f64>,
}

/// A number that was asked for: null is NaN here too.
fn asked<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Option<f64>, D::Error> {
    null_is_nan(from).map(Some)
}

fn nan() -> f64 {
    f64::NAN
}

impl Epoch {
    /// Numbers in a row.
    const COLUMNS: usize = 9;

    /// The record as numbers, as checkpoints hold it.
    fn row(&self) -> [f64; Self::COLUMNS] {
        [
            self.epoch as f64,
            self.step as f64,
            self.lr,
            self.train_loss,
            self.train_accuracy,
            self.test_loss,
            self.test_accuracy,
            self.gradient_norm,
            self.full_gradient_norm.unwrap_or(f64::NAN),
        ]
    }

    /// The record of a row; `full`: whether the gradient over all samples was asked for.
    fn from_row(row: &[f64; Self::COLUMNS], full: bool) -> Self {
        let [epoch, step, lr, train_loss, train_accuracy, test_loss, test_accuracy, gradient_norm, norm] =
            *row;
        Self {
            epoch: epoch as usize,
            step: step as u64,
            lr,
            train_loss,
            train_accuracy,
            test_loss,
            test_accuracy,
            gradient_norm,
            full_gradient_norm: full.then_some(norm),
        }
    }
}

/// What an observer hears.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// Training goes on from a checkpoint: steps done and to be done, and the epochs so far.
    Resumed(u64, u64, &'a [Epoch]),
    /// A step was made: steps done and to be done.
    Step(u64, u64),
    /// An epoch was finished and evaluated.
    Epoch(&'a Epoch),
    /// Training is where [`TrainSettings::probe`] wants it measured; it goes on once this has been heard. After a resume
    /// a place may come a second time.
    Probe(Place<'a>),
    /// A probe after so many steps is under way: products with the curvature so far. Said by who probes.
    Probing(u64, u64),
}

/// Where training is while it is probed.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Steps made.
    pub step: u64,
    /// Rate of the step that comes next; at the end, of the last one. NaN where a line search sets the length, before
    /// its first step.
    pub rate: f64,
    /// The network.
    pub point: &'a Point<f64>,
    /// The optimizer before its next step, where a probe asks for its update; none for a line search.
    pub optimizer: Option<&'a optimizers::Stepper<f64>>,
    /// Takes what keeps whoever probes from going on: training ends with it.
    pub fault: &'a OnceLock<Error>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// All epochs were made, or every target was reached.
    Done,
    /// All epochs were made, but a target was not reached.
    TargetMissed,
    /// The loss became infinite or not a number.
    Diverged,
}

/// What ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// The last epoch, or the last of the steps that were asked for.
    Epochs,
    /// Every target that was set is reached.
    Target,
    /// The optimizer found no way down: a minimum, as far as rounding tells.
    Stalled,
    /// A loss that is no finite number.
    NonFinite,
}

/// Other weights than the last ones that a run keeps, evaluated on the whole sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// The weights, rounded to the run's precision.
    pub point: Point<f64>,
    /// For the best ones the epoch they are from, for averages how many weights went into them.
    pub from: usize,
    /// Mean loss and accuracy over the training samples.
    pub train: Evaluation,
    /// The same over the test samples.
    pub test: Evaluation,
}

/// A trained network.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The network.
    pub network: Arc<Network>,
    /// Its parameters and state; in single precision rounded to it.
    pub point: Point<f64>,
    /// The network after every epoch.
    pub epochs: Vec<Epoch>,
    /// Steps made.
    pub steps: u64,
    /// How the run ended.
    pub status: Status,
    /// What ended it.
    pub stop: Stop,
    /// Why, in words.
    pub reason: String,
    /// Mean loss and accuracy over the training samples at the end.
    pub train: Evaluation,
    /// The same over the test samples.
    pub test: Evaluation,
    /// The weights of the epoch with the lowest loss; none if no loss was finite.
    pub best: Option<Kept>,
    /// The exponential average, if asked for and finite.
    pub ema: Option<Kept>,
    /// The mean of the epochs' weights, if asked for, reached and finite.
    pub swa: Option<Kept>,
    /// Snapshots, if asked for, with the steps they were taken after.
    pub trajectory: Vec<(u64, Point<f64>)>,
}

/// The network that the settings name, for a data set.
pub fn network(settings: &TrainSettings, dataset: &Dataset) -> Result<Network> {
    if !dataset.has_classes() && !settings.loss.values() {
        let expected = format!("a data set with classes for {}", settings.loss);
        return Err(Error::expected("--data", expected, format!("{}, with values", dataset.name)));
    }
    check_values(&settings.loss, dataset)?;
    exported::check_ignored(&settings.loss, &settings.data)?;
    let network = Network::new(Spec {
        model: settings.model.clone(),
        loss: settings.loss.clone(),
        input: dataset.shape.clone(),
        outputs: outputs(&settings.loss, dataset)?,
    })?;
    check_samples(&network, dataset)?;
    Ok(network)
}

/// Refuses samples that a network has no meaning for: tokens beyond its tables; weights, where their losses cannot be told apart.
pub fn check_samples(network: &Network, dataset: &Dataset) -> Result<()> {
    for part in [&dataset.train, &dataset.test] {
        if !part.weights.is_empty() && !network.tells_samples_apart() {
            let expected = "none for a graph that does not show the loss of each sample (weights=none; or weights as an argument of its forward)";
            return Err(Error::expected("--data: weights of samples", expected, "some"));
        }
        if network.graph().is_none() {
            network.check_indices("--data", &part.x)?;
        }
    }
    Ok(())
}

/// How many outputs a network has for a data set under a loss.
pub fn outputs(loss: &Loss, dataset: &Dataset) -> Result<usize> {
    if dataset.has_classes() {
        return loss.outputs(dataset.outputs);
    }
    // One output for two classes is a single answer where there are values.
    match loss {
        Loss::Logistic(Logistic { single: true }) | Loss::Hinge(Hinge { single: true, .. })
            if dataset.outputs != 1 =>
        {
            Err(Error::expected("loss: single=true", "data with 1 value a sample", dataset.outputs))
        }
        _ => Ok(dataset.outputs),
    }
}

/// Refuses target values that a loss has no meaning for.
pub fn check_values(loss: &Loss, dataset: &Dataset) -> Result<()> {
    for part in [&dataset.train, &dataset.test] {
        let Targets::Values(values) = &part.y else { continue };
        let refused = |y: &&f64| !y.is_nan() && loss.value(**y).is_err();
        if let Some((y, Err(expected))) = values.iter().find(refused).map(|y| (*y, loss.value(*y))) {
            return Err(Error::expected(format!("--data with --loss {}", loss.name()), expected, y));
        }
    }
    Ok(())
}

/// Samples of a data set in a network's element type.
pub fn samples<E: Element>(network: &Network, samples: &data::Samples) -> Arc<Samples<E>> {
    let of = match &samples.y {
        Targets::Classes(labels) => Samples::new(network, &samples.x, labels),
        Targets::Values(values) => {
            // What was not observed stays so.
            let meant = |y: &f64| network.spec().loss.value(*y).unwrap_or(f64::NAN);
            Samples::regression(network, &samples.x, &values.iter().map(meant).collect::<Vec<f64>>())
        }
    };
    Arc::new(of.weighted(&samples.weights))
}

/// The mean loss of a network over samples, in a precision.
pub fn loss(
    network: &Arc<Network>,
    on: &data::Samples,
    precision: Precision,
    statistics: Statistics,
) -> Box<dyn MeanLoss> {
    with_precision!(precision, E => Box::new(Objective::<E>::new(network.clone(), samples(network, on), statistics)))
}

/// Where training starts: parameters as the initializer draws them, which may look at the training samples, or the weights in
/// the file of an exported network.
fn start<E: Element>(
    network: &Network,
    settings: &TrainSettings,
    streams: &Streams,
    train: &Samples<E>,
) -> Point<E> {
    let Some(init) = settings.initializer() else {
        let [theta, state] = network.stored().unwrap_or_default();
        return Point { theta, state }.to();
    };
    let mut theta: Vec<E> = network.init(&init, streams).into_iter().map(E::from_f64).collect();
    let [data, ..] = train.inputs(&(0..train.len()));
    network.adapt(&init, data, &mut theta);
    Point { state: network.start(&theta), theta }
}

/// Trains a network on `dataset`, whose training samples are already cut to `settings.samples`.
///
/// With `keep`, checkpoints are written there, and training goes on from the one that is there; when somebody asks
/// for a stop, a last one is written and [`Error::Interrupted`] returned.
pub fn train<E: Element>(
    settings: &TrainSettings,
    dataset: &Dataset,
    keep: Option<&Keep>,
    observe: &mut (dyn FnMut(Event) + Send),
) -> Result<Trained> {
    settings.check()?;
    session::Session::<E>::new(&settings.resolved(), dataset, keep, observe)?.run()
}

/// The same from given weights on, with an optimizer that has made no step. Checkpoints do not tell one start from another:
/// that a `keep` is of this one is for whoever keeps it to see to.
pub fn train_from<E: Element>(
    settings: &TrainSettings,
    dataset: &Dataset,
    start: &Point<f64>,
    keep: Option<&Keep>,
    observe: &mut (dyn FnMut(Event) + Send),
) -> Result<Trained> {
    settings.check()?;
    let fork = branch::Fork::<E>::at(settings, dataset, start)?;
    session::Session::from(&settings.resolved(), dataset, keep, Some((&fork, None)), observe)?.run()
}
