//! Recording a network: the one pass over its layers from which layout, programs and names follow.
//!
//! A layer takes a [`Signal`] and the [`Recorder`], asks the latter for its parameters and state, and returns
//! another signal. The same pass is made for every number of samples; it meets the same parameters in the same
//! order each time, so that the layout is what the first one saw.
//!
//! A signal is a matrix in one of two forms. *Flat* is (channels height width) x samples, a sample's numbers in
//! PyTorch's order; dense layers read it, and data come in it. An *image* is channels x (samples height width),
//! channels fastest, so that a filter's output is a row and a bias a column; convolutions and norms read it. Vectors
//! have one position, and the two forms are the same.

use super::layout::{Branch, Buffer, Layout, Parameter, Role, Spectral, Statistic};
use super::units::{Site, Ties, Units, repeated};
use crate::autodiff::{Node, Shape, Tape};
use crate::base::{Error, Result, memory};

/// Most parameters that a network may have: 2^31, 16 GiB in double precision.
const MOST_PARAMETERS: usize = 1 << 31;

/// Which statistics normalise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The running ones, from the state: every sample by itself. Dropout is off.
    #[default]
    Running,
    /// Those of the samples at hand. Dropout is off.
    Batch,
    /// Those of the samples at hand. Dropout is on.
    Training,
}

/// A value between two layers, for all samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// Where it is on the tape.
    pub node: Node,
    /// Of one sample: `[features]` or `[channels, height, width]`.
    pub shape: Vec<usize>,
    /// Whether a column is one position of one sample, not a whole sample.
    pub image: bool,
    /// Its channels.
    pub units: Units,
}

impl Signal {
    /// The same with another value of the same shape.
    pub fn with(&self, node: Node) -> Self {
        Self { node, ..self.clone() }
    }

    /// Numbers in one sample.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// Channels of an image, features of a vector.
    pub fn channels(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }

    /// The unit of each number of a sample, in PyTorch's order.
    pub fn features(&self) -> Units {
        repeated(&self.units, self.positions())
    }

    /// Positions of an image; 1 for a vector.
    pub fn positions(&self) -> usize {
        self.shape.iter().skip(1).product()
    }
}

/// What a layer that has been recorded put out, for those who look inside.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Path of the layer.
    pub name: String,
    /// Its output.
    pub signal: Signal,
    /// Position among the parameters of the weight that it multiplies by.
    pub weight: Option<usize>,
    /// Whether it is an activation.
    pub activation: bool,
    /// What it was recorded from.
    pub input: Node,
    /// Parameters that scale and shift each channel of its output.
    pub affine: Option<Affine>,
}

/// Parameters that scale and shift each channel of a layer's output, which is linear in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Affine {
    /// Position among the parameters of what the channels are proportional to, but for the shift: a slice along its first
    /// axis each.
    pub scale: usize,
    /// Position among the parameters of what is added.
    pub shift: Option<usize>,
    /// What it scales, if it belongs to a norm.
    pub norm: Option<Standardised>,
}

/// What a norm of signals makes of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standardised {
    /// Mean 0 and variance 1 over all samples and positions, with the statistics of all samples.
    Whole,
    /// Something else.
    Other,
}

/// A part of the state that follows statistics of the samples at hand, in each training step:
/// state <- (1 - momentum) state + momentum factor value.
#[derive(Clone, Debug, PartialEq)]
pub struct Follow {
    /// Position among the buffers.
    pub buffer: usize,
    /// What it follows, a column.
    pub node: Node,
    /// Share of the new value.
    pub momentum: f64,
    /// What the value is multiplied by: n / (n - 1) makes a variance unbiased.
    pub factor: f64,
}

/// A run-time input that dropout multiplies by: 0 with the probability `rate`, else 1 / (1 - rate).
#[derive(Clone, Debug, PartialEq)]
pub struct Mask {
    /// Probability that a number is dropped.
    pub rate: f64,
    /// Numbers of one sample.
    pub size: usize,
}

/// A parameter as a layer asks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Need<'a> {
    /// Name within the layer: `weight`, `bias`.
    pub name: &'a str,
    /// PyTorch's shape.
    pub shape: Vec<usize>,
    /// What it does.
    pub role: Role,
    /// Inputs to one output.
    pub fan_in: usize,
    /// Outputs that one input reaches.
    pub fan_out: usize,
    /// Where it starts, unless it is a weight.
    pub start: f64,
    /// The units of its first axes; those behind have none.
    pub axes: Vec<Units>,
}

/// What layers record themselves with.
#[derive(Debug)]
pub struct Recorder<'a> {
    /// What is recorded.
    pub tape: &'a mut Tape,
    /// Number of samples.
    pub samples: usize,
    /// Which statistics normalise.
    pub mode: Mode,
    /// What has been met so far.
    pub layout: Layout,
    /// Outputs of the layers so far.
    pub traces: Vec<Trace>,
    /// State that follows values.
    pub follows: Vec<Follow>,
    /// Dropout's inputs, in order.
    pub masks: Vec<Mask>,
    /// The units of all signals, and where they occur.
    pub ties: Ties,
    /// What points into tables, and how many rows these have.
    pub bounds: Vec<(Node, usize)>,
    path: Vec<String>,
    branch: Option<usize>,
    branches: usize,
    weight: Option<usize>,
    affine: Option<Affine>,
}

impl<'a> Recorder<'a> {
    /// Records on `tape`, from its next parameter on.
    pub fn new(tape: &'a mut Tape, samples: usize, mode: Mode) -> Self {
        Self {
            tape,
            samples,
            mode,
            layout: Layout::default(),
            traces: Vec::new(),
            follows: Vec::new(),
            masks: Vec::new(),
            ties: Ties::default(),
            bounds: Vec::new(),
            path: Vec::new(),
            branch: None,
            branches: 0,
            weight: None,
            affine: None,
        }
    }

    /// Data as a signal: a sample a column, its channels where they are.
    pub fn data(&self, node: Node, shape: &[usize]) -> Signal {
        let units = Ties::fixed(shape.first().copied().unwrap_or(1));
        Signal { node, shape: shape.to_vec(), image: false, units }
    }

    /// Path of the layer that is recorded: `blocks.0.conv1`.
    pub fn path(&self) -> String {
        self.path.join(".")
    }

    /// `PATH: expected EXPECTED, found FOUND`.
    pub fn refuse(&self, expected: impl std::fmt::Display, found: impl std::fmt::Display) -> Error {
        Error::expected(format!("layer {}", self.path()), expected, found)
    }

    /// Whether statistics of the samples at hand normalise.
    pub fn batch_statistics(&self) -> bool {
        self.mode != Mode::Running
    }

    /// Records a layer under its name, and keeps its trace.
    pub fn layer(
        &mut self,
        name: &str,
        activation: bool,
        input: &Signal,
        record: impl FnOnce(&mut Self, &Signal) -> Result<Signal>,
    ) -> Result<Signal> {
        self.path.push(name.to_owned());
        let outer = (self.weight.take(), self.affine.take());
        let signal = record(self, input)?;
        let (weight, affine) = (self.weight, self.affine);
        (self.weight, self.affine) = outer;
        let (name, input) = (self.path(), input.node);
        self.traces.push(Trace { name, signal: signal.clone(), weight, activation, input, affine });
        self.path.pop();
        Ok(signal)
    }

    /// Records a residual branch: its weights know that they are in one.
    pub fn branch(&mut self, record: impl FnOnce(&mut Self) -> Result<Signal>) -> Result<Signal> {
        let index = self.branches;
        self.branches += 1;
        let outer = self.branch.replace(index);
        let first = self.layout.parameters.len();
        let signal = record(self);
        self.branch = outer;
        let mut weights = self.layout.parameters[first..].iter_mut().rev();
        let last = weights.find_map(|p| p.branch.as_mut().filter(|b| b.index == index));
        last.into_iter().for_each(|b| b.last = true);
        signal
    }

    /// Refuses a tensor of impossible size; to be asked before anything is allocated for it.
    pub fn room(&self, name: &str, shape: &[usize]) -> Result<()> {
        let size = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
        let end = size.and_then(|s| s.checked_add(self.layout.size()));
        match end {
            Some(end) if end <= MOST_PARAMETERS => {
                // In double precision, and in the one that is computed with.
                memory::fits(12 * end as u64, format_args!("at least {end} parameters"))
            }
            _ => {
                let found = format!("{shape:?} for {}.{name}", self.path());
                Err(Error::expected("model", "at most 2^31 parameters", found))
            }
        }
    }

    /// The next parameter, as it stands in theta.
    pub fn declare(&mut self, need: Need) -> Result<usize> {
        let offset = self.layout.size();
        self.room(need.name, &need.shape)?;
        if need.shape.contains(&0) {
            return Err(
                self.refuse("at least 1 of everything", format!("{:?} for {}", need.shape, need.name))
            );
        }
        let weight = need.role == Role::Weight;
        let index = self.layout.parameters.len();
        for (axis, units) in need.axes.into_iter().enumerate() {
            assert_eq!(
                units.len(),
                need.shape[axis],
                "a unit for each element of axis {axis} of {}",
                need.name
            );
            self.ties.sites.push((Site::Axis(index, axis), units));
        }
        if weight {
            self.weight = Some(index);
        }
        self.layout.parameters.push(Parameter {
            name: format!("{}.{}", self.path(), need.name),
            shape: need.shape,
            role: need.role,
            axis: 0,
            fan_in: need.fan_in,
            fan_out: need.fan_out,
            offset,
            start: need.start,
            branch: self.branch.filter(|_| weight).map(|index| Branch { index, last: false }),
        });
        Ok(index)
    }

    /// The next parameter: a weight as inputs x outputs.
    pub fn parameter(&mut self, need: Need) -> Result<Node> {
        let index = self.declare(need)?;
        let p = &self.layout.parameters[index];
        Ok(self.tape.parameter(p.offset, p.matrix()))
    }

    /// The next parameter, a number for each of a list of units: a column.
    pub fn column(&mut self, name: &str, units: &Units, role: Role, start: f64) -> Result<Node> {
        let (size, axes) = (units.len(), vec![units.clone()]);
        let index =
            self.declare(Need { name, shape: vec![size], role, fan_in: size, fan_out: size, start, axes })?;
        Ok(self.tape.parameter(self.layout.parameters[index].offset, Shape::new(size, 1)))
    }

    /// The next parameter, one number that is the same for all units.
    pub fn number(&mut self, name: &str, role: Role, start: f64) -> Result<Node> {
        self.column(name, &Ties::fixed(1), role, start)
    }

    /// The next piece of state, a number for each of a list of units as a column, and its position.
    pub fn buffer(&mut self, name: &str, units: &Units, statistic: Statistic) -> (usize, Node) {
        let (index, offset, size) = (self.layout.buffers.len(), self.layout.state_size(), units.len());
        self.ties.sites.push((Site::Buffer(index), units.clone()));
        let name = format!("{}.{name}", self.path());
        self.layout.buffers.push(Buffer { name, size, statistic, offset });
        (index, self.tape.state(offset, Shape::new(size, 1)))
    }

    /// Says that the weight declared last is divided by its largest singular value, whose vectors are the buffers
    /// from `left` on.
    pub fn spectral(&mut self, weight: usize, left: usize) {
        self.layout.spectral.push(Spectral { weight, left });
    }

    /// Says which parameters scale and shift each channel of the layer's output.
    pub fn scales(&mut self, affine: Affine) {
        self.affine = Some(affine);
    }

    /// A mask of dropout, in the form of `signal`.
    pub fn mask(&mut self, signal: &Signal, rate: f64) -> Node {
        self.masks.push(Mask { rate, size: signal.size() });
        let shape = self.tape.shape(signal.node);
        self.tape.input(shape)
    }

    /// The signal with a sample a column.
    pub fn flat(&mut self, signal: &Signal) -> Signal {
        if signal.image {
            let shape = Shape::new(signal.size(), self.samples);
            let node = self.tape.permute(signal.node, signal.channels(), signal.positions(), shape);
            Signal { node, image: false, ..signal.clone() }
        } else {
            signal.clone()
        }
    }

    /// The signal with a position a column; a vector as it is.
    pub fn channelled(&mut self, signal: &Signal) -> Signal {
        if signal.image || signal.shape.len() == 1 {
            signal.clone()
        } else {
            let (channels, positions) = (signal.channels(), signal.positions());
            let shape = Shape::new(channels, self.samples * positions);
            let node = self.tape.permute(signal.node, positions, channels, shape);
            Signal { node, image: true, ..signal.clone() }
        }
    }

    /// The signal as an image; refuses a vector.
    pub fn image(&mut self, signal: &Signal) -> Result<Signal> {
        match signal.shape.len() {
            3 => Ok(self.channelled(signal)),
            _ => Err(self.refuse("an image: channels x height x width", format!("{:?}", signal.shape))),
        }
    }

    /// A column for each channel, as a norm's scale and shift: gamma x + beta.
    pub fn affine(&mut self, signal: &Signal, start: f64, norm: Standardised) -> Result<Signal> {
        let first = self.layout.parameters.len();
        self.scales(Affine { scale: first, shift: Some(first + 1), norm: Some(norm) });
        let scale = self.column("weight", &signal.units, Role::NormScale, start)?;
        let shift = self.column("bias", &signal.units, Role::NormShift, 0.0)?;
        let scaled = self.tape.mul(signal.node, scale);
        Ok(signal.with(self.tape.add(scaled, shift)))
    }
}
