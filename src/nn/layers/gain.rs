//! One learned number that multiplies the whole signal: FixUp's multiplier (Zhang, Dauphin and Ma 2019).

use super::{Forward, Recorder, Signal};
use crate::base::Result;
use crate::nn::layout::Role;

crate::kind! {
    /// s x with a single s.
    Gain = "gain", "one learned number that multiplies everything: FixUp's multiplier (Zhang et al. 2019)";
}

impl Forward for Gain {
    fn forward(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        let number = cx.number("scale", Role::NormScale, 1.0)?;
        Ok(input.with(cx.tape.mul(input.node, number)))
    }
}
