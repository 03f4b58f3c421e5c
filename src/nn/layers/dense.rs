//! Fully connected: z = W x + b. Images are read as one column of channels x height x width.

use super::{Forward, Need, Role};
use crate::autodiff::{Node, Tape};
use crate::base::{Error, Result, registry::Kind};
use serde::{Deserialize, Serialize};

/// Every output sees every input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dense {
    /// Number of outputs.
    pub units: usize,
    /// Whether outputs have a bias.
    pub bias: bool,
}

impl Default for Dense {
    fn default() -> Self {
        Self { units: 32, bias: true }
    }
}

impl Kind for Dense {
    const NAME: &'static str = "dense";
    const SUMMARY: &'static str = "W x + b, every output from every input";

    fn check(&self) -> Result<()> {
        match self.units {
            0 => Err(Error::expected("units", "at least 1", 0)),
            _ => Ok(()),
        }
    }
}

impl Forward for Dense {
    fn output(&self, _input: &[usize]) -> Result<Vec<usize>> {
        Ok(vec![self.units])
    }

    fn needs(&self, input: &[usize]) -> Vec<Need> {
        let (fan_in, fan_out) = (input.iter().product(), self.units);
        let need = |name, shape, role| Need { name, shape, role, fan_in, fan_out };
        let mut needs = vec![need("weight", vec![fan_out, fan_in], Role::Weight)];
        if self.bias {
            needs.push(need("bias", vec![fan_out], Role::Bias));
        }
        needs
    }

    fn record(&self, tape: &mut Tape, input: Node, parameters: &[Node]) -> Node {
        let product = tape.matmul((parameters[0], true), (input, false));
        match parameters.get(1) {
            Some(bias) => tape.add(product, *bias),
            None => product,
        }
    }
}
