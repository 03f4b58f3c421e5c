//! Fully connected: z = W x + b. Images are read as one column of channels x height x width.

use super::{Forward, Recorder, Signal};
use crate::base::{Error, Result, registry::Kind};
use crate::nn::layout::Role;
use crate::nn::norms::{Norm, of_weights};
use crate::nn::recorder::{Affine, Need};
use serde::{Deserialize, Serialize};

/// Every output sees every input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dense {
    /// Number of outputs.
    pub units: usize,
    /// Whether outputs have a bias.
    pub bias: bool,
    /// A norm of the weights, or `none`.
    pub norm: Norm,
}

impl Default for Dense {
    fn default() -> Self {
        Self { units: 32, bias: true, norm: Norm::default() }
    }
}

impl Kind for Dense {
    const NAME: &'static str = "dense";
    const SUMMARY: &'static str = "W x + b, every output from every input";

    fn check(&self) -> Result<()> {
        of_weights(&self.norm)?;
        match self.units {
            0 => Err(Error::expected("units", "at least 1", 0)),
            _ => Ok(()),
        }
    }
}

impl Forward for Dense {
    fn forward(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        let input = cx.flat(input);
        let (fan_in, fan_out) = (input.size(), self.units);
        let shape = vec![fan_out, fan_in];
        cx.room("weight", &shape)?;
        let units = cx.ties.fresh(fan_out);
        let axes = vec![units.clone(), input.features()];
        let need = Need { name: "weight", shape, role: Role::Weight, fan_in, fan_out, start: 0.0, axes };
        let (weight, scale) = self.norm.weight(cx, need)?;
        let mut node = cx.tape.matmul((weight, true), (input.node, false));
        let mut shift = None;
        if self.bias {
            shift = Some(cx.layout.parameters.len());
            let bias = cx.column("bias", &units, Role::Bias, 0.0)?;
            node = cx.tape.add(node, bias);
        }
        if let Some(scale) = scale {
            cx.scales(Affine { scale, shift, norm: None });
        }
        Ok(Signal { node, shape: vec![fan_out], image: false, units })
    }
}
