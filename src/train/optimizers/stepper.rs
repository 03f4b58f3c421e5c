//! An optimizer at work: its state and its count of steps, over vectors of any length.

use super::{Optimizer, STATES};
use crate::autodiff::{Element, elementary::vectorised};
use crate::base::{Error, Result, parallel};

/// An optimizer with its state.
#[derive(Clone, Debug)]
pub struct Stepper<E> {
    optimizer: Optimizer,
    step: u64,
    states: Vec<Vec<E>>,
}

/// Elements that are updated together: gradient, theta and states of a block fit into first-level cache.
pub const BLOCK: usize = 1 << 12;

impl<E: Element> Stepper<E> {
    /// An optimizer of p parameters, before its first step.
    pub fn new(optimizer: &Optimizer, p: usize) -> Self {
        let count = optimizer.states();
        assert!(count <= STATES, "raise STATES for {optimizer}");
        Self { optimizer: optimizer.clone(), step: 0, states: vec![vec![E::ZERO; p]; count] }
    }

    /// Steps made.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// The same in f64, to try its next step elsewhere.
    pub fn wide(&self) -> Stepper<f64> {
        let wide = |state: &Vec<E>| state.iter().map(|x| x.to_f64()).collect();
        Stepper {
            optimizer: self.optimizer.clone(),
            step: self.step,
            states: self.states.iter().map(wide).collect(),
        }
    }

    /// What the next step of length `rate` would take from `theta` with this gradient, over `rate`.
    pub fn update(&self, rate: f64, theta: &[E], gradient: &[E]) -> Vec<E> {
        let mut next = theta.to_vec();
        self.clone().step(rate, &mut next, |from, block| {
            block.copy_from_slice(&gradient[from..][..block.len()]);
        });
        let rate = E::from_f64(rate);
        theta.iter().zip(next).map(|(before, after)| (*before - after) / rate).collect()
    }

    /// The vectors that it keeps beside theta: with [`Stepper::steps`] all that the next step depends on.
    pub fn states(&self) -> &[Vec<E>] {
        &self.states
    }

    /// Goes on from where another stood after `step` steps; refuses states that are none of this optimizer's.
    pub fn restore(&mut self, step: u64, states: Vec<Vec<E>>) -> Result<()> {
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
        (self.step, self.states) = (step, states);
        Ok(())
    }

    /// One step of length `rate`. `gradient` writes the gradient, from an element on, over a block of it.
    pub fn step(&mut self, rate: f64, theta: &mut [E], gradient: impl Fn(usize, &mut [E]) + Sync) {
        self.step += 1;
        let (optimizer, step) = (&self.optimizer, self.step);
        let block = |scratch: &mut Vec<E>, i: usize, (theta, states): &mut Block<'_, E>| {
            scratch.resize(theta.len(), E::ZERO);
            gradient(i * BLOCK, scratch);
            vectorised(
                #[inline(always)]
                || optimizer.update(step, rate, theta, scratch, states),
            );
        };
        let mut states: Vec<_> = self.states.iter_mut().map(|s| s.chunks_mut(BLOCK)).collect();
        let mut blocks: Vec<Block<E>> = theta
            .chunks_mut(BLOCK)
            .map(|theta| (theta, states.iter_mut().filter_map(Iterator::next).collect()))
            .collect();
        let run = |four: usize, blocks: &mut [Block<'_, E>]| {
            let mut scratch = Vec::with_capacity(BLOCK);
            blocks.iter_mut().enumerate().for_each(|(i, b)| block(&mut scratch, 4 * four + i, b));
        };
        if blocks.len() <= 4 {
            run(0, &mut blocks);
        } else {
            parallel::parts_mut(&mut blocks, 4, &run);
        }
    }
}

/// Equal runs of theta and of the states.
type Block<'a, E> = (&'a mut [E], Vec<&'a mut [E]>);
