//! AdamW (Loshchilov and Hutter 2019): theta <- (1 - rate weight_decay) theta, then Adam's step with the bare gradient, so
//! that the pull is not divided by the size of the gradients.

use super::{Adam, Update};
use crate::autodiff::Element;
use crate::base::Result;

crate::kind! {
    /// Adam with decoupled weight decay.
    AdamW = "adamw", "Adam with weight-decay beside the gradient, not in it (Loshchilov and Hutter 2019)";
    // PyTorch's defaults
    /// Share of the old mean of gradients kept.
    beta1: f64 = 0.9,
    /// Share of the old mean of squares kept.
    beta2: f64 = 0.999,
    /// Keeps the divisor from zero.
    eps: f64 = 1e-8,
    /// Pull towards zero beside the gradient, per unit of theta and of the rate.
    weight_decay: f64 = 0.01,
}

impl AdamW {
    fn refuse(&self) -> Result<()> {
        super::check_share("beta1", self.beta1)?;
        super::check_share("beta2", self.beta2)?;
        super::check_eps(self.eps)?;
        super::check_decay(self.weight_decay)
    }
}

impl Update for AdamW {
    fn states(&self) -> usize {
        2
    }

    fn rate(&self) -> f64 {
        0.001 // PyTorch's default
    }

    #[inline(always)]
    fn update<E: Element>(
        &self,
        step: u64,
        rate: f64,
        theta: &mut [E],
        gradient: &[E],
        states: &mut [&mut [E]],
    ) {
        let keep = E::from_f64(1.0 - rate * self.weight_decay);
        theta.iter_mut().for_each(|t| *t *= keep);
        let (beta1, beta2, eps) = (self.beta1, self.beta2, self.eps);
        Adam { beta1, beta2, eps, weight_decay: 0.0 }.update(step, rate, theta, gradient, states);
    }
}
