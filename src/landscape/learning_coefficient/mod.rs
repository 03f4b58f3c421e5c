//! The local learning coefficient of a loss at w* (Lau et al. 2023, arXiv 2308.12108): how fast the volume of weights whose loss is
//! within t of that at w* vanishes, t^lambda; half the number of parameters at a regular minimum, less where directions are flat to
//! second order. Estimated by what the loss is on average over a posterior that is held near w*,
//!
//! ```text
//! p(w) ~ exp(-n beta L_n(w) - gamma / 2 |w - w*|^2),   beta = 1 / log n
//! lambda = n beta (E[L_n(w)] - L_n(w*))
//! ```
//!
//! With gamma > 0 a direction of curvature h counts n beta h / (n beta h + gamma) halves, so that what is much flatter than
//! gamma / (n beta) counts nothing: the estimate is that of a stated gamma and n. Where w* is no minimum, it may be negative.
//!
//! Several chains ([`chain`]) start at w*; a sampler with a Metropolis step has no bias from its step, and every step sees all n
//! samples. Whether chains agree, and how sure their mean is, [`diagnostics`] tell; the interval is of the
//! expectation under this posterior.
//!
//! Cost: one gradient a step of each chain.
//!
//! To add a sampler: a file with a struct that implements [`Kind`](crate::base::registry::Kind) and [`Sample`], and a line below.

pub mod chain;
pub mod diagnostics;

use crate::base::statistics::student_t;
use crate::base::{Result, Streams, parallel};
use crate::registry;
use chain::{Chain, Potential, Value};
use diagnostics::agreement;
use serde::{Deserialize, Serialize};

registry! {
    /// What draws from the posterior.
    Sampler, "sampler", match_sampler {
        mala => Mala;
    }
}

/// What a sampler is.
pub trait Sample {
    /// How many chains, of how many steps that adapt and that count, and what is done with them.
    fn plan(&self) -> Plan;
    /// Makes some steps of a chain; see [`Chain::advance`].
    fn advance(
        &self,
        chain: &mut Chain,
        count: usize,
        potential: Potential,
        rng: &mut crate::base::random::Rng,
        done: &(dyn Fn() + Sync),
    ) -> Result<[Vec<f64>; 2]>;
}

impl Sample for Sampler {
    fn plan(&self) -> Plan {
        match_sampler!(self, kind => kind.plan())
    }

    fn advance(
        &self,
        chain: &mut Chain,
        count: usize,
        potential: Potential,
        rng: &mut crate::base::random::Rng,
        done: &(dyn Fn() + Sync),
    ) -> Result<[Vec<f64>; 2]> {
        match_sampler!(self, kind => kind.advance(chain, count, potential, rng, done))
    }
}

/// How much is drawn, and when it is enough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// Chains.
    pub chains: usize,
    /// Steps of each that adapt its step and count for nothing.
    pub burn_in: usize,
    /// Steps of each that count.
    pub draws: usize,
    /// gamma.
    pub gamma: f64,
    /// Level of the interval.
    pub level: f64,
    /// Largest split R-hat of chains that agree.
    pub rhat: f64,
    /// Fewest effective draws of all chains.
    pub ess: f64,
}

/// Parts in which chains are advanced: what a stop may lose.
const SEGMENTS: usize = 10;

impl Plan {
    /// Gradients of all chains, about.
    pub fn gradients(&self) -> usize {
        self.chains * (self.burn_in + self.draws + self.segments().len())
    }

    /// Steps of a chain in each part.
    pub fn segments(&self) -> Vec<usize> {
        let all = self.burn_in + self.draws;
        let parts = SEGMENTS.min(all);
        (0..parts).map(|i| (i + 1) * all / parts - i * all / parts).collect()
    }
}

/// Loss and gradient at a displacement from w*.
pub type LossAround<'a> = dyn Fn(&[f64]) -> Result<(f64, Vec<f64>)> + Sync + 'a;

/// A loss around w*, of which a coefficient is asked.
pub struct Posterior<'a> {
    /// Loss and gradient at a displacement from w*.
    pub loss: &'a LossAround<'a>,
    /// Parameters.
    pub dimension: usize,
    /// L_n(w*).
    pub center: f64,
    /// Samples.
    pub n: usize,
}

impl Posterior<'_> {
    /// beta = 1 / log n; of up to two samples 1 / log 3, that it be a temperature.
    pub fn beta(&self) -> f64 {
        1.0 / (self.n.max(3) as f64).ln()
    }

    fn scale(&self) -> f64 {
        self.n as f64 * self.beta()
    }

    fn potential(&self, gamma: f64, u: &[f64]) -> Result<Value> {
        let (loss, mut gradient) = (self.loss)(u)?;
        let scale = self.scale();
        gradient.iter_mut().zip(u).for_each(|(g, u)| *g = scale * *g + gamma * u);
        let squares: f64 = u.iter().map(|u| u * u).sum();
        let rise = scale * (loss - self.center);
        let potential = rise + 0.5 * gamma * squares;
        let potential = if potential.is_nan() { f64::INFINITY } else { potential };
        Ok(Value { potential, gradient, recorded: rise })
    }
}

/// The course of all chains.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// Where chains are.
    pub chains: Vec<Chain>,
    /// n beta (L - L(w*)) after each step, a chain each.
    pub rises: Vec<Vec<f64>>,
    /// |w - w*| after each step.
    pub distances: Vec<Vec<f64>>,
}

impl Sampler {
    /// Chains before their first step.
    pub fn begin(&self, of: &Posterior) -> Course {
        let plan = self.plan();
        // Half of what is stable in a direction of curvature 1; the adaptation finds what is.
        let chain = Chain::new(vec![0.0; of.dimension], 1.0 / (of.scale() + plan.gamma));
        Course {
            chains: vec![chain; plan.chains],
            rises: vec![Vec::new(); plan.chains],
            distances: vec![Vec::new(); plan.chains],
        }
    }

    /// Advances all chains by a part of the plan.
    pub fn advance_all(
        &self,
        of: &Posterior,
        course: &mut Course,
        segment: usize,
        streams: &Streams,
        done: &(dyn Fn() + Sync),
    ) -> Result<()> {
        let plan = self.plan();
        let Some(count) = plan.segments().get(segment).copied() else { return Ok(()) };
        let potential = |u: &[f64]| of.potential(plan.gamma, u);
        let before = &course.chains;
        let made = parallel::try_map(before.len(), &|i| {
            let mut chain = before[i].clone();
            let mut rng = streams.stream(&format!("learning-coefficient/{i}"), segment as u64);
            let made = self.advance(&mut chain, count, &potential, &mut rng, done)?;
            Ok((chain, made))
        })?;
        for (i, (chain, [rises, distances])) in made.into_iter().enumerate() {
            course.chains[i] = chain;
            course.rises[i].extend(rises);
            course.distances[i].extend(distances);
        }
        Ok(())
    }

    /// All of it at once; `done` is called after each step.
    pub fn estimate(
        &self,
        of: &Posterior,
        streams: &Streams,
        done: &(dyn Fn() + Sync),
    ) -> Result<(Coefficient, Course)> {
        let mut course = self.begin(of);
        for segment in 0..self.plan().segments().len() {
            self.advance_all(of, &mut course, segment, streams, done)?;
        }
        Ok((self.found(of, &course), course))
    }

    /// What the chains came to.
    pub fn found(&self, of: &Posterior, course: &Course) -> Coefficient {
        let plan = self.plan();
        let counted: Vec<&[f64]> = course.rises.iter().map(|r| &r[plan.burn_in.min(r.len())..]).collect();
        let told = agreement(&counted);
        let half = student_t(plan.level, told.halves.saturating_sub(1)) * told.standard_error;
        let (steps, taken) =
            course.chains.iter().fold((0, 0), |(n, k), c| (n + c.accepted.0, k + c.accepted.1));
        let far = course.distances.iter().flat_map(|d| &d[plan.burn_in.min(d.len())..]);
        let squares: f64 = far.clone().map(|d| d * d).sum();
        let mut unmet = Vec::new();
        if !told.mean.is_finite() {
            unmet.push("the loss is not finite where chains went".to_owned());
        } else {
            if told.rhat > plan.rhat || told.rhat.is_nan() {
                unmet.push(format!("R-hat is {:.3}, above {}", told.rhat, plan.rhat));
            }
            if told.effective < plan.ess || told.effective.is_nan() {
                unmet.push(format!("{:.0} effective draws, fewer than {}", told.effective, plan.ess));
            }
        }
        Coefficient {
            value: told.mean,
            standard_error: told.standard_error,
            interval: [told.mean - half, told.mean + half],
            level: plan.level,
            rhat: told.rhat,
            ess: told.effective,
            acceptance: taken as f64 / steps as f64,
            converged: unmet.is_empty(),
            status: if unmet.is_empty() {
                "converged".to_owned()
            } else {
                format!("not converged: {}", unmet.join("; "))
            },
            steps: course.chains.iter().map(Chain::step).collect(),
            distance: (squares / far.count() as f64).sqrt(),
            dimension: of.dimension,
            samples: of.n,
            beta: of.beta(),
            gamma: plan.gamma,
        }
    }
}

/// A local learning coefficient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coefficient {
    /// lambda.
    pub value: f64,
    /// The Monte Carlo standard error.
    #[serde(rename = "stderr")]
    pub standard_error: f64,
    /// Where the expectation lies, at `level`.
    pub interval: [f64; 2],
    /// Level of the interval.
    pub level: f64,
    /// Split R-hat of the losses.
    pub rhat: f64,
    /// Effective draws of all chains.
    pub ess: f64,
    /// Share of proposals that were taken, after burning in.
    pub acceptance: f64,
    /// Whether R-hat and the effective draws are what was asked.
    pub converged: bool,
    /// The same in words.
    pub status: String,
    /// The step of each chain.
    pub steps: Vec<f64>,
    /// Root mean square of |w - w*|.
    pub distance: f64,
    /// Parameters.
    pub dimension: usize,
    /// n.
    pub samples: usize,
    /// beta.
    pub beta: f64,
    /// gamma.
    pub gamma: f64,
}
