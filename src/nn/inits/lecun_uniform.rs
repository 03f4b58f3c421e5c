//! LeCun, uniform: variance 1 / fan_in keeps the variance of linear layers.

use super::Initialize;
use crate::base::{random::Rng, registry::Kind};
use serde::{Deserialize, Serialize};

/// uniform with variance 1 / fan_in (LeCun et al. 1998).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LecunUniform;

impl Kind for LecunUniform {
    const NAME: &'static str = "lecun-uniform";
    const SUMMARY: &'static str = "uniform with variance 1 / fan_in (LeCun et al. 1998)";
}

impl Initialize for LecunUniform {
    fn fill(&self, fan_in: usize, _fan_out: usize, rng: &mut Rng, out: &mut [f64]) {
        super::uniform(1.0 / fan_in as f64, rng, out);
    }
}
