//! He, normal: variance 2 / fan_in keeps the second moment of ReLU layers.

use super::Initialize;
use crate::base::{random::Rng, registry::Kind};
use serde::{Deserialize, Serialize};

/// N(0, 2 / fan_in) (He et al. 2015).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeNormal;

impl Kind for HeNormal {
    const NAME: &'static str = "he-normal";
    const SUMMARY: &'static str = "N(0, 2 / fan_in) (He et al. 2015)";
}

impl Initialize for HeNormal {
    fn fill(&self, fan_in: usize, _fan_out: usize, rng: &mut Rng, out: &mut [f64]) {
        super::normal(2.0 / fan_in as f64, rng, out);
    }
}
