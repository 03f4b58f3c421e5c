//! Instance norm (Ulyanov, Vedaldi and Lempitsky 2016): each channel of each sample is standardised over its positions.

use super::{EPS, Standard, check_eps};
use crate::base::Result;
use crate::nn::recorder::{Recorder, Signal};

crate::kind! {
    /// Instance norm.
    Instance = "instance", "each channel of each sample over positions (Ulyanov et al. 2016)";
    /// Added to the variance.
    eps: f64 = EPS,
}

impl Instance {
    fn refuse(&self) -> Result<()> {
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
