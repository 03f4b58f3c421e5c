//! Weight normalisation: each weight of a direction is multiplied by the network's own, d w, so that a step changes each
//! weight by a share of itself. It is what `loss-landscape` (Li et al. 2018) calls `weight`: zeros of the direction and of the
//! network stay zero, and the sizes of a Gaussian draw are kept.

use super::Normalize;
use crate::nn::Parameter;

crate::kind! {
    /// each weight of the direction is multiplied by its own weight.
    Weight = "weight", "each weight of the direction is multiplied by its own weight";
}

impl Normalize for Weight {
    fn normalize(&self, parameter: &Parameter, theta: &[f64], d: &mut [f64]) {
        let range = parameter.range();
        d[range.clone()].iter_mut().zip(&theta[range]).for_each(|(d, w)| *d *= w);
    }
}
