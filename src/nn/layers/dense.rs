//! Fully connected: z = W x + b. Images are read as one column of channels x height x width.

use super::{Forward, Recorder, Signal};
use crate::base::{Error, Result};
use crate::nn::layout::Role;
use crate::nn::norms::{Norm, of_weights};
use crate::nn::recorder::{Affine, Need};

crate::kind! {
    /// Every output sees every input.
    Dense = "dense", "W x + b, every output from every input";
    /// Number of outputs.
    units: usize = 32,
    /// Whether outputs have a bias.
    bias: bool = true,
    /// A norm of the weights, or `none`.
    norm: Norm = Norm::default(),
}

impl Dense {
    fn refuse(&self) -> Result<()> {
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
