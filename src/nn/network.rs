//! A network: its specification as data, its layers, its layout, and its program on the tape.

use super::architectures::{Architecture, Unfold};
use super::inits::{Fans, Initialize, Initializer};
use super::layers::{Forward, Layer};
use super::layout::{Layout, Parameter, Role};
use super::losses::{Criterion, Loss};
use crate::autodiff::{Node, Program, Shape, Tape};
use crate::base::registry::Registry;
use crate::base::{Error, Result, Streams};
use serde::{Deserialize, Serialize};

/// Everything needed to build a network again; stored in every weight file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The network by name.
    pub model: Architecture,
    /// What training minimises.
    pub loss: Loss,
    /// Shape of one sample: features, or channels x height x width.
    pub input: Vec<usize>,
    /// Number of outputs (classes).
    pub outputs: usize,
}

/// Most parameters that a network may have: 2^31, 16 GiB in double precision.
const MOST_PARAMETERS: usize = 1 << 31;

/// A network without its parameters.
#[derive(Clone, Debug)]
pub struct Network {
    spec: Spec,
    layers: Vec<(Layer, Vec<usize>)>,
    layout: Layout,
}

impl Network {
    /// Unfolds a specification; refuses one of impossible size.
    pub fn new(spec: Spec) -> Result<Self> {
        let features = spec.input.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
        if !features.is_some_and(|n| (1..=MOST_PARAMETERS).contains(&n)) {
            return Err(Error::expected("input", "1 to 2^31 numbers a sample", format!("{:?}", spec.input)));
        }
        if spec.outputs == 0 {
            return Err(Error::expected("outputs", "at least 1", 0));
        }
        let (mut layers, mut layout) = (Vec::new(), Layout::default());
        let (mut shape, mut offset) = (spec.input.clone(), 0usize);
        for (i, layer) in spec.model.layers(spec.outputs).into_iter().enumerate() {
            let mut indices = Vec::new();
            for need in layer.needs(&shape) {
                let size = need.shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
                let end = size.and_then(|s| s.checked_add(offset)).filter(|end| *end <= MOST_PARAMETERS);
                let Some(end) = end else {
                    let found = format!("{:?} for {i}.{}", need.shape, need.name);
                    return Err(Error::expected("model", "at most 2^31 parameters", found));
                };
                let (name, fan_in, fan_out) = (format!("{i}.{}", need.name), need.fan_in, need.fan_out);
                indices.push(layout.parameters.len());
                let parameter =
                    Parameter { name, shape: need.shape, role: need.role, fan_in, fan_out, offset };
                layout.parameters.push(parameter);
                offset = end;
            }
            shape = layer.output(&shape)?;
            layers.push((layer, indices));
        }
        if shape != [spec.outputs] {
            return Err(Error::expected("model", format!("{} outputs", spec.outputs), format!("{shape:?}")));
        }
        Ok(Self { spec, layers, layout })
    }

    /// What the network was made from.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The network in a few words for titles: `64-32-10 mlp`, the widths where they are few.
    pub fn title(&self) -> String {
        let outputs = |(_, indices): &(Layer, Vec<usize>)| {
            let first = &self.layout.parameters[*indices.first()?];
            first.shape.first().map(ToString::to_string)
        };
        let widths: Vec<String> = self.layers.iter().filter_map(outputs).collect();
        let model = &self.spec.model;
        match widths.len() {
            1..=6 => format!("{}-{} {}", self.features(), widths.join("-"), model.name()),
            _ => model.to_string(),
        }
    }

    /// Where its parameters lie.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Length of one sample.
    pub fn features(&self) -> usize {
        self.spec.input.iter().product()
    }

    /// Rows of the widest matrix in its program.
    pub fn widest(&self) -> usize {
        let sizes = self.layout.parameters.iter().flat_map(|p| [p.fan_in, p.fan_out]);
        sizes.chain([self.features()]).max().unwrap_or(1)
    }

    /// Draws all parameters; a stream for each, so that changing one layer leaves the others alone.
    pub fn init(&self, initializer: &Initializer, streams: &Streams) -> Vec<f64> {
        let mut theta = vec![0.0; self.layout.size()];
        for (i, p) in self.layout.parameters.iter().enumerate() {
            match p.role {
                Role::Weight => {
                    let mut rng = streams.stream("init", i as u64);
                    let fans = Fans { fan_in: p.fan_in, fan_out: p.fan_out, shape: &p.shape };
                    initializer.fill(&fans, &mut rng, &mut theta[p.range()]);
                }
                Role::Bias => {}
            }
        }
        theta
    }

    /// The program for a number of samples. Its inputs are the data (features x samples) and the targets
    /// (outputs x samples).
    pub fn program(&self, samples: usize) -> Program {
        let mut tape = Tape::new();
        let data = tape.input(Shape::new(self.features(), samples));
        let targets = tape.input(Shape::new(self.spec.outputs, samples));
        let outputs = self.record(&mut tape, data);
        let losses = self.spec.loss.record(&mut tape, outputs, targets, None);
        Program::new(tape, outputs, losses)
    }

    fn record(&self, tape: &mut Tape, data: Node) -> Node {
        self.layers.iter().fold(data, |x, (layer, indices)| {
            let parameters: Vec<Node> = indices
                .iter()
                .map(|i| {
                    let p = &self.layout.parameters[*i];
                    let outputs = p.shape.first().copied().unwrap_or(1);
                    let inputs = p.size() / outputs.max(1);
                    // A bias is a column; a row-major weight, outputs x inputs, is inputs x outputs by columns.
                    let shape = match p.role {
                        Role::Weight => Shape::new(inputs, outputs),
                        Role::Bias => Shape::new(outputs, inputs),
                    };
                    tape.parameter(p.offset, shape)
                })
                .collect();
            layer.record(tape, x, &parameters)
        })
    }

    /// The targets of `labels`, outputs x samples.
    pub fn targets(&self, labels: &[u32]) -> Vec<f64> {
        let mut targets = vec![0.0; labels.len() * self.spec.outputs];
        for (label, column) in labels.iter().zip(targets.chunks_exact_mut(self.spec.outputs)) {
            self.spec.loss.target(*label as usize, column);
        }
        targets
    }
}
