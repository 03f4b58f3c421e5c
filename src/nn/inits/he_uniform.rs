//! He, uniform: variance 2 / fan_in keeps the second moment of ReLU layers forward, 2 / fan_out that of gradients
//! backward (He et al. 2015, equations 10 and 14).

use super::{Fan, Fans, Initialize};
use crate::base::{random::Rng, registry::Kind};
use serde::{Deserialize, Serialize};

/// uniform with variance 2 / fan (He et al. 2015).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HeUniform {
    /// Which fan: `in` or `out`.
    pub fan: Fan, // in: He et al. 2015, and PyTorch's default
}

impl Kind for HeUniform {
    const NAME: &'static str = "he-uniform";
    const SUMMARY: &'static str =
        "uniform with variance 2 / fan, of inputs or, with fan=out, of outputs (He et al. 2015)";
}

impl Initialize for HeUniform {
    fn fill(&self, fans: &Fans, rng: &mut Rng, out: &mut [f64]) {
        super::uniform(2.0 / self.fan.of(fans), rng, out);
    }
}
