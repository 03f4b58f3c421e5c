//! AdaDelta (Zeiler 2012): g <- g + weight_decay theta; v <- rho v + (1 - rho) g^2;
//! d = g sqrt(u + eps) / sqrt(v + eps); u <- rho u + (1 - rho) d^2; theta <- theta - rate d. Its steps have the unit
//! of theta, and its rate is a factor that the paper leaves at 1.

use super::Update;
use crate::autodiff::Element;
use crate::base::Result;

crate::kind! {
    /// Steps in the unit of theta: as long as the past ones, over the size of the past gradients.
    AdaDelta = "adadelta", "steps scaled by rms(past steps) / rms(past gradients) (Zeiler 2012)";
    // PyTorch's defaults; Zeiler 2012 has rho .95
    /// Share of the old averages kept.
    rho: f64 = 0.9,
    /// Keeps the divisor from zero, and gets the first steps going.
    eps: f64 = 1e-6,
    /// Pull towards zero added to the gradient, per unit of theta.
    weight_decay: f64 = 0.0,
}

impl AdaDelta {
    fn refuse(&self) -> Result<()> {
        super::check_share("rho", self.rho)?;
        super::check_eps(self.eps)?;
        super::check_decay(self.weight_decay)
    }
}

impl Update for AdaDelta {
    fn states(&self) -> usize {
        2
    }

    fn rate(&self) -> f64 {
        1.0 // Zeiler 2012, and PyTorch's default
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
        let [squares, steps] = states else { return };
        let [rate, rho, eps, decay] = [rate, self.rho, self.eps, self.weight_decay].map(E::from_f64);
        let new = E::from_f64(1.0 - self.rho);
        let averages = squares.iter_mut().zip(steps.iter_mut());
        for ((t, g), (v, u)) in theta.iter_mut().zip(gradient).zip(averages) {
            let g = *g + decay * *t;
            *v = rho * *v + new * (g * g);
            let d = g * ((*u + eps).sqrt() / (*v + eps).sqrt());
            *u = rho * *u + new * (d * d);
            *t -= rate * d;
        }
    }
}
