//! NAdam (Dozat 2016), in PyTorch's form: g, m and v as in Adam; mu_t = beta1 (1 - .96^(t momentum_decay) / 2),
//! P_t = mu_1 ... mu_t, and
//! theta <- theta - rate (g (1 - mu_t) / (1 - P_t) + m mu_t+1 / (1 - P_t+1)) / (sqrt v^ + eps).
//!
//! f = 1 - P is kept beside theta: f <- mu f + (1 - mu), an average of ones.

use super::{Update, adam::Averages};
use crate::autodiff::Element;
use crate::base::{Error, Result};

crate::kind! {
    /// Adam with Nesterov's look-ahead.
    Nadam = "nadam", "Adam with Nesterov's look-ahead (Dozat 2016)";
    // PyTorch's defaults
    /// Share of the old mean of gradients kept.
    beta1: f64 = 0.9,
    /// Share of the old mean of squares kept.
    beta2: f64 = 0.999,
    /// Keeps the divisor from zero.
    eps: f64 = 1e-8,
    /// How fast the look-ahead rises from half of beta1 to beta1.
    momentum_decay: f64 = 0.004,
    /// Pull towards zero added to the gradient, per unit of theta.
    weight_decay: f64 = 0.0,
}

impl Nadam {
    fn refuse(&self) -> Result<()> {
        super::check_share("beta1", self.beta1)?;
        super::check_share("beta2", self.beta2)?;
        super::check_eps(self.eps)?;
        if !(self.momentum_decay >= 0.0 && self.momentum_decay.is_finite()) {
            let found = self.momentum_decay;
            return Err(Error::expected("momentum-decay", "a finite number of at least 0", found));
        }
        super::check_decay(self.weight_decay)
    }
}

impl Update for Nadam {
    fn states(&self) -> usize {
        3
    }

    fn rate(&self) -> f64 {
        0.002 // PyTorch's default
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
        let [means, squares, filled] = states else { return };
        let averages = Averages::of(self.beta1, self.beta2, self.eps, step);
        let mu = |t: u64| self.beta1 * (1.0 - 0.5 * 0.96f64.powf(t as f64 * self.momentum_decay));
        let (now, next) = (mu(step), mu(step + 1));
        let [rate, decay, now, rest, next, next_rest] =
            [rate, self.weight_decay, now, 1.0 - now, next, 1.0 - next].map(E::from_f64);
        let states = means.iter_mut().zip(squares.iter_mut()).zip(filled.iter_mut());
        for ((t, g), ((m, v), f)) in theta.iter_mut().zip(gradient).zip(states) {
            let g = *g + decay * *t;
            averages.take(g, m, v);
            *f = now * *f + rest;
            let ahead = next * *f + next_rest;
            *t -= rate * ((g * (rest / *f) + *m * (next / ahead)) / averages.size(*v));
        }
    }
}
