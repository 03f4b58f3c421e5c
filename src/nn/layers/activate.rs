//! An activation applied to every unit.

use super::{Forward, Recorder, Signal};
use crate::base::{Result, registry::Kind};
use crate::nn::activations::Activation;
use serde::{Deserialize, Serialize};

/// f(x), elementwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Activate {
    /// Which function.
    pub function: Activation,
}

impl Kind for Activate {
    const NAME: &'static str = "activate";
    const SUMMARY: &'static str = "an activation applied to every unit";
}

impl Forward for Activate {
    const ACTIVATION: bool = true;

    fn forward(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        Ok(input.with(cx.tape.map(&self.function.curve(), 0, input.node)))
    }
}
