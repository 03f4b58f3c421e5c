//! Training in the precision that settings choose: the functions of the same names, whose element type is the caller's
//! everywhere else in this layer.

use super::batch::Vary;
use super::blend::{self, BlendEvent, BlendSettings, Blended, Draw, Pull};
use super::range_test::{Rates, Swept};
use super::{Event, Keep, Mask, Point, TrainSettings, Trained, branch, range_test, samples};
use crate::base::{Precision, Result, Streams};
use crate::data::{Augment, Dataset};
use crate::nn::Network;
use crate::with_precision;
use std::sync::Arc;

/// Trains a network, as [`train`](super::train).
pub fn train(
    settings: &TrainSettings,
    dataset: &Dataset,
    keep: Option<&Keep>,
    observe: &mut (dyn FnMut(Event) + Send),
) -> Result<Trained> {
    with_precision!(settings.precision, E => super::train::<E>(settings, dataset, keep, observe))
}

/// Trains on from given weights, as [`train_from`](super::train_from).
pub fn train_from(
    settings: &TrainSettings,
    dataset: &Dataset,
    start: &Point<f64>,
    keep: Option<&Keep>,
    observe: &mut (dyn FnMut(Event) + Send),
) -> Result<Trained> {
    with_precision!(settings.precision, E => super::train_from::<E>(settings, dataset, start, keep, observe))
}

/// The first so many steps of a run, as [`branch::first`].
pub fn first(
    settings: &TrainSettings,
    dataset: &Dataset,
    steps: u64,
    observe: &mut (dyn FnMut(Event) + Send),
) -> Result<Trained> {
    with_precision!(settings.precision, E => branch::first::<E>(settings, dataset, steps, observe))
}

/// Trains with a growing rate, as [`range_test`](range_test::range_test).
pub fn sweep(
    settings: &TrainSettings,
    dataset: &Dataset,
    rates: Rates,
    keep: Option<&Keep>,
    observe: &mut (dyn FnMut(usize) + Send),
) -> Result<Swept> {
    with_precision!(settings.precision, E => range_test::range_test::<E>(settings, dataset, rates, keep, observe))
}

/// What is blended, as [`blend::Blend`]: the mean loss over the training samples of a data set.
#[derive(Clone, Copy)]
pub struct Blend<'a> {
    /// The network.
    pub network: &'a Arc<Network>,
    /// The data.
    pub dataset: &'a Dataset,
    /// How images are varied.
    pub augment: Augment,
    /// The control points as they start.
    pub control: &'a [Vec<f64>],
    /// Which of them move.
    pub free: &'a [bool],
    /// Draws as many shares as there are control points.
    pub draw: Draw<'a>,
    /// What else the free ones go down, if anything.
    pub pull: Option<Pull<'a>>,
    /// What `draw` draws and what pulls, in words.
    pub name: &'a str,
    /// Seed of shares and order.
    pub seed: u64,
}

/// Trains control points, as [`train_blend`](blend::train_blend).
pub fn train_blend(
    settings: &BlendSettings,
    blend: &Blend,
    precision: Precision,
    keep: Option<&Keep>,
    observe: &mut (dyn FnMut(BlendEvent) + Send),
) -> Result<Blended> {
    let Blend { network, dataset, augment, control, free, draw, pull, name, seed } = *blend;
    with_precision!(precision, E => {
        let (train, vary) = (samples::<E>(network, &dataset.train), Vary::new(augment, dataset)?);
        let vary = vary.as_ref();
        let own = blend::Blend { network, train: &train, control, free, draw, pull, name, seed, vary };
        blend::train_blend(settings, &own, keep, observe)
    })
}

/// A moment of a run from which it goes on more than once, as [`branch::Fork`].
#[derive(Clone, Debug)]
pub enum Fork {
    /// Of a run in single precision.
    F32(branch::Fork<f32>),
    /// Of a run in double precision.
    F64(branch::Fork<f64>),
}

/// Runs an expression on the fork in its own precision.
macro_rules! of_fork {
    ($fork:expr, $own:ident => $body:expr) => {
        match $fork {
            Fork::F32($own) => $body,
            Fork::F64($own) => $body,
        }
    };
}

impl Fork {
    /// Before the first step of a run, as [`branch::Fork::start`].
    pub fn start(settings: &TrainSettings, dataset: &Dataset, streams: &Streams) -> Result<Self> {
        Ok(match settings.precision {
            Precision::F32 => Self::F32(branch::Fork::start(settings, dataset, streams)?),
            Precision::F64 => Self::F64(branch::Fork::start(settings, dataset, streams)?),
        })
    }

    /// Steps made before.
    pub fn step(&self) -> u64 {
        of_fork!(self, own => own.step())
    }

    /// The same run with nothing but what `mask` leaves of the network.
    pub fn pruned(&self, network: &Network, mask: &Mask) -> Self {
        match self {
            Self::F32(own) => Self::F32(own.pruned(network, mask)),
            Self::F64(own) => Self::F64(own.pruned(network, mask)),
        }
    }
}

/// Trains, with a fork after each of `steps`, as [`branch::trunk`].
pub fn trunk(
    settings: &TrainSettings,
    dataset: &Dataset,
    steps: &[u64],
    observe: &mut (dyn FnMut(Event) + Send),
) -> Result<(Trained, Vec<Fork>)> {
    Ok(match settings.precision {
        Precision::F32 => {
            let (trained, forks) = branch::trunk(settings, dataset, steps, observe)?;
            (trained, forks.into_iter().map(Fork::F32).collect())
        }
        Precision::F64 => {
            let (trained, forks) = branch::trunk(settings, dataset, steps, observe)?;
            (trained, forks.into_iter().map(Fork::F64).collect())
        }
    })
}

/// Goes on from a fork with noise of this number, as [`branch::branch`].
pub fn branch(
    settings: &TrainSettings,
    dataset: &Dataset,
    fork: &Fork,
    order: u64,
    observe: &mut (dyn FnMut(Event) + Send),
) -> Result<Trained> {
    of_fork!(fork, own => branch::branch(settings, dataset, own, order, observe))
}

/// Goes on from a fork with the run's own noise, as [`branch::go_on`].
pub fn go_on(
    settings: &TrainSettings,
    dataset: &Dataset,
    fork: &Fork,
    keep: Option<&Keep>,
    observe: &mut (dyn FnMut(Event) + Send),
) -> Result<Trained> {
    of_fork!(fork, own => branch::go_on(settings, dataset, own, keep, observe))
}
