//! One chain of the Metropolis-adjusted Langevin algorithm (Roberts and Tweedie 1996) for a density exp(-U): a proposal
//!
//! ```text
//! u' = u - eps/2 grad U(u) + sqrt(eps) N(0, I)
//! ```
//!
//! is taken with probability min(1, exp(U(u) - U(u')) q(u | u') / q(u' | u)), q the density of the proposal, which makes exp(-U) exact
//! at any step. While it burns in, log eps goes up and down with the acceptance (Robbins and Monro 1951), towards the one at
//! which the algorithm is quickest in many dimensions; eps is then the mean of log eps over the second half, and stays.

use crate::base::Result;
use crate::base::random::{Rng, normal};
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Acceptance that a step is adapted to: Roberts and Rosenthal 1998.
pub const ACCEPTANCE: f64 = 0.574;
/// A step is the adapted one times this to the power of the cube of a uniform number: most are about as long as it, some much
/// shorter. That leaves the density alone, and leads back from where the potential is so steep that the usual step overshoots, as
/// far out on w^4, where the chain would stay for long (Neal 2011, section 4.2, of the same with Hamiltonian steps).
const SHORTEST: f64 = 0.03;
/// How fast the adaptation calms down: log eps moves by t^-0.6 (Andrieu and Thoms 2008: between 1/2 and 1).
const CALM: f64 = 0.6;

/// The potential U and its gradient at a point, and what is recorded there.
pub type Potential<'a> = &'a (dyn Fn(&[f64]) -> Result<Value> + Sync);

/// What a potential is at a point.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// U; infinite where it cannot be computed.
    pub potential: f64,
    /// Its gradient.
    pub gradient: Vec<f64>,
    /// The number of which chains record the course.
    pub recorded: f64,
}

/// Where a chain is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chain {
    /// The point.
    pub point: Vec<f64>,
    /// log eps.
    pub log_step: f64,
    /// The sum of log eps over the second half of burning in, and of how many steps.
    pub averaged: (f64, u64),
    /// Steps made.
    pub steps: u64,
    /// Steps after burning in, and how many of them were taken.
    pub accepted: (u64, u64),
}

impl Chain {
    /// At a point, with a first guess of the step.
    pub fn new(point: Vec<f64>, step: f64) -> Self {
        Self { point, log_step: step.ln(), averaged: (0.0, 0), steps: 0, accepted: (0, 0) }
    }

    /// The step in use.
    pub fn step(&self) -> f64 {
        self.log_step.exp()
    }

    /// Makes `count` steps, of which those below `burn_in` adapt; the numbers that are recorded after each, and the distances
    /// from the origin.
    pub fn advance(
        &mut self,
        count: usize,
        burn_in: u64,
        potential: Potential,
        rng: &mut Rng,
        done: &(dyn Fn() + Sync),
    ) -> Result<[Vec<f64>; 2]> {
        let mut here = potential(&self.point)?;
        let mut course = [Vec::with_capacity(count), Vec::with_capacity(count)];
        for _ in 0..count {
            let step = self.step() * SHORTEST.powf(rng.random::<f64>().powi(3));
            let drift = |u: f64, g: f64| u - 0.5 * step * g;
            let noise = step.sqrt();
            let proposal: Vec<f64> = self
                .point
                .iter()
                .zip(&here.gradient)
                .map(|(u, g)| drift(*u, *g) + noise * normal(rng))
                .collect();
            let there = potential(&proposal)?;
            // -log q(b | a), without what is the same for both.
            let cost = |b: &[f64], a: &[f64], gradient: &[f64]| {
                let squares = b.iter().zip(a).zip(gradient).map(|((b, a), g)| (b - drift(*a, *g)).powi(2));
                squares.sum::<f64>() / (2.0 * step)
            };
            let log_ratio = here.potential - there.potential + cost(&proposal, &self.point, &here.gradient)
                - cost(&self.point, &proposal, &there.gradient);
            // What is not a number is nowhere to go.
            let chance = if log_ratio.is_nan() { 0.0 } else { log_ratio.min(0.0).exp() };
            let taken = rng.random::<f64>() < chance;
            if taken {
                (self.point, here) = (proposal, there);
            }
            self.steps += 1;
            if self.steps <= burn_in {
                self.log_step += (chance - ACCEPTANCE) * (self.steps as f64).powf(-CALM);
                if 2 * self.steps > burn_in {
                    self.averaged.0 += self.log_step;
                    self.averaged.1 += 1;
                }
                if self.steps == burn_in {
                    self.log_step = self.averaged.0 / self.averaged.1 as f64;
                }
            } else {
                self.accepted.0 += 1;
                self.accepted.1 += u64::from(taken);
            }
            course[0].push(here.recorded);
            course[1].push(self.point.iter().map(|u| u * u).sum::<f64>().sqrt());
            done();
        }
        Ok(course)
    }
}
