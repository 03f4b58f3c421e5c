//! LeCun, normal: variance 1 / fan_in keeps the variance of linear layers.

use super::{Fans, Initialize};
use crate::base::{random::Rng, registry::Kind};
use serde::{Deserialize, Serialize};

/// N(0, 1 / fan_in) (LeCun et al. 1998).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LecunNormal;

impl Kind for LecunNormal {
    const NAME: &'static str = "lecun-normal";
    const SUMMARY: &'static str = "N(0, 1 / fan_in) (LeCun et al. 1998)";
}

impl Initialize for LecunNormal {
    fn fill(&self, fans: &Fans, rng: &mut Rng, out: &mut [f64]) {
        super::normal(1.0 / fans.fan_in as f64, rng, out);
    }
}
