//! Weight normalisation: each weight of a direction gets the magnitude of the network's own, |w|, and keeps its sign.

use super::Normalize;
use crate::base::registry::Kind;
use crate::nn::Parameter;
use serde::{Deserialize, Serialize};

/// each weight of the direction gets its own weight's magnitude.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weight;

impl Kind for Weight {
    const NAME: &'static str = "weight";
    const SUMMARY: &'static str = "each weight of the direction gets its own weight's magnitude";
}

impl Normalize for Weight {
    fn normalize(&self, parameter: &Parameter, theta: &[f64], d: &mut [f64]) {
        for i in parameter.range() {
            d[i] = theta[i].abs().copysign(d[i]);
        }
    }
}
