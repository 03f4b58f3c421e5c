//! Layers: what a network is a list of.
//!
//! A layer says which parameters it needs and records itself on the tape; derivatives follow from the tape.
//! To add one: a file with a struct that implements [`Kind`](crate::base::registry::Kind) and [`Forward`], and a line below.

use super::layout::Role;
use crate::autodiff::{Node, Tape};
use crate::base::Result;
use crate::registry;

/// A parameter as a layer asks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Need {
    /// Name within the layer: `weight`, `bias`.
    pub name: &'static str,
    /// PyTorch's shape.
    pub shape: Vec<usize>,
    /// What it does.
    pub role: Role,
    /// Inputs to one output.
    pub fan_in: usize,
    /// Outputs that one input reaches.
    pub fan_out: usize,
}

/// What a layer is.
pub trait Forward {
    /// Shape of one sample's output (features, or channels x height x width) from that of its input.
    fn output(&self, input: &[usize]) -> Result<Vec<usize>>;

    /// The parameters it needs for such an input, in the order in which [`Forward::record`] takes them.
    fn needs(&self, input: &[usize]) -> Vec<Need>;

    /// Records the output (features x samples) from the input and the parameters: a tensor of shape
    /// a x b x ... row-major is the column-major matrix (b ...) x a.
    fn record(&self, tape: &mut Tape, input: Node, parameters: &[Node]) -> Node;
}

registry! {
    /// What a network is a list of.
    Layer, "layer", match_layer {
        dense => Dense;
        activate => Activate;
    }
}

impl Forward for Layer {
    fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        match_layer!(self, kind => kind.output(input))
    }

    fn needs(&self, input: &[usize]) -> Vec<Need> {
        match_layer!(self, kind => kind.needs(input))
    }

    fn record(&self, tape: &mut Tape, input: Node, parameters: &[Node]) -> Node {
        match_layer!(self, kind => kind.record(tape, input, parameters))
    }
}
