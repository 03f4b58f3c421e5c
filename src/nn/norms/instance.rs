//! Instance norm (Ulyanov, Vedaldi and Lempitsky 2016): each channel of each sample is standardised over its positions.

use super::{EPS, Standard, check_eps};
use crate::base::{Result, registry::Kind};
use crate::nn::recorder::{Recorder, Signal};
use serde::{Deserialize, Serialize};

/// Instance norm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Instance {
    /// Added to the variance.
    pub eps: f64,
}

impl Default for Instance {
    fn default() -> Self {
        Self { eps: EPS }
    }
}

impl Kind for Instance {
    const NAME: &'static str = "instance";
    const SUMMARY: &'static str = "each channel of each sample over positions (Ulyanov et al. 2016)";

    fn check(&self) -> Result<()> {
        check_eps(self.eps)
    }
}

impl Standard for Instance {
    fn signal(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        if input.positions() < 2 {
            return Err(cx.refuse("images of at least 2 positions for instance norm", input.positions()));
        }
        Ok(input.with(cx.tape.standardize(input.node, 1, input.positions(), self.eps)))
    }
}
