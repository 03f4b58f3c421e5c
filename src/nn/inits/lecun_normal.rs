//! LeCun, normal: variance 1 / fan_in keeps the variance of linear layers.

use super::{Fans, Initialize};
use crate::base::random::Rng;

crate::kind! {
    /// N(0, 1 / fan_in) (LeCun et al. 1998).
    LecunNormal = "lecun-normal", "N(0, 1 / fan_in) (LeCun et al. 1998)";
}

impl Initialize for LecunNormal {
    fn fill(&self, fans: &Fans, rng: &mut Rng, out: &mut [f64]) {
        super::normal(1.0 / fans.fan_in as f64, rng, out);
    }
}
