//! He, normal: variance 2 / fan_in keeps the second moment of ReLU layers forward, 2 / fan_out that of gradients
//! backward (He et al. 2015, equations 10 and 14).

use super::{Fan, Fans, Initialize};
use crate::base::{random::Rng, registry::Kind};
use serde::{Deserialize, Serialize};

/// N(0, 2 / fan) (He et al. 2015).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HeNormal {
    /// Which fan: `in` or `out`.
    pub fan: Fan, // in: He et al. 2015, and PyTorch's default
}

impl Kind for HeNormal {
    const NAME: &'static str = "he-normal";
    const SUMMARY: &'static str = "N(0, 2 / fan), of inputs or, with fan=out, of outputs (He et al. 2015)";
}

impl Initialize for HeNormal {
    fn fill(&self, fans: &Fans, rng: &mut Rng, out: &mut [f64]) {
        super::normal(2.0 / self.fan.of(fans), rng, out);
    }
}
