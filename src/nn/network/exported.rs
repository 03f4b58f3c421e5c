//! Networks that another program wrote: a graph in place of layers.

use super::{Network, Recording, Spec};
use crate::autodiff::primitives::Primitive;
use crate::autodiff::{Bindings, Node, Plan, Program, Shape, Tape};
use crate::base::Streams;
use crate::base::random::normal;
use crate::base::{Error, Result};
use crate::nn::architectures::Unfold;
use crate::nn::graph::{Bound, Compared, Dtype, Graph, Lowered, Packing, equivariance, heads};
use crate::nn::layout::{Layout, Role};
use crate::nn::losses::Criterion;
use crate::nn::recorder::{Mode, Recorder};
use crate::nn::samples::Beside;
use crate::nn::symmetry::Symmetry;
use std::ops::Range;
use std::sync::Arc;

/// A network that another program wrote.
#[derive(Debug)]
pub(super) struct Exportation {
    pub graph: Graph,
    packing: Packing,
    /// Numbers of one sample in the largest value of its program.
    pub widest: usize,
    /// Multiply-adds of the loss of one sample.
    pub multiply_adds: usize,
    /// Which parameters no operator says the role of.
    pub unknown: Vec<bool>,
    /// Whether its loss is one of classes, so that samples are right or wrong.
    judges: bool,
    coupled: bool,
    /// Whether its program has a loss for each sample.
    apart: bool,
    /// The outputs that its loss compares with targets, or why there are none.
    compared: std::result::Result<Compared, &'static str>,
}

/// Samples whose indices are looked at together.
const LOOKED_UP: usize = 64;

impl Network {
    /// A graph as a network; `spec` says what it was read from, and what the data say of its symbols.
    pub fn of_graph(graph: Graph, spec: Spec) -> Result<Self> {
        let (sizes, coupled, apart) = match spec.model.exported() {
            Some(exported) => (exported.sizes(), exported.coupled, exported.apart),
            None => return Err(Error::expected("model", "one of an exported graph", &spec.model)),
        };
        let packing = graph.packing(&sizes)?;
        if spec.input != [packing.features] || spec.outputs != 1 {
            let expected = format!("{} numbers a sample, and one output", packing.features);
            return Err(Error::expected("input", expected, format!("{:?} and {}", spec.input, spec.outputs)));
        }
        // Two samples: some operators see no difference between an axis of one entry and none.
        let samples = packing.group.unwrap_or(2);
        let lowered = graph.lower(&packing, samples, Mode::Running)?;
        let layout = graph.layout(&lowered);
        // What the data reach: weights in another order are no part of a sample.
        let (mut reached, mut widest) = (Vec::new(), 1);
        for node in lowered.tape.nodes() {
            let record = lowered.tape.record(node);
            let own =
                matches!(record.op, Primitive::Input(_)) || record.inputs.iter().any(|i| reached[i.index()]);
            reached.push(own);
            widest = if own { widest.max(record.shape.size().div_ceil(samples)) } else { widest };
        }
        let (apart, compared) = (apart && lowered.each.is_some(), lowered.compared);
        let multiply_adds = lowered.tape.multiply_adds(lowered.losses) / samples;
        let unknown = lowered.uses.iter().map(Option::is_none).collect();
        let judges = lowered.correct.is_some();
        let graph = Some(Arc::new(Exportation {
            graph,
            packing,
            widest,
            multiply_adds,
            unknown,
            judges,
            coupled,
            apart,
            compared,
        }));
        let (layers, traces, ties) = (Vec::new(), Vec::new(), Arc::default());
        Ok(Self { spec, layers, layout, traces, ties, looks_up: false, graph, symmetry: Arc::default() })
    }

    /// The graph that it is, if it is one that another program wrote.
    pub fn graph(&self) -> Option<&Graph> {
        self.graph.as_ref().map(|e| &e.graph)
    }

    /// How the arguments of a graph lie in a sample.
    pub fn packing(&self) -> Option<&Packing> {
        self.graph.as_ref().map(|e| &e.packing)
    }

    /// Whether weights of the other network are weights of this one: the same network, or a graph that differs in the weights
    /// stored with it alone.
    pub fn is_like(&self, other: &Self) -> bool {
        let (Some(a), Some(b)) = (&self.graph, &other.graph) else { return self.spec == other.spec };
        self.spec == other.spec
            || a.packing == b.packing && a.coupled == b.coupled && a.graph.is_like(&b.graph)
    }

    /// Whether a graph itself says which samples are right.
    pub fn judges(&self) -> bool {
        self.graph.as_ref().is_some_and(|exported| exported.judges)
    }

    /// The parameters and the state in the file of a graph.
    pub fn stored(&self) -> Option<[Vec<f64>; 2]> {
        self.graph().map(|graph| [graph.theta.clone(), graph.state()])
    }

    /// Refuses samples whose numbers point beyond what they are looked up in, such as tokens without a row.
    pub fn check_indices(&self, at: &str, data: &[f64]) -> Result<()> {
        if self.graph.is_none() && !self.looks_up {
            return Ok(());
        }
        let features = self.features();
        let count = data.len() / features;
        let group = LOOKED_UP.min(count.max(1));
        let group = self.graph.as_ref().and_then(|e| e.packing.group).unwrap_or(group);
        // The last samples once more where they are no whole group.
        let starts = (0..count / group)
            .map(|i| i * group)
            .chain((!count.is_multiple_of(group)).then(|| count - group));
        let (tape, bounds) = match &self.graph {
            Some(exported) => {
                let lowered = exported.graph.lower(&exported.packing, group, Mode::Running)?;
                (lowered.tape, lowered.bounds)
            }
            None => self.tables(group)?,
        };
        if bounds.is_empty() || count == 0 {
            return Ok(());
        }
        let mut free = Vec::new();
        for node in tape.nodes() {
            let record = tape.record(node);
            let own = !matches!(record.op, Primitive::Parameter(_) | Primitive::State(_));
            free.push(own && record.inputs.iter().all(|i| free[i.index()]));
        }
        let bounds: Vec<Bound> = bounds.into_iter().filter(|b| free[b.index.index()]).collect();
        let nodes: Vec<Node> = bounds.iter().map(|b| b.index).collect();
        if nodes.is_empty() {
            return Ok(());
        }
        let plan = Plan::new(Arc::new(tape), &nodes, &[]);
        let (mut workspace, targets) = (plan.workspace::<f64>(), vec![0.0; group]);
        for start in starts {
            let inputs = [&data[start * features..(start + group) * features], &targets[..]];
            let bindings = Bindings { theta: &[], state: &[], inputs: &inputs };
            plan.run(&bindings, &mut workspace);
            let values = plan.values(bindings, &workspace);
            for bound in &bounds {
                if let Some(x) = bound.fault(values.of(bound.index).data) {
                    let expected = format!("whole numbers below {} for {}", bound.axis, bound.at);
                    return Err(Error::expected(at, expected, x));
                }
            }
        }
        Ok(())
    }

    /// The layers for so many samples, and what of them points into tables.
    fn tables(&self, samples: usize) -> Result<(Tape, Vec<Bound>)> {
        let mut tape = Tape::new();
        let data = tape.input(Shape::new(self.features(), samples));
        let mut recorder = Recorder::new(&mut tape, samples, Mode::Running);
        self.forward(&mut recorder, data)?;
        let bound = |(index, axis)| Bound { index, axis, ignored: None, at: "an embedding".to_owned() };
        let bounds = std::mem::take(&mut recorder.bounds).into_iter().map(bound).collect();
        drop(recorder);
        Ok((tape, bounds))
    }

    /// Samples that must be computed at once: those of a group of fixed size, or all where their losses can't be told apart.
    pub fn together(&self) -> Option<usize> {
        let exported = self.graph.as_ref()?;
        exported.packing.group.or(exported.coupled.then_some(usize::MAX))
    }

    /// Whether its program has a loss for each sample: networks of layers do, and graphs in which they were found.
    pub fn tells_samples_apart(&self) -> bool {
        self.graph.as_ref().is_none_or(|e| e.apart)
    }

    /// Whether the true Fisher matrix is the Gauss-Newton matrix, of data some of whose targets may be `masked`; in words why
    /// there is no Gauss-Newton matrix, if there is none. In a graph each of several outputs of a sample counts as a
    /// prediction of its own.
    pub fn fisher_is_gauss_newton(&self, masked: bool) -> std::result::Result<bool, &'static str> {
        match &self.graph {
            None => Ok(self.spec.loss.fisher_is_gauss_newton(masked)),
            Some(exported) => exported.compared.map(|c| c.natural),
        }
    }

    /// What each parameter is part of, in a word: its role, or `embedding` or `attention` in a graph that shows such.
    pub fn parts(&self) -> Vec<&'static str> {
        let role = |role: Role| match role {
            Role::Weight => "weight",
            Role::Bias => "bias",
            Role::NormScale => "norm-scale",
            Role::NormShift => "norm-shift",
            Role::Mixture => "mixture",
        };
        let mut parts: Vec<&str> = self.layout.parameters.iter().map(|p| role(p.role)).collect();
        let Some((exported, samples)) = self.graph.as_ref().map(|e| (e, e.packing.group.unwrap_or(2))) else {
            return parts;
        };
        if let Ok(lowered) = exported.graph.lower(&exported.packing, samples, Mode::Running) {
            let tables = parts.iter_mut().zip(&lowered.tables).filter(|(_, table)| **table);
            tables.for_each(|(part, _)| *part = "embedding");
            for attention in heads::attentions(&lowered.tape, samples) {
                for (part, p) in parts.iter_mut().zip(&self.layout.parameters) {
                    if attention.all.iter().any(|r| r.start < p.range().end && p.range().start < r.end) {
                        *part = "attention";
                    }
                }
            }
        }
        parts
    }

    /// Heads of attention, each with where its weights lie in theta: `layers.0.attn.head.3`.
    pub fn heads(&self) -> Vec<(String, Vec<Range<usize>>)> {
        let Some(exported) = &self.graph else { return Vec::new() };
        let samples = exported.packing.group.unwrap_or(2);
        let Ok(lowered) = exported.graph.lower(&exported.packing, samples, Mode::Running) else {
            return Vec::new();
        };
        let mut found: Vec<(String, Vec<Range<usize>>)> = Vec::new();
        for attention in heads::attentions(&lowered.tape, samples) {
            let first = attention.all.first().map_or(0, |range| range.start);
            let of = self.layout.parameters.iter().find(|p| p.range().contains(&first));
            let name = of.map_or("", |p| p.name.as_str());
            // `attn.q_proj.weight` and `attn.in_proj_weight` are both of `attn`.
            let stem = name.strip_suffix(".weight").unwrap_or(name).rsplit_once('.');
            let stem = stem.map_or_else(String::new, |(stem, _)| format!("{stem}."));
            for (i, ranges) in attention.heads.into_iter().enumerate().filter(|(_, r)| !r.is_empty()) {
                let name = format!("{stem}head.{i}");
                let again = found.iter().filter(|(known, _)| known.starts_with(&name)).count();
                found.push((if again == 0 { name } else { format!("{name}#{}", again + 1) }, ranges));
            }
        }
        found
    }
}

/// By how much a loss may change, relative to itself, when units change places.
const SAME: f64 = 1e-9;

impl Exportation {
    /// Which of its units may change places; none where a random permutation, of the weights that it came with and a little
    /// noise, changes its loss.
    pub fn symmetry(&self, layout: &Layout) -> Option<Arc<Symmetry>> {
        let samples = self.packing.group.unwrap_or(2);
        let lowered = self.graph.lower(&self.packing, samples, Mode::Running).ok()?;
        let ties = equivariance::ties(&lowered.tape, lowered.losses, samples, layout)?;
        let symmetry = Arc::new(Symmetry::new(&ties, layout));
        let streams = Streams::new(0);
        let mut rng = streams.stream("symmetry/trial", 0);
        let noise = |x: &f64| x + 0.02 * normal(&mut rng);
        let theta: Vec<f64> = self.graph.theta.iter().map(noise).collect();
        let state = self.graph.state();
        let whole = self.packing.arguments.iter().flat_map(|a| vec![a.dtype != Dtype::Float; a.size]);
        let whole: Vec<bool> = whole.collect();
        let draw = |i: usize| if whole[i % whole.len()] { 0.0 } else { normal(&mut rng) };
        let data: Vec<f64> = (0..samples * self.packing.features).map(draw).collect();
        let plan = Plan::new(Arc::new(lowered.tape), &[lowered.losses], &[]);
        let mut workspace = plan.workspace::<f64>();
        let mut loss = |theta: &[f64], state: &[f64]| {
            let inputs = [&data[..], &vec![0.0; samples][..]];
            let bindings = Bindings { theta, state, inputs: &inputs };
            plan.run(&bindings, &mut workspace);
            plan.values(bindings, &workspace).of(lowered.losses).data[0]
        };
        let before = loss(&theta, &state);
        let same = (0..3).all(|i| {
            let (theta, state) = symmetry.random(&streams, i).apply(&theta, &state);
            (loss(&theta, &state) - before).abs() <= SAME * before.abs()
        });
        same.then_some(symmetry)
    }

    /// The graph for a number of samples.
    pub fn record(&self, samples: usize, mode: Mode, beside: Beside, layout: &Layout) -> Recording {
        match self.graph.lower(&self.packing, samples, mode) {
            Ok(Lowered { mut tape, losses, each, compared, correct, metrics, follows, .. }) => {
                let mut losses = each.filter(|_| self.apart).unwrap_or(losses);
                if beside == Beside::Weights {
                    // The last row, beside which of the one target was observed.
                    let all = tape.input(Shape::new(2, samples));
                    let weights = tape.strided(all, &[samples, 1], &[2, 1], 1, Shape::new(1, samples));
                    losses = tape.mul(losses, weights);
                }
                let compared = compared.map(|c| c.node).ok();
                let traces = super::inside::traces(&tape, layout, compared, samples);
                let program = Program::comparing(tape, losses, losses, compared.unwrap_or(losses));
                Recording { program: program.judging(correct), traces, follows, masks: Vec::new(), metrics }
            }
            // Recorded before for other numbers of samples. A graph that does not allow this one has no loss here.
            Err(_) => {
                let mut tape = Tape::new();
                let losses = tape.fill(f64::NAN, Shape::new(1, 1));
                let program = Program::new(tape, losses, losses);
                let (traces, follows, masks, metrics) = Default::default();
                Recording { program, traces, follows, masks, metrics }
            }
        }
    }
}
