//! Training: mini-batch loops over an optimizer and a schedule, reported to an observer as they go.
//!
//! `optimizers/` and `schedules/` hold one file a kind. Nothing here prints or draws: [`train`] emits
//! [`Event`]s and returns a [`Trained`] network.

pub mod batch;
pub mod optimizers;
pub mod schedules;
pub mod settings;

pub use optimizers::Optimizer;
pub use schedules::Schedule;
pub use settings::TrainSettings;

use crate::autodiff::Element;
use crate::base::{Error, Result, Streams, files::null_is_nan, interrupt};
use crate::data::{self, Dataset};
use crate::nn::{Evaluation, Network, Objective, Samples, Spec, Statistics};
use batch::{BatchGradient, Noise};
use optimizers::Stepper;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One line of `metrics.jsonl`: the network after an epoch, evaluated on the whole sets. Epoch 0 is the start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Epochs done.
    pub epoch: usize,
    /// Steps done.
    pub step: u64,
    /// Rate of the epoch's last step; of the first step for epoch 0.
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
}

/// What an observer hears.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A step was made: steps done and to be done.
    Step(u64, u64),
    /// An epoch was finished and evaluated.
    Epoch(&'a Epoch),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// All epochs were made.
    Done,
    /// The loss became infinite or not a number.
    Diverged,
    /// A signal asked for a stop.
    Interrupted,
}

/// A trained network.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The network.
    pub network: Arc<Network>,
    /// Its parameters; in single precision rounded to it.
    pub theta: Vec<f64>,
    /// Its state: running statistics, singular vectors.
    pub state: Vec<f64>,
    /// The network after every epoch.
    pub epochs: Vec<Epoch>,
    /// Steps made.
    pub steps: u64,
    /// How the run ended.
    pub status: Status,
    /// Why, in words.
    pub reason: String,
    /// Mean loss and accuracy over the training samples at the end.
    pub train: Evaluation,
    /// The same over the test samples.
    pub test: Evaluation,
}

/// The network that the settings name, for a data set.
pub fn network(settings: &TrainSettings, dataset: &Dataset) -> Result<Network> {
    if !dataset.has_classes() {
        return Err(Error::expected(
            "--data",
            "a data set with classes",
            format!("{}, with values", dataset.name),
        ));
    }
    Network::new(Spec {
        model: settings.model.clone(),
        loss: settings.loss.clone(),
        input: dataset.shape.clone(),
        outputs: dataset.outputs,
    })
}

/// Samples of a data set with classes in a network's element type.
pub fn samples<E: Element>(network: &Network, samples: &data::Samples) -> Arc<Samples<E>> {
    Arc::new(Samples::new(network, &samples.x, samples.labels().unwrap_or_default()))
}

/// Trains a network on `dataset`, whose training samples are already cut to `settings.samples`.
pub fn train<E: Element>(
    settings: &TrainSettings,
    dataset: &Dataset,
    observe: &mut (dyn FnMut(Event) + Send),
) -> Result<Trained> {
    settings.check()?;
    let network = Arc::new(network(settings, dataset)?);
    let streams = Streams::new(settings.seed);
    let mut theta: Vec<E> = network.init(&settings.init, &streams).into_iter().map(E::from_f64).collect();
    let train = samples::<E>(&network, &dataset.train);
    let mut state = network.start(&theta);
    let on_train = Objective::new(network.clone(), train.clone(), Statistics::Running);
    let on_test = Objective::new(network.clone(), samples(&network, &dataset.test), Statistics::Running);

    let n = train.len();
    let batch_size = settings.batch_size.min(n.max(1));
    let steps_per_epoch = n.div_ceil(batch_size);
    let total = (steps_per_epoch * settings.epochs) as u64;
    let rate_at = |step: u64| {
        let epoch = step as f64 / steps_per_epoch.max(1) as f64;
        settings.lr * settings.schedule.factor(epoch, settings.epochs as f64, settings.warmup)
    };
    let record = |epoch: usize, step: u64, theta: &[E], state: &[E]| {
        let (train, test) = (on_train.evaluate(theta, state), on_test.evaluate(theta, state));
        Epoch {
            epoch,
            step,
            lr: rate_at(step.saturating_sub(1)),
            train_loss: train.loss,
            train_accuracy: train.accuracy,
            test_loss: test.loss,
            test_accuracy: test.accuracy,
        }
    };

    let mut stepper = Stepper::new(&settings.optimizer, theta.len());
    let mut whole = BatchGradient::new(&network, batch_size, train.masked());
    let mut rest = match n % batch_size {
        0 => None,
        rest => Some(BatchGradient::new(&network, rest, train.masked())),
    };
    let started = Instant::now();
    let mut epochs = vec![record(0, 0, &theta, &state)];
    let evaluation = started.elapsed();
    epochs.iter().for_each(|e| observe(Event::Epoch(e)));
    let mut step = 0;
    let mut end = None;
    'training: for epoch in 1..=settings.epochs {
        let mut order: Vec<u32> = (0..n as u32).collect();
        order.shuffle(&mut streams.stream("train/order", epoch as u64));
        for indices in order.chunks(batch_size) {
            let batch = match &mut rest {
                Some(rest) if indices.len() == rest.samples() => rest,
                _ => &mut whole,
            };
            let noise = Noise { streams, step, augment: None };
            network.renew(&theta, &mut state);
            let loss = batch.run(&theta, &state, &train, indices, &noise);
            if !loss.is_finite() {
                let reason = format!("the loss of a batch is {loss} at step {step}, in epoch {epoch}");
                end = Some((Status::Diverged, reason));
                break 'training;
            }
            stepper.step(rate_at(step), &mut theta, |start, out| batch.gradient(start, out));
            batch.follow(&mut state);
            step += 1;
            observe(Event::Step(step, total));
            if interrupt::requested().is_some() {
                end = Some((Status::Interrupted, format!("stopped after {step} of {total} steps")));
                break 'training;
            }
        }
        let record = record(epoch, step, &theta, &state);
        observe(Event::Epoch(&record));
        let (loss, diverged) = (record.train_loss, !record.train_loss.is_finite());
        epochs.push(record);
        if diverged {
            let reason = format!("the training loss is {loss} after epoch {epoch}");
            end = Some((Status::Diverged, reason));
            break;
        }
    }
    let (status, mut reason) =
        end.unwrap_or_else(|| (Status::Done, format!("all {} epochs were made", settings.epochs)));
    // Who asked for a stop does not wait for long evaluations.
    let (train, test) = match status == Status::Interrupted && evaluation > Duration::from_millis(500) {
        true => {
            reason.push_str(", not evaluated there");
            let unknown = Evaluation { loss: f64::NAN, accuracy: f64::NAN };
            (unknown, unknown)
        }
        false => (on_train.evaluate(&theta, &state), on_test.evaluate(&theta, &state)),
    };
    Ok(Trained {
        train,
        test,
        steps: step,
        theta: theta.iter().map(|t| t.to_f64()).collect(),
        state: state.iter().map(|s| s.to_f64()).collect(),
        network,
        epochs,
        status,
        reason,
    })
}
