//! How signals and gradients pass through a network, layer by layer.
//!
//! For the layers with weights, in order, at z_l, what the layer puts out before its activation:
//!
//! - `forward` and `deviation`: mean of z_l^2 over units and samples, and the standard deviation of z_l;
//! - `backward`: mean of (dL/dz_l)^2 over units and samples, L the loss of the sample;
//! - `dead`: share of units that the activation behind makes the same number for every sample (ReLU: never active);
//! - `gradient_norm`: of the mean loss in the layer's weights;
//! - `jacobian_*`: singular values of dz_l/dx at single samples: the largest, the median and the smallest, their
//!   geometric means over the samples. Exact, from tangents of every input.
//!
//! Norms use the statistics of the samples at hand, all of them one group; the Jacobian takes them as constants.

use super::inits::Initializer;
use super::recorder::Recorder;
use super::{Mode, Network, Objective, Samples, Statistics};
use crate::autodiff::{Bindings, Element, Node, Plan, Program, Shape, TangentPlan, Tape};
use crate::base::Streams;
use std::sync::Arc;

/// Measures by layer, in the order of the arrays.
pub const MEASURES: [&str; 8] = [
    "forward",
    "backward",
    "deviation",
    "dead",
    "gradient_norm",
    "jacobian_max",
    "jacobian_median",
    "jacobian_min",
];

/// Where `deviation` is among them.
pub const DEVIATION: usize = 2;

/// Most inputs for which the whole Jacobian is made.
pub const MOST_INPUTS: usize = 1024;

/// A layer with weights.
struct LayerNodes {
    name: String,
    /// Its output, the activation behind it, and the gradient in its output.
    output: Node,
    active: Option<Node>,
    cotangent: Option<Node>,
    weight: usize,
}

/// How signals and gradients pass through a network with the samples of a loss, in its precision.
pub trait Propagate {
    /// Paths of the layers with weights.
    fn names(&self) -> Vec<String>;
    /// Bytes that the signals of all layers take.
    fn bytes(&self) -> usize;
    /// One draw of the initializer: each measure by layer, the Jacobian at the first so many samples.
    fn measure(&self, init: &Initializer, seed: u64, jacobian_samples: usize) -> [Vec<f64>; 8];
}

/// A network recorded with everything that is measured, for given samples.
pub(super) struct Propagation<E> {
    network: Arc<Network>,
    samples: Arc<Samples<E>>,
    objective: Objective<E>,
    program: Program,
    plan: Plan,
    layers: Vec<LayerNodes>,
}

impl<E: Element> Propagation<E> {
    /// Records `network` for `samples`, with their statistics where it has norms that use several.
    pub(super) fn new(network: Arc<Network>, samples: Arc<Samples<E>>) -> Self {
        let n = samples.len();
        let recording = network.record(n, Mode::Batch, samples.beside());
        let mut layers: Vec<LayerNodes> = Vec::new();
        for trace in &recording.traces {
            let signal = &trace.signal;
            if let Some(weight) = trace.weight {
                layers.push(LayerNodes {
                    name: trace.name.clone(),
                    output: signal.node,
                    active: None,
                    cotangent: recording.program.cotangent(signal.node),
                    weight,
                });
            } else if let (true, Some(layer)) = (trace.activation, layers.last_mut()) {
                layer.active.get_or_insert(signal.node);
            }
        }
        let nodes = layers.iter().flat_map(|l| [Some(l.output), l.active, l.cotangent]).flatten();
        let plan = recording.program.gradient_plan_with(&nodes.collect::<Vec<_>>());
        let objective = Objective::new(network.clone(), samples.clone(), Statistics::Groups(usize::MAX));
        Self { network, samples, objective, program: recording.program, plan, layers }
    }

    /// Largest, median and smallest singular value of the Jacobian by layer.
    fn jacobian(&self, theta: &[E], state: &[E], count: usize) -> [Vec<f64>; 3] {
        let (features, p) = (self.network.features(), theta.len());
        let unknown = || std::array::from_fn(|_| vec![f64::NAN; self.layers.len()]);
        if count == 0 || features > MOST_INPUTS {
            return unknown();
        }
        // With statistics frozen at those of the samples, where there are any.
        let state = self.objective.refresh(theta, state);
        let mut tape = Tape::new();
        let data = tape.parameter(p, Shape::new(features, 1));
        let mut recorder = Recorder::new(&mut tape, 1, Mode::Running);
        if self.network.forward(&mut recorder, data).is_err() {
            return unknown();
        }
        let nodes: Vec<_> =
            recorder.traces.iter().filter(|t| t.weight.is_some()).map(|t| t.signal.node).collect();
        let (tangents, reads) = TangentPlan::new(&tape, &nodes, |n| n == data, None);
        let primal = Plan::new(tangents.tape().clone(), &reads, &[]);
        let (mut values, mut logs) = (primal.workspace(), vec![[0.0; 3]; nodes.len()]);
        let count = count.min(self.samples.len());
        // Tangents of so many inputs at once: most of a direction is zeros in theta's place.
        const BLOCK: usize = 16;
        let mut pushed = tangents.workspace(BLOCK);
        for sample in 0..count {
            let [x, ..] = self.samples.inputs(&(sample..sample + 1));
            let point = [theta, x].concat();
            let bindings = Bindings { theta: &point, state: &state, inputs: &[] };
            primal.run(&bindings, &mut values);
            let kept = primal.values(bindings, &values);
            let mut columns: Vec<Vec<f64>> = vec![Vec::new(); nodes.len()];
            for first in (0..features).step_by(BLOCK) {
                let mut directions = vec![E::ZERO; BLOCK * point.len()];
                for (j, input) in (first..features.min(first + BLOCK)).enumerate() {
                    directions[j * point.len() + p + input] = E::ONE;
                }
                tangents.run(&kept, &directions, BLOCK, &mut pushed);
                for (node, columns) in nodes.iter().zip(&mut columns) {
                    let block = tangents.tangent(*node, &directions, point.len(), &pushed);
                    for j in 0..BLOCK.min(features - first) {
                        match block {
                            Some(block) => columns.extend(block.slab(j).data.iter().map(|x| x.to_f64())),
                            None => columns.extend(vec![0.0; tape.shape(*node).size()]),
                        }
                    }
                }
            }
            for (columns, logs) in columns.iter().zip(&mut logs) {
                let extremes = singular_values(columns, features);
                logs.iter_mut().zip(extremes).for_each(|(l, s)| *l += s.ln() / count as f64);
            }
        }
        std::array::from_fn(|k| logs.iter().map(|l| l[k].exp()).collect())
    }
}

impl<E: Element> Propagate for Propagation<E> {
    fn names(&self) -> Vec<String> {
        self.layers.iter().map(|l| l.name.clone()).collect()
    }

    fn bytes(&self) -> usize {
        self.plan.bytes::<E>()
    }

    fn measure(&self, init: &Initializer, seed: u64, jacobian_samples: usize) -> [Vec<f64>; 8] {
        let drawn = self.network.init(init, &Streams::new(seed));
        let mut theta: Vec<E> = drawn.into_iter().map(E::from_f64).collect();
        let inputs = self.samples.inputs(&(0..self.samples.len()));
        self.network.adapt(init, inputs[0], &mut theta);
        let state = self.network.start(&theta);
        let bindings = Bindings { theta: &theta, state: &state, inputs: &inputs };
        let mut workspace = self.plan.workspace();
        self.plan.run(&bindings, &mut workspace);
        let values = self.plan.values(bindings, &workspace);
        let mut gradient = vec![E::ZERO; theta.len()];
        self.program.read_gradient(&values, &mut gradient);
        let n = self.samples.len() as f64;
        let mut all: [Vec<f64>; 8] = Default::default();
        for layer in &self.layers {
            let z = values.of(layer.output).data;
            let (mean, square) = moments(z);
            all[0].push(square);
            all[1].push(layer.cotangent.map_or(f64::NAN, |g| moments(values.of(g).data).1));
            all[2].push((square - mean * mean).max(0.0).sqrt());
            let dead = |node| dead_share(values.of(node).data, n as usize);
            all[3].push(layer.active.map_or(f64::NAN, dead));
            let range = self.network.layout().parameters[layer.weight].range();
            all[4].push(gradient[range].iter().map(|g| g.to_f64().powi(2)).sum::<f64>().sqrt() / n);
        }
        let jacobian = self.jacobian(&theta, &state, jacobian_samples);
        all[5..].iter_mut().zip(jacobian).for_each(|(all, values)| *all = values);
        all
    }
}

/// Mean and mean square.
fn moments<E: Element>(x: &[E]) -> (f64, f64) {
    let n = x.len() as f64;
    let mean = x.iter().map(|x| x.to_f64()).sum::<f64>() / n;
    (mean, x.iter().map(|x| x.to_f64().powi(2)).sum::<f64>() / n)
}

/// Share of units (a channel at a position) that are the same number for every sample.
fn dead_share<E: Element>(x: &[E], samples: usize) -> f64 {
    let size = x.len() / samples.max(1);
    // A sample's numbers lie together, whether it is a vector or an image.
    let first = &x[..size];
    let mut same = vec![true; size];
    for sample in x.chunks_exact(size) {
        same.iter_mut().zip(sample.iter().zip(first)).for_each(|(s, (x, f))| *s &= x == f);
    }
    same.iter().filter(|s| **s).count() as f64 / size as f64
}

/// Largest, median and smallest of the singular values of a matrix of `columns` columns; NaN if it is not finite.
fn singular_values(entries: &[f64], columns: usize) -> [f64; 3] {
    let rows = entries.len() / columns;
    // One number that is none makes the decomposition take seconds and fail.
    if !entries.iter().all(|x| x.is_finite()) {
        return [f64::NAN; 3];
    }
    let matrix = faer::MatRef::from_column_major_slice(entries, rows, columns);
    match matrix.singular_values() {
        Ok(mut s) if !s.is_empty() => {
            s.sort_by(|a, b| b.total_cmp(a));
            [s[0], s[s.len() / 2], s[s.len() - 1].max(0.0)]
        }
        _ => [f64::NAN; 3],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_units_say_the_same_for_every_sample() {
        assert_eq!(dead_share(&[0.0, 1.0, 0.0, 2.0, 0.0, 3.0f64], 3), 0.5);
    }

    #[test]
    fn singular_values_of_a_diagonal_are_its_entries() {
        let [most, middle, least] = singular_values(&[3.0, 0.0, 0.0, 0.0, -2.0, 0.0, 0.0, 0.0, 1.0], 3);
        for (found, expected) in [(most, 3.0), (middle, 2.0), (least, 1.0)] {
            assert!((found - expected).abs() < 1e-14);
        }
        assert!(singular_values(&[f64::NAN], 1)[0].is_nan());
    }
}
