//! AMSGrad (Reddi, Kale and Kumar 2018), as PyTorch's Adam with `amsgrad=True`: Adam whose v never falls. g, m and v as in
//! Adam; w <- max(w, v); theta <- theta - rate m^ / (sqrt w^ + eps) with w^ = w / (1 - beta2^t).

use super::{Update, adam::Averages};
use crate::autodiff::Element;
use crate::base::Result;

crate::kind! {
    /// Adam whose steps never grow back.
    AmsGrad = "amsgrad", "Adam with the largest v so far in place of v (Reddi, Kale and Kumar 2018)";
    // PyTorch's defaults
    /// Share of the old mean of gradients kept.
    beta1: f64 = 0.9,
    /// Share of the old mean of squares kept.
    beta2: f64 = 0.999,
    /// Keeps the divisor from zero.
    eps: f64 = 1e-8,
    /// Pull towards zero added to the gradient, per unit of theta.
    weight_decay: f64 = 0.0,
}

impl AmsGrad {
    fn refuse(&self) -> Result<()> {
        super::check_share("beta1", self.beta1)?;
        super::check_share("beta2", self.beta2)?;
        super::check_eps(self.eps)?;
        super::check_decay(self.weight_decay)
    }
}

impl Update for AmsGrad {
    fn states(&self) -> usize {
        3
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
        let [means, squares, largest] = states else { return };
        let averages = Averages::of(self.beta1, self.beta2, self.eps, step);
        let (rate, decay) = (E::from_f64(rate), E::from_f64(self.weight_decay));
        let states = means.iter_mut().zip(squares.iter_mut()).zip(largest.iter_mut());
        for ((t, g), ((m, v), w)) in theta.iter_mut().zip(gradient).zip(states) {
            let g = *g + decay * *t;
            averages.take(g, m, v);
            *w = v.max(*w);
            *t -= rate * (averages.mean(*m) / averages.size(*w));
        }
    }
}
