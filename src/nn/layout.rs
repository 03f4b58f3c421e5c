//! Where each parameter lies in the flat vector theta, and what it is.
//!
//! Directions, optimizers and Hessians see one vector; what depends on what a parameter *is* (filter
//! normalisation, ignoring biases, naming tensors in files) asks the layout.

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What a parameter does in its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Multiplies inputs; its first axis counts the outputs (neurons, filters).
    Weight,
    /// Is added to outputs.
    Bias,
}

/// One parameter tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Path as PyTorch would name it: `0.weight`, `2.bias`.
    pub name: String,
    /// Shape as PyTorch would have it: outputs x inputs for a dense weight; row-major in theta.
    pub shape: Vec<usize>,
    /// What it does.
    pub role: Role,
    /// Inputs to one output; what initializers scale by.
    pub fan_in: usize,
    /// Outputs that one input reaches.
    pub fan_out: usize,
    /// Start in theta.
    pub offset: usize,
}

impl Parameter {
    /// Number of elements.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// Where it lies in theta.
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.size()
    }

    /// Where each neuron's incoming weights (each filter's kernel) lie in theta: the slices along the output
    /// axis, which comes first in these shapes.
    pub fn filters(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let count = self.shape.first().copied().unwrap_or(1);
        let (start, size) = (self.offset, self.size().checked_div(count).unwrap_or(0));
        (0..count).map(move |i| start + i * size..start + (i + 1) * size)
    }
}

/// All parameters of a network, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// In order of their offsets.
    pub parameters: Vec<Parameter>,
}

impl Layout {
    /// Length of theta.
    pub fn size(&self) -> usize {
        self.parameters.last().map_or(0, |p| p.range().end)
    }
}
