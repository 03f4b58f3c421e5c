//! RMSProp (Hinton 2012): g <- g + weight_decay theta; v <- alpha v + (1 - alpha) g^2; d = g / (sqrt v + eps);
//! theta <- theta - rate d. Centered (Graves 2013): a <- alpha a + (1 - alpha) g, and v - a^2 for v. With momentum:
//! b <- momentum b + d; theta <- theta - rate b.

use super::Update;
use crate::autodiff::Element;
use crate::base::Result;

crate::kind! {
    /// Each element over the size of its recent gradients.
    RmsProp = "rmsprop",
        "v <- alpha v + (1 - alpha) g^2; theta - rate g / (sqrt v + eps) (Hinton 2012); centered, momentum";
    // PyTorch's defaults; Hinton 2012 has alpha .9
    /// Share of the old averages kept.
    alpha: f64 = 0.99,
    /// Keeps the divisor from zero.
    eps: f64 = 1e-8,
    /// Share of the last step's velocity kept; 0 for none.
    momentum: f64 = 0.0,
    /// Divide by the standard deviation of recent gradients, not by their root mean square (Graves 2013).
    centered: bool = false,
    /// Pull towards zero added to the gradient, per unit of theta.
    weight_decay: f64 = 0.0,
}

impl RmsProp {
    fn refuse(&self) -> Result<()> {
        super::check_share("alpha", self.alpha)?;
        super::check_eps(self.eps)?;
        super::check_share("momentum", self.momentum)?;
        super::check_decay(self.weight_decay)
    }
}

impl Update for RmsProp {
    fn states(&self) -> usize {
        1 + usize::from(self.centered) + usize::from(self.momentum != 0.0)
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
        let [rate, eps, decay, momentum] =
            [rate, self.eps, self.weight_decay, self.momentum].map(E::from_f64);
        let (alpha, new) = (E::from_f64(self.alpha), E::from_f64(1.0 - self.alpha));
        let square = |v: &mut E, g: E| *v = alpha * *v + new * (g * g);
        let size = |v: E, a: &mut E, g: E| {
            *a = alpha * *a + new * g;
            // A variance, which rounding may leave below zero.
            (v - *a * *a).max(E::ZERO).sqrt()
        };
        let walk = |b: &mut E, d: E| {
            *b = momentum * *b + d;
            *b
        };
        let pairs = theta.iter_mut().zip(gradient);
        match states {
            [squares, means, velocity] => {
                let states = squares.iter_mut().zip(means.iter_mut()).zip(velocity.iter_mut());
                for ((t, g), ((v, a), b)) in pairs.zip(states) {
                    let g = *g + decay * *t;
                    square(v, g);
                    *t -= rate * walk(b, g / (size(*v, a, g) + eps));
                }
            }
            [squares, means] if self.centered => {
                for ((t, g), (v, a)) in pairs.zip(squares.iter_mut().zip(means.iter_mut())) {
                    let g = *g + decay * *t;
                    square(v, g);
                    *t -= rate * (g / (size(*v, a, g) + eps));
                }
            }
            [squares, velocity] => {
                for ((t, g), (v, b)) in pairs.zip(squares.iter_mut().zip(velocity.iter_mut())) {
                    let g = *g + decay * *t;
                    square(v, g);
                    *t -= rate * walk(b, g / (v.sqrt() + eps));
                }
            }
            [squares] => {
                for ((t, g), v) in pairs.zip(squares.iter_mut()) {
                    let g = *g + decay * *t;
                    square(v, g);
                    *t -= rate * (g / (v.sqrt() + eps));
                }
            }
            _ => {}
        }
    }
}
