//! Layer normalisation: each whole weight tensor of a direction gets the norm of the network's own.

use super::Normalize;
use crate::base::registry::Kind;
use crate::nn::Parameter;
use serde::{Deserialize, Serialize};

/// each layer of the direction gets its own layer's norm.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer;

impl Kind for Layer {
    const NAME: &'static str = "layer";
    const SUMMARY: &'static str = "each layer of the direction gets its own layer's norm";
}

impl Normalize for Layer {
    fn normalize(&self, parameter: &Parameter, theta: &[f64], d: &mut [f64]) {
        super::match_norm(&theta[parameter.range()], &mut d[parameter.range()]);
    }
}
