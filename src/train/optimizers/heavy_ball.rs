//! Heavy ball: v <- momentum v + g; theta <- theta - rate v (Polyak 1964). That is `sgd` with momentum, by its own name.

use super::{Sgd, Update};
use crate::autodiff::Element;
use crate::base::Result;

crate::kind! {
    /// Gradient steps with inertia.
    HeavyBall = "heavy-ball", "v <- momentum v + g; theta - rate v (Polyak 1964)";
    // Sutskever et al. 2013
    /// Share of the last step's velocity kept.
    momentum: f64 = 0.9,
    /// Pull towards zero added to the gradient, per unit of theta.
    weight_decay: f64 = 0.0,
}

impl HeavyBall {
    fn refuse(&self) -> Result<()> {
        super::check_share("momentum", self.momentum)?;
        super::check_decay(self.weight_decay)
    }
}

impl Update for HeavyBall {
    fn states(&self) -> usize {
        self.plain().states()
    }

    fn rate(&self) -> f64 {
        self.plain().rate()
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

impl HeavyBall {
    #[inline(always)]
    fn plain(&self) -> Sgd {
        Sgd { momentum: self.momentum, nesterov: false, weight_decay: self.weight_decay }
    }
}
