//! Heavy ball: v <- momentum v + g; theta <- theta - rate v (Polyak 1964). That is `sgd` with momentum, by its own name.

use super::{Sgd, Update};
use crate::autodiff::Element;
use crate::base::{Result, registry::Kind};
use serde::{Deserialize, Serialize};

/// Gradient steps with inertia.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct HeavyBall {
    /// Share of the last step's velocity kept.
    pub momentum: f64,
    /// Pull towards zero added to the gradient, per unit of theta.
    pub weight_decay: f64,
}

impl Default for HeavyBall {
    fn default() -> Self {
        Self { momentum: 0.9, weight_decay: 0.0 } // Sutskever et al. 2013
    }
}

impl Kind for HeavyBall {
    const NAME: &'static str = "heavy-ball";
    const SUMMARY: &'static str = "v <- momentum v + g; theta - rate v (Polyak 1964)";

    fn check(&self) -> Result<()> {
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
