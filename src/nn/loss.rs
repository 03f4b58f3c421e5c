//! The loss of a network as an object: a function of a place in weight space whose element type is chosen at run time.
//!
//! [`Objective`] computes in f32 or in f64 and is generated once for each. Whoever looks at a loss from outside, analyses
//! above all, holds a [`MeanLoss`]: parameters and state come in as f64 and are rounded to the element type there, once, at this
//! door; what comes out is f64.

use super::propagation::{Propagate, Propagation};
use super::slice::State;
use super::{Beside, Evaluation, Linearization, Mode, Network, Objective, Slice, Slicer, Statistics};
use crate::autodiff::{Bindings, Curvature, Element, Node, Plan, Shape, View};
use crate::base::{Precision, Result, Streams};
use std::sync::Arc;

/// A place in weight space: all parameters of a network, and its state, such as running statistics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point {
    /// The parameters.
    pub theta: Vec<f64>,
    /// The state.
    pub state: Vec<f64>,
}

impl Point {
    /// The same place, borrowed.
    pub fn at(&self) -> At<'_> {
        At { theta: &self.theta, state: &self.state }
    }

    /// Whether every number is finite.
    pub fn is_finite(&self) -> bool {
        self.theta.iter().chain(&self.state).all(|x| x.is_finite())
    }

    /// The place with the numbers of a precision that are nearest.
    pub fn to(mut self, precision: Precision) -> Self {
        self.theta.iter_mut().chain(&mut self.state).for_each(|x| *x = precision.round(*x));
        self
    }
}

/// A place in weight space that somebody else keeps.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// The parameters.
    pub theta: &'a [f64],
    /// The state.
    pub state: &'a [f64],
}

/// Who sees a chunk of samples by its number: of each point, the outputs of some layers, a channel a row.
pub type See<'a> = &'a (dyn Fn(usize, &[Vec<View<f64>>]) + Sync);

/// Makes the loss over a batch of samples from their numbers.
pub type Batches<'a> = Box<dyn Fn(&[u32]) -> Box<dyn MeanLoss> + Send + Sync + 'a>;

/// The mean loss of a network over given samples.
pub trait MeanLoss: std::fmt::Debug + Send + Sync {
    /// The precision that it is computed in.
    fn precision(&self) -> Precision;
    /// The network.
    fn network(&self) -> &Arc<Network>;
    /// Number of samples.
    fn samples(&self) -> usize;
    /// Whether some targets are not observed.
    fn masked(&self) -> bool;
    /// Whether samples count by weights of their own.
    fn weighted(&self) -> bool;
    /// Which statistics norms use.
    fn statistics(&self) -> Statistics;
    /// Bytes of the buffers in which one run of samples is evaluated.
    fn bytes(&self) -> usize;
    /// Targets (outputs x samples) and labels of all samples; no labels in regression.
    fn answers(&self) -> (Vec<f64>, Vec<u32>);
    /// Mean loss and accuracy of predictions for every sample, as [`Objective::judge`].
    fn judge(&self, predictions: &[f64]) -> Option<Evaluation>;

    /// Mean loss and accuracy. A signal cuts it short, as [`Objective::evaluate`].
    fn evaluate(&self, at: At) -> Evaluation;
    /// Further scalars that a graph returns, as [`Objective::metrics`].
    fn metrics(&self, at: At) -> Vec<(String, f64)>;
    /// Mean loss and accuracy, and the gradient of the mean loss. A signal cuts it short.
    fn gradient(&self, at: At) -> (Evaluation, Vec<f64>);
    /// What the network puts out for every sample, outputs x samples.
    fn outputs(&self, at: At) -> Vec<f64>;
    /// The state recomputed, as [`Objective::refresh`].
    fn refresh(&self, at: At) -> Vec<f64>;
    /// Products with a curvature of the mean loss, values kept in so many bytes of memory.
    fn linearize(&self, at: At, curvature: Curvature, memory: usize) -> Box<dyn Products + '_>;

    /// The state with singular vectors renewed until they stand still.
    fn renew(&self, at: At) -> Vec<f64>;
    /// Shows `see`, in parallel, each chunk of samples by its number: for each of `points`, the outputs of the layers at these
    /// positions among the network's traces, a channel a row. Norms have running statistics.
    fn signals(&self, traces: &[usize], points: &[At], see: See);
    /// How signals and gradients pass through the network with these samples, all of them one group.
    fn propagation(&self) -> Box<dyn Propagate + '_>;
    /// The loss along directions through `theta`, as [`Slicer::new`].
    fn slice<'a>(
        &'a self,
        theta: &[f64],
        state: State<'a>,
        directions: &[Vec<f64>],
        memory: usize,
    ) -> Box<dyn Slice + 'a>;

    /// Makes the same loss over batches of so many of the samples, by their numbers, which share one recording.
    fn batches(&self, size: usize) -> Batches<'_>;
    /// The same samples with other targets (outputs x samples).
    fn with_targets(&self, targets: &[f64]) -> Box<dyn MeanLoss>;
    /// The same samples with other statistics.
    fn with_statistics(&self, statistics: Statistics) -> Box<dyn MeanLoss>;
    /// The same samples with targets drawn from the network's own distribution, as [`Objective::drawn`].
    fn drawn(&self, at: At, draws: usize, streams: &Streams) -> Result<Box<dyn MeanLoss>>;
}

/// A matrix that is known by its products with vectors.
pub trait Products: std::fmt::Debug + Send + Sync {
    /// Its rows and columns.
    fn dimension(&self) -> usize;
    /// The precision that products are computed in.
    fn precision(&self) -> Precision;
    /// Its products with k vectors; both are p x k, column-major. A signal cuts them short, as [`Linearization::products`].
    fn products(&self, directions: &[f64], k: usize) -> Vec<f64>;
}

impl<P: Products + ?Sized> Products for Box<P> {
    fn dimension(&self) -> usize {
        (**self).dimension()
    }

    fn precision(&self) -> Precision {
        (**self).precision()
    }

    fn products(&self, directions: &[f64], k: usize) -> Vec<f64> {
        (**self).products(directions, k)
    }
}

impl<E: Element> Products for Linearization<'_, E> {
    fn dimension(&self) -> usize {
        Linearization::dimension(self)
    }

    fn precision(&self) -> Precision {
        E::PRECISION
    }

    fn products(&self, directions: &[f64], k: usize) -> Vec<f64> {
        Linearization::products(self, directions, k)
    }
}

/// Numbers of an element type.
pub(crate) fn rounded<E: Element>(values: &[f64]) -> Vec<E> {
    values.iter().map(|x| E::from_f64(*x)).collect()
}

/// Numbers of an element type, as they are.
pub(crate) fn widened<E: Element>(values: &[E]) -> Vec<f64> {
    values.iter().map(|x| x.to_f64()).collect()
}

impl<E: Element> MeanLoss for Objective<E> {
    fn precision(&self) -> Precision {
        E::PRECISION
    }

    fn network(&self) -> &Arc<Network> {
        Objective::network(self)
    }

    fn samples(&self) -> usize {
        Objective::samples(self)
    }

    fn masked(&self) -> bool {
        self.all().masked()
    }

    fn weighted(&self) -> bool {
        self.all().beside() == Beside::Weights
    }

    fn statistics(&self) -> Statistics {
        Objective::statistics(self)
    }

    fn bytes(&self) -> usize {
        Objective::bytes(self)
    }

    fn answers(&self) -> (Vec<f64>, Vec<u32>) {
        Objective::answers(self)
    }

    fn judge(&self, predictions: &[f64]) -> Option<Evaluation> {
        Objective::judge(self, predictions)
    }

    fn evaluate(&self, at: At) -> Evaluation {
        Objective::evaluate(self, &rounded(at.theta), &rounded(at.state))
    }

    fn metrics(&self, at: At) -> Vec<(String, f64)> {
        Objective::metrics(self, &rounded(at.theta), &rounded(at.state))
    }

    fn gradient(&self, at: At) -> (Evaluation, Vec<f64>) {
        Objective::gradient(self, &rounded(at.theta), &rounded(at.state))
    }

    fn outputs(&self, at: At) -> Vec<f64> {
        Objective::outputs(self, &rounded(at.theta), &rounded(at.state))
    }

    fn refresh(&self, at: At) -> Vec<f64> {
        widened(&Objective::refresh(self, &rounded(at.theta), &rounded(at.state)))
    }

    fn linearize(&self, at: At, curvature: Curvature, memory: usize) -> Box<dyn Products + '_> {
        Box::new(Objective::linearize(self, &rounded(at.theta), &rounded(at.state), curvature, memory))
    }

    fn renew(&self, at: At) -> Vec<f64> {
        let mut state = rounded::<E>(at.state);
        Objective::network(self).renew_to_convergence(&rounded::<E>(at.theta), &mut state);
        widened(&state)
    }

    fn signals(&self, traces: &[usize], points: &[At], see: See) {
        let mut plans: Vec<(Vec<Node>, Plan)> = Vec::new();
        for chunk in self.chunks() {
            if chunk.program == plans.len() {
                let recording =
                    Objective::network(self).record(chunk.samples.len(), Mode::Running, self.all().beside());
                let nodes: Vec<Node> = traces.iter().map(|t| recording.traces[*t].signal.node).collect();
                let plan = Plan::new(recording.program.tape().clone(), &nodes, &[]);
                plans.push((nodes, plan));
            }
        }
        let points: Vec<[Vec<E>; 2]> =
            points.iter().map(|p| [p.theta, p.state].map(|v| rounded::<E>(v))).collect();
        self.each_chunk(&|chunk| {
            let (nodes, plan) = &plans[chunk.program];
            let inputs = self.inputs(chunk);
            let of = |[theta, state]: &[Vec<E>; 2]| {
                let bindings = Bindings { theta, state, inputs: &inputs };
                let mut workspace = plan.workspace();
                plan.run(&bindings, &mut workspace);
                let values = plan.values(bindings, &workspace);
                let wide = |n: &Node| (widened(values.of(*n).data), values.of(*n).shape);
                nodes.iter().map(wide).collect::<Vec<_>>()
            };
            let outputs: Vec<Vec<(Vec<f64>, Shape)>> = points.iter().map(of).collect();
            let views: Vec<Vec<View<f64>>> = outputs
                .iter()
                .map(|o| o.iter().map(|(data, shape)| View { data, shape: *shape }).collect())
                .collect();
            see(chunk.index, &views);
        });
    }

    fn propagation(&self) -> Box<dyn Propagate + '_> {
        Box::new(Propagation::new(Objective::network(self).clone(), self.all().clone()))
    }

    fn slice<'a>(
        &'a self,
        theta: &[f64],
        state: State<'a>,
        directions: &[Vec<f64>],
        memory: usize,
    ) -> Box<dyn Slice + 'a> {
        Box::new(Slicer::new(self, theta, state, directions, memory))
    }

    fn batches(&self, size: usize) -> Batches<'_> {
        let first = self.over(Arc::new(self.all().subset(&(0..size as u32).collect::<Vec<u32>>())));
        Box::new(move |indices| Box::new(first.over(Arc::new(self.all().subset(indices)))))
    }

    fn with_targets(&self, targets: &[f64]) -> Box<dyn MeanLoss> {
        Box::new(Objective::with_targets(self, targets))
    }

    fn with_statistics(&self, statistics: Statistics) -> Box<dyn MeanLoss> {
        Box::new(Objective::new(Objective::network(self).clone(), self.all().clone(), statistics))
    }

    fn drawn(&self, at: At, draws: usize, streams: &Streams) -> Result<Box<dyn MeanLoss>> {
        let drawn = Objective::drawn(self, &rounded(at.theta), &rounded(at.state), draws, streams)?;
        Ok(Box::new(drawn))
    }
}
