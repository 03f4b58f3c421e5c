//! Nesterov's accelerated gradient in the form of Sutskever et al. 2013 and PyTorch: v <- momentum v + g;
//! theta <- theta - rate (g + momentum v), where theta is the point looked ahead to. That is `sgd` with nesterov=true.

use super::{Sgd, Update};
use crate::autodiff::Element;
use crate::base::{Result, registry::Kind};
use serde::{Deserialize, Serialize};

/// Momentum that looks ahead along the velocity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Nesterov {
    /// Share of the last step's velocity kept.
    pub momentum: f64,
    /// Pull towards zero added to the gradient, per unit of theta.
    pub weight_decay: f64,
}

impl Default for Nesterov {
    fn default() -> Self {
        Self { momentum: 0.9, weight_decay: 0.0 } // Sutskever et al. 2013
    }
}

impl Kind for Nesterov {
    const NAME: &'static str = "nesterov";
    const SUMMARY: &'static str =
        "v <- momentum v + g; theta - rate (g + momentum v) (Nesterov 1983, Sutskever et al. 2013)";

    fn check(&self) -> Result<()> {
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
