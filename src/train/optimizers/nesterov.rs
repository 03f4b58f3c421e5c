//! Nesterov's accelerated gradient in the form of Sutskever et al. 2013 and PyTorch: v <- momentum v + g;
//! theta <- theta - rate (g + momentum v), where theta is the point looked ahead to. That is `sgd` with nesterov=true.

use super::{Sgd, Update};
use crate::autodiff::Element;
use crate::base::Result;

crate::kind! {
    /// Momentum that looks ahead along the velocity.
    Nesterov = "nesterov",
        "v <- momentum v + g; theta - rate (g + momentum v) (Nesterov 1983, Sutskever et al. 2013)";
    // Sutskever et al. 2013
    /// Share of the last step's velocity kept.
    momentum: f64 = 0.9,
    /// Pull towards zero added to the gradient, per unit of theta.
    weight_decay: f64 = 0.0,
}

impl Nesterov {
    fn refuse(&self) -> Result<()> {
        super::check_share("momentum", self.momentum)?;
        super::check_decay(self.weight_decay)
    }
}

impl Update for Nesterov {
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

impl Nesterov {
    /// Without momentum there is nothing to look ahead along.
    #[inline(always)]
    fn plain(&self) -> Sgd {
        let (momentum, weight_decay) = (self.momentum, self.weight_decay);
        Sgd { momentum, nesterov: momentum != 0.0, weight_decay }
    }
}
