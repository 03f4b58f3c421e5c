//! Glorot, normal: a compromise between signals forward and gradients backward.

use super::{Fans, Initialize};
use crate::base::random::Rng;

crate::kind! {
    /// N(0, 2 / (fan_in + fan_out)) (Glorot and Bengio 2010).
    GlorotNormal = "glorot-normal", "N(0, 2 / (fan_in + fan_out)) (Glorot and Bengio 2010)";
}

impl Initialize for GlorotNormal {
    fn fill(&self, fans: &Fans, rng: &mut Rng, out: &mut [f64]) {
        super::normal(2.0 / (fans.fan_in + fans.fan_out) as f64, rng, out);
    }
}
