//! What an initializer may know of the tensor it fills.

use serde::{Deserialize, Serialize};

/// A weight tensor's fans and shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fans<'a> {
    /// Inputs to one output.
    pub fan_in: usize,
    /// Outputs that one input reaches.
    pub fan_out: usize,
    /// PyTorch's shape: outputs x inputs, or output channels x input channels x the taps of a kernel.
    pub shape: &'a [usize],
}

impl Fans<'_> {
    /// The tensor as a matrix: one row an output, all that it reads in columns.
    pub fn matrix(&self) -> (usize, usize) {
        let rows = self.shape.first().copied().unwrap_or(1);
        (rows, self.shape.iter().skip(1).product())
    }
}

/// One of the two fans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fan {
    /// Inputs to one output: keeps signals forward.
    #[default]
    In,
    /// Outputs that one input reaches: keeps gradients backward.
    Out,
}

impl Fan {
    /// The fan of a tensor, as a number.
    pub fn of(self, fans: &Fans) -> f64 {
        match self {
            Self::In => fans.fan_in as f64,
            Self::Out => fans.fan_out as f64,
        }
    }
}
