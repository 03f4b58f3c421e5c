//! One learned number added to the whole signal: FixUp's scalar bias (Zhang, Dauphin and Ma 2019).

use super::{Forward, Recorder, Signal};
use crate::base::Result;
use crate::nn::layout::Role;

crate::kind! {
    /// x + b with a single b.
    Shift = "shift", "one learned number added to everything: FixUp's scalar bias (Zhang et al. 2019)";
}

impl Forward for Shift {
    fn forward(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        let number = cx.number("bias", Role::Bias, 0.0)?;
        Ok(input.with(cx.tape.add(input.node, number)))
    }
}
