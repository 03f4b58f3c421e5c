//! Branches: runs that share their first steps and part after one of them, into other noise.
//!
//! Instability analysis (Frankle et al. 2020, arXiv 1912.05671) trains to step k, goes on from there with different noise of
//! SGD, and compares the ends. Noise is all that is random in steps: the order of the samples, their augmentation, the masks
//! of dropout. What is left of the epoch in which ways part is put in a new order, so that every branch still sees each sample
//! once an epoch. Order 0 is the run's own noise: that branch is the run as it goes on by itself, to the bit, so the run with
//! the forks is one branch of them all.

use super::checkpoint::{State, Vectors};
use super::session::{Session, Start};
use super::{Event, TrainSettings, Trained};
use crate::autodiff::Element;
use crate::base::{Result, Streams};
use crate::data::Dataset;

/// A run after some step: all that it goes on with.
#[derive(Clone, Debug)]
pub struct Fork<E> {
    pub(super) state: State<E>,
    pub(super) vectors: Vectors<E>,
}

impl<E> Fork<E> {
    /// Steps made.
    pub fn step(&self) -> u64 {
        self.state.step
    }
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
    Session::from(&settings.resolved(), dataset, None, Start::Fork(fork, parting), observe)?.run()
}
