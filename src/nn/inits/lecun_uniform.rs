//! LeCun, uniform: variance 1 / fan_in keeps the variance of linear layers.

use super::{Fans, Initialize};
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
    fn fill(&self, fans: &Fans, rng: &mut Rng, out: &mut [f64]) {
        super::uniform(1.0 / fans.fan_in as f64, rng, out);
    }
}
