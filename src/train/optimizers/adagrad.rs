//! AdaGrad (Duchi, Hazan and Singer 2011): g <- g + weight_decay theta; s <- s + g^2;
//! theta <- theta - rate g / (sqrt s + eps).

use super::Update;
use crate::autodiff::Element;
use crate::base::Result;

crate::kind! {
    /// Each element slowed by all the gradients it has seen.
    AdaGrad = "adagrad", "s <- s + g^2; theta - rate g / (sqrt s + eps) (Duchi, Hazan and Singer 2011)";
    // PyTorch's defaults
    /// Keeps the divisor from zero.
    eps: f64 = 1e-10,
    /// Pull towards zero added to the gradient, per unit of theta.
    weight_decay: f64 = 0.0,
}

impl AdaGrad {
    fn refuse(&self) -> Result<()> {
        super::check_eps(self.eps)?;
        super::check_decay(self.weight_decay)
    }
}

impl Update for AdaGrad {
    fn states(&self) -> usize {
        1
    }

    fn rate(&self) -> f64 {
        0.01 // PyTorch's default
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
        let [sum] = states else { return };
        let [rate, eps, decay] = [rate, self.eps, self.weight_decay].map(E::from_f64);
        for ((t, g), s) in theta.iter_mut().zip(gradient).zip(sum.iter_mut()) {
            let g = *g + decay * *t;
            *s += g * g;
            *t -= rate * (g / (s.sqrt() + eps));
        }
    }
}
