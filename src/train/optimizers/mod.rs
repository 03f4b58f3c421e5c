//! Optimizers: what a step does with a gradient.
//!
//! To add one: a file with a struct that implements [`Kind`](crate::base::registry::Kind) and [`Update`], and a line below.

use crate::autodiff::{Element, elementary::vectorised};
use crate::registry;
use rayon::prelude::*;

/// Most vectors of state that an optimizer keeps beside theta.
pub const STATES: usize = 3;

/// What a step does with a gradient, element by element.
pub trait Update {
    /// How many vectors of state it keeps; they start at zero.
    fn states(&self) -> usize;

    /// Moves `theta` by one step of length `rate`. Slices are equal runs of the whole vectors.
    fn update<E: Element>(&self, rate: f64, theta: &mut [E], gradient: &[E], states: &mut [&mut [E]]);
}

registry! {
    /// What a step does with a gradient.
    Optimizer, "optimizer", match_optimizer {
        sgd => Sgd;
    }
}

/// An optimizer with its state.
#[derive(Clone, Debug)]
pub struct Stepper<E> {
    optimizer: Optimizer,
    states: Vec<Vec<E>>,
}

/// Elements that are updated together: gradient, theta and states of a block fit into first-level cache.
const BLOCK: usize = 1 << 12;

impl<E: Element> Stepper<E> {
    /// An optimizer of p parameters, before its first step.
    pub fn new(optimizer: &Optimizer, p: usize) -> Self {
        let count = match_optimizer!(optimizer, kind => kind.states());
        assert!(count <= STATES, "raise STATES for {optimizer}");
        Self { optimizer: optimizer.clone(), states: vec![vec![E::ZERO; p]; count] }
    }

    /// One step of length `rate`. `gradient` writes the gradient, from an element on, over a block of it.
    pub fn step(&mut self, rate: f64, theta: &mut [E], gradient: impl Fn(usize, &mut [E]) + Sync) {
        let optimizer = &self.optimizer;
        let block = |scratch: &mut Vec<E>, (i, (theta, states)): (usize, &mut Block<'_, E>)| {
            scratch.resize(theta.len(), E::ZERO);
            gradient(i * BLOCK, scratch);
            vectorised(
                #[inline(always)]
                || match_optimizer!(optimizer, kind => kind.update(rate, theta, scratch, states)),
            );
        };
        let mut states: Vec<_> = self.states.iter_mut().map(|s| s.chunks_mut(BLOCK)).collect();
        let mut blocks: Vec<Block<E>> = theta
            .chunks_mut(BLOCK)
            .map(|theta| (theta, states.iter_mut().filter_map(Iterator::next).collect()))
            .collect();
        let fresh = || Vec::with_capacity(BLOCK);
        match blocks.len() {
            0..=4 => {
                let mut scratch = fresh();
                blocks.iter_mut().enumerate().for_each(|b| block(&mut scratch, b));
            }
            _ => blocks.par_iter_mut().enumerate().with_min_len(4).for_each_init(fresh, block),
        }
    }
}

/// Equal runs of theta and of the states.
type Block<'a, E> = (&'a mut [E], Vec<&'a mut [E]>);
