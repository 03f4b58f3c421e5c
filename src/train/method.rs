//! The two ways to make a step: element by element from a mini-batch's gradient, or by a line search over all samples.

use super::batch::EpochGradient;
use super::checkpoint::Vectors;
use super::gradient::Conditions;
use super::mask::Mask;
use super::optimizers::Stepper;
use super::optimizers::lbfgs::{Lbfgs, Memory, Value};
use super::{Batches, TrainSettings};
use crate::autodiff::Element;
use crate::base::Result;
use crate::nn::{Network, Samples};

/// How steps are made.
#[derive(Debug)]
pub enum Method<E> {
    /// Element by element, from the gradient of a mini-batch.
    Steps { stepper: Stepper<E>, conditions: Conditions<E>, batches: EpochGradient<E> },
    /// By a line search over all samples; loss and gradient are of where training is, once they are known.
    Search { rules: Lbfgs, memory: Memory, here: Option<Value> },
}

impl<E: Element> Method<E> {
    /// How the settings have it, before the first step, for training samples in these batches.
    pub fn new(settings: &TrainSettings, network: &Network, train: &Samples<E>, batches: &Batches) -> Self {
        let p = network.layout().size();
        if let Some(rules) = settings.optimizer.search() {
            return Self::Search { rules: rules.clone(), memory: Memory::default(), here: None };
        }
        Self::Steps {
            stepper: Stepper::new(&settings.optimizer, p),
            conditions: Conditions::new(settings.clipping(), settings.sam, p),
            batches: EpochGradient::new(network, batches, train.beside(), settings.workers),
        }
    }

    /// Leaves what is pruned out of gradients from now on; those of a line search are the caller's.
    pub fn prune(&mut self, mask: &Mask) {
        if let Self::Steps { conditions, .. } = self {
            conditions.prune(mask);
        }
    }

    /// The optimizer's state.
    pub fn vectors(&self) -> Vectors<E> {
        match self {
            Self::Steps { stepper, .. } => Vectors::Elements(stepper.states().to_vec()),
            Self::Search { memory, .. } => Vectors::Pairs(memory.clone()),
        }
    }

    /// Takes up the state of the same method after `step` steps.
    pub fn restore(&mut self, step: u64, vectors: Vectors<E>) -> Result<()> {
        match (self, vectors) {
            (Self::Steps { stepper, .. }, Vectors::Elements(states)) => stepper.restore(step, states),
            (Self::Search { memory, .. }, Vectors::Pairs(pairs)) => {
                *memory = pairs;
                Ok(())
            }
            // A checkpoint is read into vectors of the sort that this method gave.
            _ => Ok(()),
        }
    }
}
