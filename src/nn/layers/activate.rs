//! An activation applied to every unit.

use super::{Forward, Recorder, Signal};
use crate::base::Result;
use crate::nn::activations::Activation;

crate::kind! {
    /// f(x), elementwise.
    Activate = "activate", "an activation applied to every unit";
    /// Which function.
    function: Activation,
}

impl Forward for Activate {
    const ACTIVATION: bool = true;

    fn forward(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        Ok(input.with(cx.tape.map(&self.function.curve(), 0, input.node)))
    }
}
