//! An activation applied to every unit.

use super::{Forward, Need};
use crate::autodiff::{Node, Tape};
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
    fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        Ok(input.to_vec())
    }

    fn needs(&self, _input: &[usize]) -> Vec<Need> {
        Vec::new()
    }

    fn record(&self, tape: &mut Tape, input: Node, _parameters: &[Node]) -> Node {
        tape.map(&self.function.curve(), 0, input)
    }
}
