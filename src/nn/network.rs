//! A network: its specification as data, its layout, and its program on the tape.

mod exported;
mod inside;

use super::architectures::{Architecture, Unfold};
use super::inits::{Fans, Initialize, Initializer};
use super::layers::{Item, record_all};
use super::layout::{Layout, Role, Statistic};
use super::losses::{Criterion, Loss};
use super::norms::weight::LENGTH;
use super::recorder::{Follow, Mask, Mode, Recorder, Signal, Trace};
use super::samples::Beside;
use super::symmetry::Symmetry;
use super::units::Ties;
use crate::autodiff::primitives::Primitive;
use crate::autodiff::{Element, Node, Program, Shape, Tape};
use crate::base::random::normal;
use crate::base::registry::Registry;
use crate::base::{Error, Result, Streams, shown};
use exported::Exportation;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, OnceLock};

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

/// Most numbers that a sample may have.
const MOST_FEATURES: usize = 1 << 31;

/// A network without its parameters.
#[derive(Clone, Debug)]
pub struct Network {
    spec: Spec,
    layers: Vec<Item>,
    layout: Layout,
    traces: Vec<Trace>,
    ties: Arc<Ties>,
    /// Whether some layer looks rows of a table up by numbers of the data.
    looks_up: bool,
    /// The graph that it is in place of layers.
    graph: Option<Arc<Exportation>>,
    /// Made when somebody asks: a list of every unit in every place is long in a wide network.
    symmetry: Arc<OnceLock<Arc<Symmetry>>>,
}

/// A network recorded for a number of samples.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Loss and gradient. Its inputs are the data (features x samples), the targets (outputs x samples), what
    /// stands beside the targets if there is something, then the masks of dropout.
    pub program: Program,
    /// Outputs of all layers, each after those within it.
    pub traces: Vec<Trace>,
    /// State that follows values of training steps.
    pub follows: Vec<Follow>,
    /// Dropout's masks.
    pub masks: Vec<Mask>,
    /// Further scalars that a graph returns, by name, each 1 x 1: means over the samples.
    pub metrics: Vec<(String, Node)>,
}

/// A value that recordings show of a network's inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inside {
    /// Path of the layer.
    pub name: String,
    /// Whether it is an activation.
    pub activation: bool,
}

impl Network {
    /// Unfolds a specification; refuses one that does not fit together or is of impossible size.
    pub fn new(spec: Spec) -> Result<Self> {
        if let Some(exported) = spec.model.exported() {
            let graph = exported.read()?;
            return Self::of_graph(graph, spec);
        }
        let features = spec.input.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
        if !features.is_some_and(|n| (1..=MOST_FEATURES).contains(&n)) {
            return Err(Error::expected("input", "1 to 2^31 numbers a sample", format!("{:?}", spec.input)));
        }
        if !matches!(spec.input.len(), 1 | 3) {
            let expected = "[features] or [channels, height, width]";
            return Err(Error::expected("input", expected, format!("{:?}", spec.input)));
        }
        if spec.outputs == 0 {
            return Err(Error::expected("outputs", "at least 1", 0));
        }
        spec.loss.fits(spec.outputs)?;
        let layers = spec.model.layers(&spec.input, spec.outputs);
        let (layout, ties) = (Layout::default(), Arc::default());
        let mut network = Self {
            spec,
            layers,
            layout,
            traces: Vec::new(),
            ties,
            looks_up: false,
            graph: None,
            symmetry: Arc::default(),
        };
        let mut tape = Tape::new();
        let data = tape.input(Shape::new(network.features(), 1));
        let mut recorder = Recorder::new(&mut tape, 1, Mode::Training);
        let output = network.forward(&mut recorder, data)?;
        let looks_up = !recorder.bounds.is_empty();
        let (layout, traces, mut ties) = (recorder.layout, recorder.traces, recorder.ties);
        ties.hold(&output.units);
        if output.shape != [network.spec.outputs] {
            let expected = format!("{} outputs", network.spec.outputs);
            return Err(Error::expected("model", expected, format!("{:?}", output.shape)));
        }
        (network.layout, network.traces, network.ties) = (layout, traces, Arc::new(ties));
        network.looks_up = looks_up;
        Ok(network)
    }

    /// What the network was made from.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The network in a few words for titles: `64-32-10 mlp`, the widths where they are few.
    pub fn title(&self) -> String {
        let model = &self.spec.model;
        if let Some(exported) = model.exported() {
            return exported.title();
        }
        let weights: Vec<_> = self.layout.weights().collect();
        match weights.len() {
            1..=6 if weights.iter().all(|p| p.shape.len() == 2) => {
                let widths: Vec<String> = weights.iter().map(|p| p.shape[0].to_string()).collect();
                format!("{}-{} {}", self.features(), widths.join("-"), model.name())
            }
            // A list of layers says more than a title can hold.
            n => match model.to_string() {
                text if text.len() <= 60 => shown::spoken(&text),
                _ => {
                    // The kind is called for its settings, the list; what it makes is a network.
                    let listed = matches!(model, Architecture::Layers(_));
                    let name = if listed { "network" } else { model.name() };
                    format!("{name} with {n} layers of weights")
                }
            },
        }
    }

    /// Where its parameters and state lie.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Outputs of its layers, for their names, shapes and weights; the nodes are of no tape that still exists.
    pub fn traces(&self) -> &[Trace] {
        &self.traces
    }

    /// What recordings show of its inside: the names of their traces, in order, and which are activations.
    pub fn inside(&self) -> Vec<Inside> {
        let of = |trace: &Trace| Inside { name: trace.name.clone(), activation: trace.activation };
        match self.packing() {
            None => self.traces.iter().map(of).collect(),
            Some(packing) => {
                let recording = self.record(packing.group.unwrap_or(2), Mode::Running, false);
                recording.traces.iter().map(of).collect()
            }
        }
    }

    /// Which of its hidden units may change places.
    pub fn symmetry(&self) -> &Arc<Symmetry> {
        let of = |ties: &Ties| Arc::new(Symmetry::new(ties, &self.layout));
        self.symmetry.get_or_init(|| match &self.graph {
            Some(exported) => exported.symmetry(&self.layout).unwrap_or_else(|| of(&self.ties)),
            None => of(&self.ties),
        })
    }

    /// Length of one sample.
    pub fn features(&self) -> usize {
        self.spec.input.iter().product()
    }

    /// Numbers of one sample in the largest signal of its program.
    pub fn widest(&self) -> usize {
        if let Some(exported) = &self.graph {
            return exported.widest.max(1);
        }
        self.traces.iter().map(|t| t.signal.size()).chain([self.features()]).max().unwrap_or(1)
    }

    /// Whether some signal is an image, with a column for each position.
    pub fn has_images(&self) -> bool {
        self.traces.iter().any(|t| t.signal.image)
    }

    /// Whether training drops numbers at random.
    pub fn has_dropout(&self) -> bool {
        !self.record(1, Mode::Training, false).masks.is_empty()
    }

    /// Whether the slope of its loss jumps somewhere: at a kink of an activation, where two inputs of a maximum are
    /// equal, or in the loss itself.
    pub fn has_kink(&self) -> bool {
        let program = self.program(self.together().filter(|n| *n < usize::MAX).unwrap_or(1));
        let tape = program.tape();
        let jumps = |node: Node| match &tape.record(node).op {
            Primitive::Map(map) => map.curve.has_kink(),
            Primitive::ArgMax(_) => true,
            _ => false,
        };
        self.spec.loss.has_kink() || tape.nodes().any(jumps)
    }

    /// Whether some weight is a direction whose length is a parameter of its own: once all of it is zero it has none.
    pub fn has_directions(&self) -> bool {
        self.layout.parameters.iter().any(|p| p.name.ends_with(LENGTH))
    }

    /// Multiplications by weights in one sample's outputs; of a graph those of its loss, whatever they are by.
    pub fn multiplications(&self) -> usize {
        if let Some(exported) = &self.graph {
            return exported.multiply_adds;
        }
        let of = |t: &Trace| t.weight.map_or(0, |w| self.layout.parameters[w].size() * t.signal.positions());
        self.traces.iter().map(of).sum()
    }

    /// Draws all parameters, before [`Network::adapt`]; a stream for each, so that changing one layer leaves the others alone.
    pub fn init(&self, initializer: &Initializer, streams: &Streams) -> Vec<f64> {
        let mut theta = vec![0.0; self.layout.size()];
        for (i, p) in self.layout.parameters.iter().enumerate() {
            match p.role {
                Role::Weight => {
                    let mut rng = streams.stream("init", i as u64);
                    let fans = Fans { fan_in: p.fan_in, fan_out: p.fan_out, shape: &p.shape };
                    let weight = &mut theta[p.range()];
                    initializer.fill(&fans, &mut rng, weight);
                    let factor = initializer.factor(&self.layout, p);
                    weight.iter_mut().for_each(|w| *w *= factor);
                }
                role => {
                    let bias = &mut theta[p.range()];
                    bias.fill(p.start);
                    if role == Role::Bias {
                        initializer.bias(&mut streams.stream("init", i as u64), bias);
                    }
                }
            }
        }
        self.match_lengths(&mut theta);
        if let Some(exported) = &self.graph {
            // Nobody knows how to draw what nobody knows the meaning of: a scale of a layer, say, or a slope.
            for (parameter, _) in
                self.layout.parameters.iter().zip(&exported.unknown).filter(|(_, own)| **own)
            {
                theta[parameter.range()].copy_from_slice(&exported.graph.theta[parameter.range()]);
            }
        }
        theta
    }

    /// Lets an initializer that looks at data do so: at the first of the training samples (features x samples).
    pub fn adapt<E: Element>(&self, initializer: &Initializer, data: &[E], theta: &mut [E]) {
        if let Some(samples) = initializer.batch() {
            let first = data.len().min(samples * self.features());
            initializer.adapt(self, &data[..first], theta);
        }
    }

    /// Sets the lengths of weight norm to those of their directions, so that the weights are what was drawn.
    pub fn match_lengths(&self, theta: &mut [f64]) {
        for pair in self.layout.parameters.windows(2).filter(|pair| pair[0].name.ends_with(LENGTH)) {
            for (i, filter) in pair[1].filters().enumerate() {
                let squares: f64 = theta[filter].iter().map(|v| v * v).sum();
                theta[pair[0].offset + i] = squares.sqrt();
            }
        }
    }

    /// The state before training: means 0, variances 1, and the singular vectors of the weights in `theta`.
    pub fn start<E: Element>(&self, theta: &[E]) -> Vec<E> {
        let mut state = vec![E::ZERO; self.layout.state_size()];
        for (i, buffer) in self.layout.buffers.iter().enumerate() {
            let part = &mut state[buffer.range()];
            match buffer.statistic {
                Statistic::Mean | Statistic::Right => {}
                Statistic::Variance => part.fill(E::ONE),
                Statistic::Left => {
                    let mut rng = Streams::new(0).stream("spectral", i as u64);
                    part.iter_mut().for_each(|u| *u = E::from_f64(normal(&mut rng)));
                }
            }
        }
        self.renew_to_convergence(theta, &mut state);
        state
    }

    /// One step of power iteration for every weight under spectral norm: v <- W^T u / |W^T u|, u <- W v / |W v|.
    /// Returns the largest change of a singular vector.
    pub fn renew<E: Element>(&self, theta: &[E], state: &mut [E]) -> f64 {
        let mut change = 0.0f64;
        for spectral in &self.layout.spectral {
            let weight = &self.layout.parameters[spectral.weight];
            let [left, right] = [spectral.left, spectral.left + 1].map(|i| self.layout.buffers[i].range());
            let mut v = vec![0.0; right.len()];
            for (filter, u) in weight.filters().zip(&state[left.clone()]) {
                v.iter_mut().zip(&theta[filter]).for_each(|(v, w)| *v += w.to_f64() * u.to_f64());
            }
            normalise(&mut v);
            let dot = |filter: std::ops::Range<usize>| {
                theta[filter].iter().zip(&v).map(|(w, v)| w.to_f64() * v).sum::<f64>()
            };
            let mut u: Vec<f64> = weight.filters().map(dot).collect();
            normalise(&mut u);
            for (range, new) in [(left, u), (right, v)] {
                for (old, new) in state[range].iter_mut().zip(new) {
                    change = change.max((old.to_f64() - new).abs());
                    *old = E::from_f64(new);
                }
            }
        }
        change
    }

    /// [`Network::renew`] until the singular vectors stand still, or a thousand times.
    pub fn renew_to_convergence<E: Element>(&self, theta: &[E], state: &mut [E]) {
        const MOST: usize = 1000;
        for _ in 0..MOST {
            if self.renew(theta, state) <= 4.0 * E::EPSILON.to_f64() {
                break;
            }
        }
    }

    /// The program for a number of samples, with running statistics. Its inputs are the data (features x samples) and
    /// the targets (outputs x samples).
    pub fn program(&self, samples: usize) -> Program {
        self.record(samples, Mode::Running, false).program
    }

    /// Multiply-adds of the loss of one sample, about.
    pub fn multiply_adds(&self) -> usize {
        if let Some(exported) = &self.graph {
            return exported.multiply_adds;
        }
        let program = self.record(1, Mode::Running, false).program;
        program.tape().multiply_adds(program.losses())
    }

    /// The network for a number of samples, in a mode, with what stands beside their targets.
    pub fn record(&self, samples: usize, mode: Mode, beside: impl Into<Beside>) -> Recording {
        if let Some(exported) = &self.graph {
            return exported.record(samples, mode, beside.into(), &self.layout);
        }
        let mut tape = Tape::new();
        let data = tape.input(Shape::new(self.features(), samples));
        let targets = tape.input(Shape::new(self.spec.outputs, samples));
        let (outputs, beside) = (self.spec.outputs, beside.into());
        let given = match beside.rows(outputs) {
            0 => None,
            rows => Some(tape.input(Shape::new(rows, samples))),
        };
        // The rows from one on, of a matrix that has one more than there are outputs.
        let rows = |tape: &mut Tape, all: Node, first: usize, count: usize| {
            let strides = [outputs as isize + 1, 1];
            tape.strided(all, &[samples, count], &strides, first, Shape::new(count, samples))
        };
        let (observed, weights) = match (given, beside) {
            (Some(all), Beside::Weights) => {
                (Some(rows(&mut tape, all, 0, outputs)), Some(rows(&mut tape, all, outputs, 1)))
            }
            (mask, _) => (mask, None),
        };
        let mut recorder = Recorder::new(&mut tape, samples, mode);
        let outputs = match self.forward(&mut recorder, data) {
            Ok(outputs) => outputs.node,
            Err(e) => unreachable!("recorded before without an error: {e}"),
        };
        let Recorder { traces, follows, masks, .. } = recorder;
        let mut losses = self.spec.loss.record(&mut tape, outputs, targets, observed);
        if let Some(weights) = weights {
            losses = tape.mul(losses, weights);
        }
        Recording {
            program: Program::new(tape, outputs, losses),
            traces,
            follows,
            masks,
            metrics: Vec::new(),
        }
    }

    /// Records the layers from `data` (features x samples) to the outputs (outputs x samples).
    pub fn forward(&self, recorder: &mut Recorder, data: Node) -> Result<Signal> {
        if self.graph.is_some() {
            return Err(Error::expected("model", "a network of layers", "an exported graph"));
        }
        let input = recorder.data(data, &self.spec.input);
        let output = record_all(&self.layers, "", recorder, &input)?;
        Ok(recorder.flat(&output))
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

/// Scales to length 1; zero stays zero.
pub(super) fn normalise(v: &mut [f64]) {
    let length = v.iter().map(|x| x * x).sum::<f64>().sqrt();
    if length > 0.0 {
        v.iter_mut().for_each(|x| *x /= length);
    }
}
