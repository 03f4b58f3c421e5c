//! Straight-through matching (Ainsworth et al. 2022, arXiv 2209.04836, section 3.3): P minimises the training loss halfway,
//!
//! ```text
//! min over T of L((A + P(B)) / 2),     P = the permutation that weight matching finds between T and B,
//! ```
//!
//! where T starts at A. The matching is no differentiable function of T, so its derivative is taken as that of the
//! identity: the gradient in T is half the gradient of L halfway, over mini-batches, and T follows it by Adam (Kingma and
//! Ba 2014), while P follows T by coordinate descent from where it was. It starts from weight matching, and the
//! permutation with the least loss over all training samples is kept: it never ends above where it started.
//!
//! Cost a step: a gradient of a mini-batch and a pass of weight matching.

use super::matcher::Matcher;
use super::weights::WeightMatching;
use super::{Align, Aligned, Pair, within};
use crate::base::{Error, Result, interrupt};
use crate::nn::{Permutation, Statistics};
use rand::seq::SliceRandom;

crate::kind! {
    /// Straight-through matching.
    StraightThrough = "straight-through",
        "min over P of L((A + P(B)) / 2), with straight-through gradients (Ainsworth et al. 2022, 3.3)";
    /// Passes over the training samples.
    epochs: usize = 10,
    /// Samples of a mini-batch.
    batch: usize = 128,
    /// Adam's rate.
    lr: f64 = 1e-3, // Adam's own default, Kingma and Ba 2014
    /// Starts of the weight matching before.
    restarts: usize = WeightMatching::default().restarts,
}

impl StraightThrough {
    fn refuse(&self) -> Result<()> {
        within("epochs", self.epochs, 1..=1_000_000)?;
        within("batch", self.batch, 1..=1 << 31)?;
        within("restarts", self.restarts, 1..=1000)?;
        if self.lr > 0.0 && self.lr.is_finite() {
            Ok(())
        } else {
            Err(Error::expected("lr", "a number above 0", self.lr))
        }
    }
}

/// Adam's moments (Kingma and Ba 2014, algorithm 1, with its defaults).
struct Adam {
    first: Vec<f64>,
    second: Vec<f64>,
    steps: i32,
}

impl Adam {
    fn step(&mut self, lr: f64, gradient: &[f64], theta: &mut [f64]) {
        const BETAS: (f64, f64) = (0.9, 0.999);
        const EPS: f64 = 1e-8;
        self.steps += 1;
        let bias = (1.0 - BETAS.0.powi(self.steps), 1.0 - BETAS.1.powi(self.steps));
        for (i, g) in gradient.iter().enumerate() {
            self.first[i] = BETAS.0 * self.first[i] + (1.0 - BETAS.0) * g;
            self.second[i] = BETAS.1 * self.second[i] + (1.0 - BETAS.1) * g * g;
            theta[i] -= lr * (self.first[i] / bias.0) / ((self.second[i] / bias.1).sqrt() + EPS);
        }
    }
}

impl Align for StraightThrough {
    fn words(&self) -> &'static str {
        "straight-through matching"
    }

    fn align(&self, pair: &Pair, observe: &dyn Fn(usize, usize)) -> Result<Aligned> {
        let matching = WeightMatching { restarts: self.restarts, ..WeightMatching::default() };
        let (start, starts) = matching.nearest(pair)?;
        let matcher = Matcher::new(pair.network().symmetry());
        let loss = |permutation: &Permutation| -> Result<f64> {
            let loss = pair.objective.evaluate(pair.midpoint(permutation).at()).loss;
            interrupt::check("alignment", "nothing is kept of it")?;
            Ok(loss)
        };
        let before = loss(&start.permutation)?;
        let mut best = (before, start.permutation.clone());
        let mut seen = start.permutation.clone();
        let mut now = start.permutation;
        let (batch, n) = (self.batch.min(pair.objective.samples()).max(1), pair.objective.samples());
        if pair.objective.statistics() != Statistics::Running {
            pair.network().layout().check_group("--align straight-through: batch", batch)?;
        }
        let mut order: Vec<u32> = (0..n as u32).collect();
        let mut target = pair.a.theta.to_vec();
        let zeros = vec![0.0; target.len()];
        let mut adam = Adam { first: zeros.clone(), second: zeros, steps: 0 };
        let batches = pair.objective.batches(batch);
        let (total, mut passes, mut status) = (self.epochs * (n / batch), 0, "all epochs were made");
        'epochs: for epoch in 0..self.epochs {
            let mut rng = pair.streams.stream("alignment/straight-through", epoch as u64);
            order.shuffle(&mut rng);
            for indices in order.chunks_exact(batch) {
                let (_, mut gradient) = batches(indices).gradient(pair.midpoint(&now).at());
                interrupt::check("alignment", "nothing is kept of it")?;
                if !gradient.iter().all(|g| g.is_finite()) {
                    status = "a gradient is not finite";
                    break 'epochs;
                }
                gradient.iter_mut().for_each(|g| *g *= 0.5);
                adam.step(self.lr, &gradient, &mut target);
                let descent = matcher.descend(&target, pair.b.theta, now, matching.passes, &mut rng)?;
                passes += descent.distances.len() - 1;
                now = descent.permutation;
                observe(adam.steps as usize, total);
            }
            if now != seen {
                let found = loss(&now)?;
                if found < best.0 || (best.0.is_nan() && !found.is_nan()) {
                    best = (found, now.clone());
                }
                seen = now.clone();
            }
        }
        let mut aligned = Aligned::new(pair, best.1, passes, status);
        aligned.facts.losses = Some([before, best.0]);
        aligned.facts.starts = starts;
        Ok(aligned)
    }
}
