//! A norm of the signal: batch, layer, instance, group, switchable. Norms of the weights are settings of `dense` and
//! `conv`.

use super::{Forward, Recorder, Signal};
use crate::base::{Error, Result};
use crate::nn::norms::{Batch, Norm};

crate::kind! {
    /// Standardises the signal, then scales and shifts each channel.
    Normalize = "normalize", "a norm of the signal, then a scale and a shift for each channel";
    /// Which norm.
    norm: Norm = Norm::Batch(Batch::default()),
    /// Where the scales (gamma) start; 0 at the end of a residual branch makes the block start as the identity
    /// (Goyal et al. 2017).
    gamma: f64 = 1.0,
}

impl Normalize {
    fn refuse(&self) -> Result<()> {
        if self.norm.of_weights() || self.norm == Norm::default() {
            let expected = "a norm of the signal; those of weights are settings of `dense` and `conv`";
            return Err(Error::expected("norm", expected, &self.norm));
        }
        if self.gamma.is_finite() {
            Ok(())
        } else {
            Err(Error::expected("gamma", "a finite number", self.gamma))
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
