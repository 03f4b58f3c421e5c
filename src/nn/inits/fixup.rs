//! FixUp (Zhang, Dauphin and Ma 2019): deep residual networks without norm. With L branches of m >= 2 weight layers
//! each, the last layer of a branch and the classifier start at zero, and the others inside branches are He's times
//! L^(-1/(2m-2)), so that one step of SGD changes the function by an amount that does not depend on the depth. Outside
//! branches the weights are He's. The scalar biases and multipliers that go with it are the architectures' setting
//! `scalars`.

use super::{Fans, HeNormal, Initialize};
use crate::base::random::Rng;
use crate::nn::layout::{Layout, Parameter};

crate::kind! {
    /// He's weights, scaled down in residual branches.
    FixUp = "fixup",
        "He, times L^(-1/(2m-2)) in residual branches, whose last layer is zero (Zhang et al. 2019)";
}

impl Initialize for FixUp {
    fn asks_layers(&self) -> bool {
        true
    }

    fn fill(&self, fans: &Fans, rng: &mut Rng, out: &mut [f64]) {
        HeNormal::default().fill(fans, rng, out);
    }

    fn factor(&self, layout: &Layout, weight: &Parameter) -> f64 {
        let classifier = layout.weights().next_back().is_some_and(|last| last.offset == weight.offset);
        let Some(branch) = weight.branch else { return if classifier { 0.0 } else { 1.0 } };
        let of = |index: usize| layout.weights().filter(move |p| p.branch.is_some_and(|b| b.index == index));
        let layers = of(branch.index).count();
        if branch.last || layers < 2 {
            return 0.0;
        }
        let branches = layout.weights().filter(|p| p.branch.is_some_and(|b| b.last)).count();
        (branches as f64).powf(-1.0 / (2 * layers - 2) as f64)
    }
}
