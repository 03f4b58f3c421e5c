//! Optimizers: what a step does with a gradient.
//!
//! To add one: a file with a struct that implements [`Kind`](crate::base::registry::Kind) and [`Update`], and a line below.

use crate::autodiff::{Element, elementary::vectorised};
use crate::base::{Error, Result};
use crate::registry;
use rayon::prelude::*;

/// Most vectors of state that an optimizer keeps beside theta.
pub const STATES: usize = 3;

/// What a step does with a gradient, element by element.
pub trait Update {
    /// How many vectors of state it keeps; they start at zero.
    fn states(&self) -> usize;

    /// The rate when none is given.
    fn rate(&self) -> f64 {
        0.05 // SGD with momentum .9: the largest round rate at which the default network is calm
    }

    /// Whether it takes all samples at once: mini-batches would be something else.
    fn full_batch(&self) -> bool {
        false
    }

    /// A step that looks at the loss of all samples more than once, where the optimizer makes such steps instead of
    /// [`Update::update`].
    fn search(&self) -> Option<&Lbfgs> {
        None
    }

    /// Moves `theta` by one step of length `rate`. Slices are equal runs of the whole vectors.
    fn update<E: Element>(&self, rate: f64, theta: &mut [E], gradient: &[E], states: &mut [&mut [E]]);
}

registry! {
    /// What a step does with a gradient.
    Optimizer, "optimizer", match_optimizer {
        sgd => Sgd;
        lbfgs => Lbfgs;
    }
}

impl Optimizer {
    /// The rate when none is given.
    pub fn rate(&self) -> f64 {
        match_optimizer!(self, kind => kind.rate())
    }

    /// Whether it takes all samples at once.
    pub fn full_batch(&self) -> bool {
        match_optimizer!(self, kind => kind.full_batch())
    }

    /// The line search that its steps are, if they are.
    pub fn search(&self) -> Option<&Lbfgs> {
        match_optimizer!(self, kind => kind.search())
    }

    /// How many vectors of state it keeps.
    pub fn states(&self) -> usize {
        match_optimizer!(self, kind => kind.states())
    }
}

/// An optimizer with its state.
#[derive(Clone, Debug)]
pub struct Stepper<E> {
    optimizer: Optimizer,
    states: Vec<Vec<E>>,
}

/// Elements that are updated together: gradient, theta and states of a block fit into first-level cache.
pub const BLOCK: usize = 1 << 12;

impl<E: Element> Stepper<E> {
    /// An optimizer of p parameters, before its first step.
    pub fn new(optimizer: &Optimizer, p: usize) -> Self {
        let count = match_optimizer!(optimizer, kind => kind.states());
        assert!(count <= STATES, "raise STATES for {optimizer}");
        Self { optimizer: optimizer.clone(), states: vec![vec![E::ZERO; p]; count] }
    }

    /// Its state, vector by vector.
    pub fn states(&self) -> &[Vec<E>] {
        &self.states
    }

    /// Goes on from where another stood after `_step` steps; refuses states that are none of this optimizer's.
    pub fn restore(&mut self, _step: u64, states: Vec<Vec<E>>) -> Result<()> {
        let lengths = |states: &[Vec<E>]| states.iter().map(Vec::len).collect::<Vec<usize>>();
        let (expected, found) = (lengths(&self.states), lengths(&states));
        if expected != found {
            let at = format!("state of {}", self.optimizer);
            return Err(Error::expected(
                at,
                format!("vectors of lengths {expected:?}"),
                format!("{found:?}"),
            ));
        }
        self.states = states;
        Ok(())
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
