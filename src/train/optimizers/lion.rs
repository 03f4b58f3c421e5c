//! Lion (Chen et al. 2023): theta <- theta - rate (sign(beta1 m + (1 - beta1) g) + weight_decay theta);
//! m <- beta2 m + (1 - beta2) g. Every element moves by the rate, up or down; sign(0) is 0.

use super::Update;
use crate::autodiff::Element;
use crate::base::Result;

crate::kind! {
    /// Steps of the sign of a mean of gradients.
    Lion = "lion",
        "theta - rate sign(beta1 m + (1 - beta1) g); m <- beta2 m + (1 - beta2) g (Chen et al. 2023)";
    // Chen et al. 2023
    /// Share of the old mean in the step.
    beta1: f64 = 0.9,
    /// Share of the old mean kept.
    beta2: f64 = 0.99,
    /// Pull towards zero beside the gradient, per unit of theta and of the rate.
    weight_decay: f64 = 0.0,
}

impl Lion {
    fn refuse(&self) -> Result<()> {
        super::check_share("beta1", self.beta1)?;
        super::check_share("beta2", self.beta2)?;
        super::check_decay(self.weight_decay)
    }
}

impl Update for Lion {
    fn states(&self) -> usize {
        1
    }

    fn rate(&self) -> f64 {
        0.0001 // Chen et al. 2023: a tenth to a third of Adam's
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
        let [means] = states else { return };
        let [rate, decay] = [rate, self.weight_decay].map(E::from_f64);
        let [beta1, new1] = [self.beta1, 1.0 - self.beta1].map(E::from_f64);
        let [beta2, new2] = [self.beta2, 1.0 - self.beta2].map(E::from_f64);
        for ((t, g), m) in theta.iter_mut().zip(gradient).zip(means.iter_mut()) {
            let c = beta1 * *m + new1 * *g;
            // 0 and NaN stay what they are: a NaN must be seen.
            let negative = if c < E::ZERO { -E::ONE } else { c };
            let sign = if c > E::ZERO { E::ONE } else { negative };
            *t -= rate * (sign + decay * *t);
            *m = beta2 * *m + new2 * *g;
        }
    }
}
