//! A norm of the signal: batch, layer, instance, group, switchable. Norms of the weights are settings of `dense` and
//! `conv`.

use super::{Forward, Recorder, Signal};
use crate::base::{Error, Result, registry::Kind};
use crate::nn::norms::{Batch, Norm};
use serde::{Deserialize, Serialize};

/// Standardises the signal, then scales and shifts each channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Normalize {
    /// Which norm.
    pub norm: Norm,
    /// Where the scales (gamma) start; 0 at the end of a residual branch makes the block start as the identity
    /// (Goyal et al. 2017).
    pub gamma: f64,
}

impl Default for Normalize {
    fn default() -> Self {
        Self { norm: Norm::Batch(Batch::default()), gamma: 1.0 }
    }
}

impl Kind for Normalize {
    const NAME: &'static str = "normalize";
    const SUMMARY: &'static str = "a norm of the signal, then a scale and a shift for each channel";

    fn check(&self) -> Result<()> {
        if self.norm.of_weights() || self.norm == Norm::default() {
            let expected = "a norm of the signal; those of weights are settings of `dense` and `conv`";
            return Err(Error::expected("norm", expected, &self.norm));
        }
        match self.gamma.is_finite() {
            true => Ok(()),
            false => Err(Error::expected("gamma", "a finite number", self.gamma)),
        }
    }
}

impl Forward for Normalize {
    fn forward(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        let input = cx.channelled(input);
        let normalised = self.norm.signal(cx, &input)?;
        cx.affine(&normalised, self.gamma, self.norm.standardised())
    }
}
