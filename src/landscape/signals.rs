//! What a network's layers put out over samples, chunk by chunk: for those who compare or correct the units of networks.

use crate::autodiff::{Bindings, Element, Node, Plan, View};
use crate::nn::chunks::Chunk;
use crate::nn::{Mode, Objective};
use rayon::prelude::*;

/// A network's parameters and state.
#[derive(Clone, Copy, Debug)]
pub struct At<'a, E> {
    /// The parameters.
    pub theta: &'a [E],
    /// The state.
    pub state: &'a [E],
}

/// Some layers of a network, recorded for the chunks of an objective, with running statistics.
pub struct Signals<'a, E> {
    objective: &'a Objective<E>,
    /// For each of the objective's programs, the layers' outputs and a plan for them.
    plans: Vec<(Vec<Node>, Plan)>,
}

impl<'a, E: Element> Signals<'a, E> {
    /// The outputs of the layers at these positions among the network's traces.
    pub fn new(objective: &'a Objective<E>, traces: &[usize]) -> Self {
        let network = objective.network();
        let mut plans = Vec::new();
        for chunk in objective.chunks() {
            if chunk.program == plans.len() {
                let masked = !objective.inputs(chunk)[2].is_empty();
                let recording = network.record(chunk.samples.len(), Mode::Running, masked);
                let nodes: Vec<Node> = traces.iter().map(|t| recording.traces[*t].signal.node).collect();
                let plan = Plan::new(recording.program.tape().clone(), &nodes, &[]);
                plans.push((nodes, plan));
            }
        }
        Self { objective, plans }
    }

    /// What `see` makes of each chunk, in order: it is shown, for each point, the layers' outputs, a channel a row.
    pub fn each<R: Send>(&self, points: &[At<E>], see: impl Fn(&[Vec<View<E>>]) -> R + Sync) -> Vec<R> {
        let run = |chunk: &Chunk| {
            let (nodes, plan) = &self.plans[chunk.program];
            let inputs = self.objective.inputs(chunk);
            let bindings: Vec<_> =
                points.iter().map(|p| Bindings { theta: p.theta, state: p.state, inputs: &inputs }).collect();
            let mut workspaces: Vec<_> = points.iter().map(|_| plan.workspace()).collect();
            let mut views = Vec::new();
            for (bindings, workspace) in bindings.iter().zip(&mut workspaces) {
                plan.run(bindings, workspace);
            }
            for (bindings, workspace) in bindings.iter().zip(&workspaces) {
                let values = plan.values(*bindings, workspace);
                views.push(nodes.iter().map(|n| values.of(*n)).collect());
            }
            see(&views)
        };
        self.objective.chunks().par_iter().map(run).collect()
    }

    /// Mean and standard deviation of each channel of each layer, over samples and positions.
    pub fn moments(&self, point: At<E>) -> Vec<Vec<(f64, f64)>> {
        // Sums around the first chunk's means lose no digits where means are far from zero.
        let sums = |around: Option<&Vec<Vec<f64>>>| {
            let parts = self.each(&[point], |views| {
                let of = |(t, view): (usize, &View<E>)| {
                    let mut sums = vec![[0.0; 3]; view.shape.rows];
                    for column in view.data.chunks_exact(view.shape.rows) {
                        for (c, (sum, x)) in sums.iter_mut().zip(column).enumerate() {
                            let x = x.to_f64() - around.map_or(0.0, |a| a[t][c]);
                            *sum = [sum[0] + 1.0, sum[1] + x, sum[2] + x * x];
                        }
                    }
                    sums
                };
                views[0].iter().enumerate().map(of).collect::<Vec<_>>()
            });
            let mut parts = parts.into_iter();
            let mut total = parts.next().unwrap_or_default();
            for part in parts {
                for (total, part) in total.iter_mut().flatten().zip(part.iter().flatten()) {
                    (0..3).for_each(|k| total[k] += part[k]);
                }
            }
            total
        };
        let first = sums(None);
        let means: Vec<Vec<f64>> =
            first.iter().map(|layer| layer.iter().map(|[n, x, _]| x / n).collect()).collect();
        let second = sums(Some(&means));
        let of = |(means, sums): (&Vec<f64>, &Vec<[f64; 3]>)| {
            let channel = |(mean, [n, x, square]): (&f64, &[f64; 3])| {
                let shift = x / n;
                (mean + shift, (square / n - shift * shift).max(0.0).sqrt())
            };
            means.iter().zip(sums).map(channel).collect()
        };
        means.iter().zip(&second).map(of).collect()
    }
}
