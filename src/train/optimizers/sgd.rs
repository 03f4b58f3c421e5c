//! Stochastic gradient descent with momentum, in PyTorch's form:
//! g <- g + weight_decay theta; v <- momentum v + g; theta <- theta - rate v, or, with Nesterov's look-ahead,
//! theta <- theta - rate (g + momentum v).
//!
//! Weight decay acts on every parameter, biases included, as PyTorch's does; it is no part of any reported loss.

use super::Update;
use crate::autodiff::Element;
use crate::base::{Error, Result};

crate::kind! {
    /// SGD with momentum, Nesterov's look-ahead and weight decay.
    Sgd = "sgd",
        "stochastic gradient descent with momentum (heavy ball), or nesterov's look-ahead; weight-decay";
    // momentum: Sutskever et al. 2013
    /// Share of the last step's velocity kept; 0 for plain gradient descent.
    momentum: f64 = 0.9,
    /// Look ahead along the velocity (Nesterov 1983).
    nesterov: bool = false,
    /// Pull towards zero added to the gradient, per unit of theta.
    weight_decay: f64 = 0.0,
}

impl Sgd {
    fn refuse(&self) -> Result<()> {
        super::check_share("momentum", self.momentum)?;
        if self.nesterov && self.momentum == 0.0 {
            return Err(Error::expected("nesterov", "a momentum above 0", "momentum 0"));
        }
        super::check_decay(self.weight_decay)
    }
}

impl Update for Sgd {
    fn states(&self) -> usize {
        usize::from(self.momentum != 0.0)
    }

    fn rate(&self) -> f64 {
        0.05 // with momentum .9: the largest round rate at which the default network is calm
    }

    /// With h = lambda + weight_decay and b the momentum, (theta, v) goes to
    ///
    /// ```text
    /// plain      (1 - rate h) theta - rate b v,              h theta + b v    |eigenvalues| < 1: h < (2 + 2b) / rate
    /// nesterov   (1 - rate (1+b) h) theta - rate b^2 v,      h theta + b v    h < (2 + 2b) / ((1 + 2b) rate)
    /// ```
    ///
    /// by Jury's conditions |det| < 1, |trace| < 1 + det; of them the second breaks first, at an eigenvalue of -1
    /// (Cohen et al. 2021, appendix B).
    fn stability(&self, rate: f64) -> Option<f64> {
        let b = self.momentum;
        let ahead = if self.nesterov { 1.0 + 2.0 * b } else { 1.0 };
        Some((2.0 + 2.0 * b) / (ahead * rate) - self.weight_decay)
    }

    #[inline(always)]
    fn update<E: Element>(
        &self,
        _step: u64,
        rate: f64,
        theta: &mut [E],
        gradient: &[E],
        states: &mut [&mut [E]],
    ) {
        let (rate, decay, momentum) =
            (E::from_f64(rate), E::from_f64(self.weight_decay), E::from_f64(self.momentum));
        let pairs = theta.iter_mut().zip(gradient);
        match states {
            [velocity] => {
                for ((t, g), v) in pairs.zip(velocity.iter_mut()) {
                    let g = *g + decay * *t;
                    *v = momentum * *v + g;
                    let step = if self.nesterov { g + momentum * *v } else { *v };
                    *t -= rate * step;
                }
            }
            _ => {
                for (t, g) in pairs {
                    *t -= rate * (*g + decay * *t);
                }
            }
        }
    }
}
