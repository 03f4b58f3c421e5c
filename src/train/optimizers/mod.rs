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

/// Elements that one task updates.
const BLOCK: usize = 1 << 14;

impl<E: Element> Stepper<E> {
    /// An optimizer of p parameters, before its first step.
    pub fn new(optimizer: &Optimizer, p: usize) -> Self {
        let count = match_optimizer!(optimizer, kind => kind.states());
        assert!(count <= STATES, "raise STATES for {optimizer}");
        Self { optimizer: optimizer.clone(), states: vec![vec![E::ZERO; p]; count] }
    }

    /// One step of length `rate` along `gradient`.
    pub fn step(&mut self, rate: f64, theta: &mut [E], gradient: &[E]) {
        let optimizer = &self.optimizer;
        let block = |theta: &mut [E], gradient: &[E], states: &mut [&mut [E]]| {
            vectorised(
                #[inline(always)]
                || match_optimizer!(optimizer, kind => kind.update(rate, theta, gradient, states)),
            );
        };
        let mut states: Vec<_> = self.states.iter_mut().map(|s| s.chunks_mut(BLOCK)).collect();
        let mut blocks: Vec<_> = theta
            .chunks_mut(BLOCK)
            .zip(gradient.chunks(BLOCK))
            .map(|(t, g)| (t, g, states.iter_mut().filter_map(Iterator::next).collect::<Vec<_>>()))
            .collect();
        match blocks.as_mut_slice() {
            [(theta, gradient, states)] => block(theta, gradient, states),
            many => many.par_iter_mut().for_each(|(t, g, s)| block(t, g, s)),
        }
    }
}
