//! Optimizers: what a step does with a gradient.
//!
//! To add one: a file with a struct that implements [`Kind`](crate::base::registry::Kind) and [`Update`], and a line below.
//!
//! Equations and defaults are PyTorch's where it has the optimizer. Numbers that change from step to step are computed
//! in f64 and rounded to the element type once.

pub mod stepper;

pub use stepper::{BLOCK, Stepper};

use crate::autodiff::Element;
use crate::base::{Error, Result};
use crate::registry;

/// Most vectors of state that an optimizer keeps beside theta.
pub const STATES: usize = 3;

/// What a step does with a gradient, element by element.
pub trait Update {
    /// How many vectors of state it keeps; they start at zero.
    fn states(&self) -> usize;

    /// The learning rate where none is given.
    fn rate(&self) -> f64;

    /// Whether a step is meant to see all samples.
    fn full_batch(&self) -> bool {
        false
    }

    /// A step that looks at the loss of all samples more than once, where the optimizer makes such steps instead of
    /// [`Update::update`].
    fn search(&self) -> Option<&Lbfgs> {
        None
    }

    /// The largest lambda at which steps of length `rate` go to the minimum of 1/2 lambda theta^2 (less than that, and
    /// they do; more, and they grow), where that is all it depends on: not with a divisor of its own for every element.
    /// lambda is the loss's; a pull towards zero that is added to the gradient adds to it, so the loss is left with the
    /// rest.
    fn stability(&self, _rate: f64) -> Option<f64> {
        None
    }

    /// Moves `theta` by one step of length `rate`, the `step`th (the first is 1). Slices are equal runs of the whole
    /// vectors.
    fn update<E: Element>(
        &self,
        step: u64,
        rate: f64,
        theta: &mut [E],
        gradient: &[E],
        states: &mut [&mut [E]],
    );
}

registry! {
    /// What a step does with a gradient.
    Optimizer, "optimizer", match_optimizer {
        sgd => Sgd;
        gd => Gd;
        heavy_ball => HeavyBall;
        nesterov => Nesterov;
        adagrad => AdaGrad;
        adadelta => AdaDelta;
        rmsprop => RmsProp;
        adam => Adam;
        adamw => AdamW;
        nadam => Nadam;
        amsgrad => AmsGrad;
        lion => Lion;
        lbfgs => Lbfgs;
    }
}

impl Optimizer {
    /// How many vectors of state it keeps.
    pub fn states(&self) -> usize {
        match_optimizer!(self, kind => kind.states())
    }

    /// The learning rate where none is given.
    pub fn rate(&self) -> f64 {
        match_optimizer!(self, kind => kind.rate())
    }

    /// Whether a step is meant to see all samples.
    pub fn full_batch(&self) -> bool {
        match_optimizer!(self, kind => kind.full_batch())
    }

    /// The line search that its steps are, if they are.
    pub fn search(&self) -> Option<&Lbfgs> {
        match_optimizer!(self, kind => kind.search())
    }

    /// The largest curvature at which its steps are stable; see [`Update::stability`].
    pub fn stability(&self, rate: f64) -> Option<f64> {
        match_optimizer!(self, kind => kind.stability(rate))
    }

    /// One step on equal runs of the whole vectors; see [`Update::update`].
    #[inline(always)]
    pub(super) fn update<E: Element>(
        &self,
        step: u64,
        rate: f64,
        theta: &mut [E],
        gradient: &[E],
        states: &mut [&mut [E]],
    ) {
        match_optimizer!(self, kind => kind.update(step, rate, theta, gradient, states));
    }
}

/// Refuses a share of an old average that would never fade.
fn check_share(setting: &str, x: f64) -> Result<()> {
    if (0.0..1.0).contains(&x) { Ok(()) } else { Err(Error::expected(setting, "at least 0 and below 1", x)) }
}

/// Refuses a weight decay that is no pull.
fn check_decay(x: f64) -> Result<()> {
    if x >= 0.0 && x.is_finite() {
        Ok(())
    } else {
        Err(Error::expected("weight-decay", "a finite number of at least 0", x))
    }
}

/// Refuses an `eps` that is zero in some element type: a gradient of 0 would then be divided by 0.
fn check_eps(x: f64) -> Result<()> {
    if (1e-30..=1.0).contains(&x) { Ok(()) } else { Err(Error::expected("eps", "1e-30 to 1", x)) }
}

/// 1 - share^step: what an average of ones over so many steps from zero on has reached.
fn filled(share: f64, step: u64) -> f64 {
    1.0 - share.powf(step as f64)
}
