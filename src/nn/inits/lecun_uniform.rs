//! LeCun, uniform: variance 1 / fan_in keeps the variance of linear layers.

use super::{Fans, Initialize};
use crate::base::random::Rng;

crate::kind! {
    /// uniform with variance 1 / fan_in (LeCun et al. 1998).
    LecunUniform = "lecun-uniform", "uniform with variance 1 / fan_in (LeCun et al. 1998)";
}

impl Initialize for LecunUniform {
    fn fill(&self, fans: &Fans, rng: &mut Rng, out: &mut [f64]) {
        super::uniform(1.0 / fans.fan_in as f64, rng, out);
    }
}
