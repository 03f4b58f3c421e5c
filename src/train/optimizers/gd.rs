//! Gradient descent: theta <- theta - rate (g + weight_decay theta), with the gradient of the whole training set.

use super::{Sgd, Update};
use crate::autodiff::Element;
use crate::base::Result;

crate::kind! {
    /// Full-batch gradient descent.
    Gd = "gd", "theta - rate g with the gradient of all training samples in every step";
    /// Pull towards zero added to the gradient, per unit of theta.
    weight_decay: f64 = 0.0,
}

impl Gd {
    fn refuse(&self) -> Result<()> {
        super::check_decay(self.weight_decay)
    }
}

impl Update for Gd {
    fn states(&self) -> usize {
        self.plain().states()
    }

    fn rate(&self) -> f64 {
        self.plain().rate()
    }

    fn full_batch(&self) -> bool {
        true
    }

    fn stability(&self, rate: f64) -> Option<f64> {
        self.plain().stability(rate)
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
        self.plain().update(step, rate, theta, gradient, states);
    }
}

impl Gd {
    /// The same step, whatever the gradient is of.
    #[inline(always)]
    fn plain(&self) -> Sgd {
        Sgd { momentum: 0.0, nesterov: false, weight_decay: self.weight_decay }
    }
}
