//! Adam (Kingma and Ba 2014): g <- g + weight_decay theta; m <- beta1 m + (1 - beta1) g; v <- beta2 v + (1 - beta2) g^2;
//! theta <- theta - rate m^ / (sqrt v^ + eps), with m^ = m / (1 - beta1^t) and v^ = v / (1 - beta2^t) after t steps. Its
//! first step is rate sign(g) where |g| is far above eps.

use super::Update;
use crate::autodiff::Element;
use crate::base::Result;

crate::kind! {
    /// Mean of gradients over their root mean square.
    Adam = "adam",
        "theta - rate m / (sqrt v + eps), m and v unbiased averages of g and g^2 (Kingma and Ba 2014)";
    // Kingma and Ba 2014
    /// Share of the old mean of gradients kept.
    beta1: f64 = 0.9,
    /// Share of the old mean of squares kept.
    beta2: f64 = 0.999,
    /// Keeps the divisor from zero.
    eps: f64 = 1e-8,
    /// Pull towards zero added to the gradient, per unit of theta.
    weight_decay: f64 = 0.0,
}

impl Adam {
    fn refuse(&self) -> Result<()> {
        super::check_share("beta1", self.beta1)?;
        super::check_share("beta2", self.beta2)?;
        super::check_eps(self.eps)?;
        super::check_decay(self.weight_decay)
    }
}

impl Update for Adam {
    fn states(&self) -> usize {
        2
    }

    fn rate(&self) -> f64 {
        0.001 // Kingma and Ba 2014, and PyTorch's default
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
        let [means, squares] = states else { return };
        let averages = Averages::of(self.beta1, self.beta2, self.eps, step);
        let (rate, decay) = (E::from_f64(rate), E::from_f64(self.weight_decay));
        for ((t, g), (m, v)) in theta.iter_mut().zip(gradient).zip(means.iter_mut().zip(squares.iter_mut())) {
            let g = *g + decay * *t;
            averages.take(g, m, v);
            *t -= rate * (averages.mean(*m) / averages.size(*v));
        }
    }
}

/// The averages that Adam and its kin keep, at one step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Averages<E> {
    beta1: E,
    new1: E,
    beta2: E,
    new2: E,
    /// 1 / (1 - beta1^t).
    mean: E,
    /// 1 / sqrt(1 - beta2^t).
    size: E,
    eps: E,
}

impl<E: Element> Averages<E> {
    /// At step t.
    #[inline(always)]
    pub fn of(beta1: f64, beta2: f64, eps: f64, t: u64) -> Self {
        let (mean, size) = (1.0 / super::filled(beta1, t), 1.0 / super::filled(beta2, t).sqrt());
        let [beta1, new1, beta2, new2, mean, size, eps] =
            [beta1, 1.0 - beta1, beta2, 1.0 - beta2, mean, size, eps].map(E::from_f64);
        Self { beta1, new1, beta2, new2, mean, size, eps }
    }

    /// Takes a gradient into both averages.
    #[inline(always)]
    pub fn take(&self, g: E, m: &mut E, v: &mut E) {
        *m = self.beta1 * *m + self.new1 * g;
        *v = self.beta2 * *v + self.new2 * (g * g);
    }

    /// m / (1 - beta1^t).
    #[inline(always)]
    pub fn mean(&self, m: E) -> E {
        m * self.mean
    }

    /// sqrt(v / (1 - beta2^t)) + eps.
    #[inline(always)]
    pub fn size(&self, v: E) -> E {
        v.sqrt() * self.size + self.eps
    }
}
