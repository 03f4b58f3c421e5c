//! Glorot, normal: a compromise between signals forward and gradients backward.

use super::{Fans, Initialize};
use crate::base::{random::Rng, registry::Kind};
use serde::{Deserialize, Serialize};

/// N(0, 2 / (fan_in + fan_out)) (Glorot and Bengio 2010).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlorotNormal;

impl Kind for GlorotNormal {
    const NAME: &'static str = "glorot-normal";
    const SUMMARY: &'static str = "N(0, 2 / (fan_in + fan_out)) (Glorot and Bengio 2010)";
}

impl Initialize for GlorotNormal {
    fn fill(&self, fans: &Fans, rng: &mut Rng, out: &mut [f64]) {
        super::normal(2.0 / (fans.fan_in + fans.fan_out) as f64, rng, out);
    }
}
