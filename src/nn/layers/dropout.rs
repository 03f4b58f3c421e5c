//! Dropout: in training, each number is 0 with probability `rate`, else divided by 1 - rate (Srivastava et al. 2014, in
//! the inverted form that PyTorch has). Off whenever a network is evaluated, so that a landscape is one function.

use super::{Forward, Recorder, Signal};
use crate::base::{Error, Result};
use crate::nn::recorder::Mode;

crate::kind! {
    /// Drops numbers at random, in training only.
    Dropout = "dropout", "drops numbers at random in training, off in landscapes (Srivastava et al. 2014)";
    /// Probability that a number is dropped.
    rate: f64 = 0.5, // Srivastava et al. 2014
}

impl Dropout {
    fn refuse(&self) -> Result<()> {
        if (0.0..1.0).contains(&self.rate) {
            Ok(())
        } else {
            Err(Error::expected("rate", "at least 0 and below 1", self.rate))
        }
    }
}

impl Forward for Dropout {
    fn forward(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        if cx.mode != Mode::Training || self.rate == 0.0 {
            return Ok(input.clone());
        }
        let mask = cx.mask(input, self.rate);
        Ok(input.with(cx.tape.mul(input.node, mask)))
    }
}
