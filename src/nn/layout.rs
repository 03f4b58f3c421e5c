//! Where each parameter lies in the flat vector theta, and what it is; and the same for the network's state.
//!
//! Directions, optimizers and Hessians see one vector; what depends on what a parameter *is* (filter
//! normalisation, ignoring biases, naming tensors in files) asks the layout.

use crate::autodiff::Shape;
use crate::base::{Error, Result};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What a parameter does in its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Multiplies inputs; one of its axes counts the outputs (neurons, filters, tokens), see [`Parameter::axis`].
    Weight,
    /// Is added to outputs.
    Bias,
    /// Multiplies normalised values (gamma), a filter's direction (g of weight norm) or a branch.
    NormScale,
    /// Is added to normalised values (beta).
    NormShift,
    /// Weighs the statistics that a switchable norm mixes.
    Mixture,
}

/// Where in a residual network a weight stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Which residual branch.
    pub index: usize,
    /// Whether it is the branch's last weight.
    pub last: bool,
}

/// One parameter tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Path as PyTorch would name it: `0.weight`, `blocks.0.conv1.weight`.
    pub name: String,
    /// Shape as PyTorch would have it: outputs x inputs for a dense weight, outputs x inputs x height x width for a
    /// convolution's; row-major in theta.
    pub shape: Vec<usize>,
    /// What it does.
    pub role: Role,
    /// The axis that counts its outputs: the first, but in graphs of others.
    pub axis: usize,
    /// Inputs to one output; what initializers scale by.
    pub fan_in: usize,
    /// Outputs that one input reaches.
    pub fan_out: usize,
    /// Start in theta.
    pub offset: usize,
    /// Where it starts, if it is no weight that an initializer draws.
    pub start: f64,
    /// The residual branch that it is a weight of.
    pub branch: Option<Branch>,
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

    /// As the tape has it: a tensor of shape a x b x ... row-major is the column-major matrix (b ...) x a.
    pub fn matrix(&self) -> Shape {
        let outputs = self.shape.first().copied().unwrap_or(1);
        Shape::new(self.size() / outputs.max(1), outputs)
    }

    /// Where each neuron's incoming weights (each filter's kernel) lie in theta, for a parameter whose outputs lie along its
    /// first axis: each in one piece.
    pub fn filters(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let count = self.shape.first().copied().unwrap_or(1);
        let (start, size) = (self.offset, self.size().checked_div(count).unwrap_or(0));
        (0..count).map(move |i| start + i * size..start + (i + 1) * size)
    }

    /// The same for outputs along any axis: the places in theta of each neuron's incoming weights.
    pub fn places(&self) -> impl Iterator<Item = impl Iterator<Item = usize> + Clone + use<>> + use<> {
        let count = self.shape.get(self.axis).copied().unwrap_or(1);
        let inner: usize = self.shape.iter().skip(self.axis + 1).product();
        let outer: usize = self.shape.iter().take(self.axis).product();
        let start = self.offset;
        (0..count).map(move |i| {
            (0..outer * inner).map(move |k| start + (k / inner * count + i) * inner + k % inner)
        })
    }
}

/// How a piece of state comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// Running mean of each channel.
    Mean,
    /// Running variance of each channel, unbiased.
    Variance,
    /// Singular vector of a weight, on the side of its outputs.
    Left,
    /// Singular vector of a weight, on the side of its inputs.
    Right,
}

/// One tensor of state: what a network remembers beside its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Buffer {
    /// Path as PyTorch would name it: `0.running_mean`.
    pub name: String,
    /// Number of elements; a buffer is a vector.
    pub size: usize,
    /// How it comes about.
    pub statistic: Statistic,
    /// Start in the state.
    pub offset: usize,
}

impl Buffer {
    /// Where it lies in the state.
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.size
    }
}

/// A weight that is divided by its largest singular value, and the buffers that hold its singular vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spectral {
    /// Position among the parameters.
    pub weight: usize,
    /// Position of the left vector among the buffers; the right one follows.
    pub left: usize,
}

/// All parameters and all state of a network, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// In order of their offsets.
    pub parameters: Vec<Parameter>,
    /// In order of their offsets.
    pub buffers: Vec<Buffer>,
    /// Weights that are divided by their largest singular value.
    pub spectral: Vec<Spectral>,
    /// Whether statistics over several samples enter the outputs, in training at least.
    pub couples_samples: bool,
    /// Whether a channel of those statistics has a single value in each sample somewhere, as the units of a vector have.
    pub single_values: bool,
}

impl Layout {
    /// Fewest samples that have batch statistics: those with two values in every channel, since one value is its own mean
    /// and has no variance. A single image will do, whose channels have a value at each position; a vector will not.
    pub fn fewest_samples(&self) -> usize {
        if self.single_values { 2 } else { 1 }
    }

    /// Refuses `n` samples that share statistics where those are too few ([`Layout::fewest_samples`]).
    pub fn check_group(&self, at: impl std::fmt::Display, n: usize) -> Result<()> {
        match self.fewest_samples() {
            least if self.couples_samples && n < least => {
                let why = "batch statistics of one value a channel have no variance";
                Err(Error::expected(at.to_string(), format!("at least {least} samples, since {why}"), n))
            }
            _ => Ok(()),
        }
    }

    /// Length of theta.
    pub fn size(&self) -> usize {
        self.parameters.last().map_or(0, |p| p.range().end)
    }

    /// Length of the state.
    pub fn state_size(&self) -> usize {
        self.buffers.last().map_or(0, |b| b.range().end)
    }

    /// The parameter that an element of theta belongs to.
    pub fn at(&self, element: usize) -> Option<&Parameter> {
        let after = self.parameters.partition_point(|p| p.offset <= element);
        self.parameters.get(after.checked_sub(1)?).filter(|p| p.range().contains(&element))
    }

    /// The weights: what initializers draw.
    pub fn weights(&self) -> impl DoubleEndedIterator<Item = &Parameter> {
        self.parameters.iter().filter(|p| p.role == Role::Weight)
    }
}
