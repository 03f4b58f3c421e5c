//! He, uniform: variance 2 / fan_in keeps the second moment of ReLU layers.

use super::Initialize;
use crate::base::{random::Rng, registry::Kind};
use serde::{Deserialize, Serialize};

/// uniform with variance 2 / fan_in (He et al. 2015).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeUniform;

impl Kind for HeUniform {
    const NAME: &'static str = "he-uniform";
    const SUMMARY: &'static str = "uniform with variance 2 / fan_in (He et al. 2015)";
}

impl Initialize for HeUniform {
    fn fill(&self, fan_in: usize, _fan_out: usize, rng: &mut Rng, out: &mut [f64]) {
        super::uniform(2.0 / fan_in as f64, rng, out);
    }
}
