//! No normalisation: the direction as it was drawn. Kept to be compared with.

use super::Normalize;
use crate::nn::Parameter;

crate::kind! {
    /// the direction as it was drawn.
    Nothing = "none", "the direction as it was drawn";
}

impl Normalize for Nothing {
    fn normalize(&self, _parameter: &Parameter, _theta: &[f64], _d: &mut [f64]) {}
}
