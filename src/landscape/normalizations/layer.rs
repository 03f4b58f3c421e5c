//! Layer normalisation: each whole weight tensor of a direction gets the norm of the network's own.

use super::Normalize;
use crate::nn::Parameter;

crate::kind! {
    /// each layer of the direction gets its own layer's norm.
    Layer = "layer", "each layer of the direction gets its own layer's norm";
}

impl Normalize for Layer {
    fn normalize(&self, parameter: &Parameter, theta: &[f64], d: &mut [f64]) {
        super::match_norm(&theta[parameter.range()], &mut d[parameter.range()]);
    }
}
