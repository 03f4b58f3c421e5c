//! Branches: runs that share their first steps and part after one of them, into other noise or with weights pruned.
//!
//! Instability analysis (Frankle et al. 2020, arXiv 1912.05671) trains to step k, goes on from there with different noise of
//! SGD, and compares the ends. Noise is all that is random in steps: the order of the samples, their augmentation, the masks
//! of dropout. What is left of the epoch in which ways part is put in a new order, so that every branch still sees each sample
//! once an epoch. Order 0 is the run's own noise: that branch is the run as it goes on by itself, to the bit, so the run with
//! the forks is one branch of them all.
//!
//! Lottery tickets (Frankle and Carbin 2019, arXiv 1803.03635) go back to step k and on from there with most weights pruned:
//! with the schedule, the order of the samples and what the optimizer remembered at step k. With a mask that leaves everything
//! that is the run itself, to the bit.

use super::checkpoint::{Keep, State, Vectors};
use super::mask::Mask;
use super::session::Session;
use super::{Event, Point, TrainSettings, Trained, network, samples, start};
use crate::autodiff::Element;
use crate::base::{Error, Result, Streams};
use crate::data::Dataset;
use crate::nn::Network;

/// A run after some step: all that it goes on with.
#[derive(Clone, Debug)]
pub struct Fork<E> {
    pub(super) state: State<E>,
    pub(super) vectors: Vectors<E>,
}

impl<E: Element> Fork<E> {
    /// Before the first step of a run, from initial weights that `streams` draw: the run's own, or others.
    pub fn start(settings: &TrainSettings, dataset: &Dataset, streams: &Streams) -> Result<Self> {
        settings.check()?;
        let network = network(settings, dataset)?;
        let train = samples::<E>(&network, &dataset.train);
        let vectors = Vectors::begin(&settings.optimizer, network.layout().size());
        let state = State::begin(&settings.resolved(), start(&network, settings, streams, &train));
        Ok(Self { state, vectors })
    }

    /// Before the first step of a run from given weights.
    pub fn at(settings: &TrainSettings, dataset: &Dataset, point: &Point<f64>) -> Result<Self> {
        let network = network(settings, dataset)?;
        let sizes = [network.layout().size(), network.layout().state_size()];
        if [point.theta.len(), point.state.len()] != sizes {
            let expected = format!("{} parameters and {} numbers of state", sizes[0], sizes[1]);
            let found = format!("{} and {}", point.theta.len(), point.state.len());
            return Err(Error::expected("the start of training", expected, found));
        }
        let vectors = Vectors::begin(&settings.optimizer, sizes[0]);
        Ok(Self { state: State::begin(&settings.resolved(), point.to()), vectors })
    }

    /// Steps made.
    pub fn step(&self) -> u64 {
        self.state.step
    }

    /// The same run with nothing but what `mask` leaves of the network, now and in all that follows.
    pub fn pruned(&self, network: &Network, mask: &Mask) -> Self {
        let mut this = self.clone();
        this.state.prune(mask);
        this.vectors.prune(mask);
        if !mask.is_full() {
            // Singular vectors of other weights would take many steps to follow.
            let point = &mut this.state.point;
            network.renew_to_convergence(&point.theta, &mut point.state);
        }
        this
    }
}

/// What is random in steps of a run on n training samples, in words: what branches can differ in.
pub fn noise(settings: &TrainSettings, network: &Network, n: usize) -> Vec<&'static str> {
    let kinds = [
        (settings.batches(n, network.layout()).count() > 1, "order of the samples"),
        (!settings.augment.is_none(), "augmentation"),
        (network.has_dropout(), "dropout"),
    ];
    kinds.into_iter().filter(|k| k.0).map(|k| k.1).collect()
}

/// Where ways part, and the noise from there on.
#[derive(Clone, Copy, Debug)]
pub struct Parting {
    /// Steps made before.
    pub step: u64,
    /// What the noise is drawn from.
    pub streams: Streams,
}

/// Trains as `settings` say; also a fork after each of `steps` that the run came to, ascending and apart.
pub fn trunk<E: Element>(
    settings: &TrainSettings,
    dataset: &Dataset,
    steps: &[u64],
    observe: &mut (dyn FnMut(Event) + Send),
) -> Result<(Trained, Vec<Fork<E>>)> {
    settings.check()?;
    Session::<E>::new(&settings.resolved(), dataset, None, observe)?.run_forking(steps)
}

/// The first so many steps of a run, and no more.
pub fn first<E: Element>(
    settings: &TrainSettings,
    dataset: &Dataset,
    steps: u64,
    observe: &mut (dyn FnMut(Event) + Send),
) -> Result<Trained> {
    settings.check()?;
    Session::<E>::new(&settings.resolved(), dataset, None, observe)?.up_to(steps).run()
}

/// Goes on from a fork of a run with the same settings, to the end, with noise of this number.
pub fn branch<E: Element>(
    settings: &TrainSettings,
    dataset: &Dataset,
    fork: &Fork<E>,
    order: u64,
    observe: &mut (dyn FnMut(Event) + Send),
) -> Result<Trained> {
    settings.check()?;
    let own = Streams::new(settings.seed);
    let name = format!("train/branch/{}", fork.step());
    let parting = (order > 0).then(|| Parting { step: fork.step(), streams: own.derived(&name, order) });
    Session::from(&settings.resolved(), dataset, None, Some((fork, parting)), observe)?.run()
}

/// Goes on from a fork of a run with the same settings, to the end, with the run's own noise. With `keep`, checkpoints are
/// written there, the end among them, and the run goes on from the one that is there; one of another mask is refused.
pub fn go_on<E: Element>(
    settings: &TrainSettings,
    dataset: &Dataset,
    fork: &Fork<E>,
    keep: Option<&Keep>,
    observe: &mut (dyn FnMut(Event) + Send),
) -> Result<Trained> {
    settings.check()?;
    Session::from(&settings.resolved(), dataset, keep, Some((fork, None)), observe)?.keeping_end().run()
}
