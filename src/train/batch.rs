//! The gradient of a mini-batch, with no allocation in steady state.
//!
//! A large batch is cut into parts that run in parallel; how many depends on the work in it and never on the
//! number of threads, and their sums are added in order, so that the bytes stay the same.

use crate::autodiff::{Bindings, Element, Plan, Program, Workspace};
use crate::nn::objective::even_cuts;
use crate::nn::{Network, Samples};
use rayon::prelude::*;

/// Multiplications worth a task of their own: about a millisecond.
const TASK: usize = 50_000_000;
/// Most parts of a batch.
const PARTS: usize = 8;
/// Elements of the gradient that one task adds up.
const BLOCK: usize = 1 << 14;

#[derive(Debug)]
struct Part<E> {
    program: Program,
    plan: Plan,
    workspace: Workspace<E>,
    data: Vec<E>,
    targets: Vec<E>,
    samples: usize,
}

/// Computes gradients of batches of one size.
#[derive(Debug)]
pub struct BatchGradient<E> {
    parts: Vec<Part<E>>,
    samples: usize,
}

impl<E: Element> BatchGradient<E> {
    /// For batches of `samples` samples.
    pub fn new(network: &Network, samples: usize) -> Self {
        let work = 3 * network.layout().size() * samples;
        let count = (work / TASK).clamp(1, PARTS.min(samples));
        let parts = even_cuts(samples, samples.div_ceil(count))
            .into_iter()
            .map(|range| {
                let samples = range.len();
                let program = network.program(samples);
                let plan = program.gradient_plan();
                Part {
                    workspace: plan.workspace(),
                    data: vec![E::ZERO; samples * network.features()],
                    targets: vec![E::ZERO; samples * network.spec().outputs],
                    program,
                    plan,
                    samples,
                }
            })
            .collect();
        Self { parts, samples }
    }

    /// Batch size.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Writes the gradient of the mean loss over the samples at `indices` and returns that loss.
    pub fn compute(&mut self, theta: &[E], all: &Samples<E>, indices: &[u32], gradient: &mut [E]) -> f64 {
        let mut start = 0;
        let mut tasks: Vec<(&mut Part<E>, &[u32])> = Vec::with_capacity(self.parts.len());
        for part in &mut self.parts {
            let end = start + part.samples;
            tasks.push((part, &indices[start..end]));
            start = end;
        }
        match tasks.as_mut_slice() {
            [(part, indices)] => part.run(theta, all, indices),
            many => many.par_iter_mut().for_each(|(part, indices)| part.run(theta, all, indices)),
        }
        let scale = 1.0 / self.samples as f64;
        let parts = &self.parts;
        let sum = |(block, out): (usize, &mut [E])| {
            let start = block * BLOCK;
            for (part, first) in parts.iter().zip(std::iter::once(true).chain(std::iter::repeat(false))) {
                let values = part.plan.values(part.bindings(theta), &part.workspace);
                part.program.gradient_runs(&values, start..start + out.len(), |offset, run| {
                    let out = out[offset - start..][..run.len()].iter_mut().zip(run);
                    match first {
                        true => out.for_each(|(o, g)| *o = *g),
                        false => out.for_each(|(o, g)| *o += *g),
                    }
                });
            }
            let scale = E::from_f64(scale);
            out.iter_mut().for_each(|g| *g *= scale);
        };
        match gradient.len() <= BLOCK {
            true => sum((0, gradient)),
            false => gradient.par_chunks_mut(BLOCK).enumerate().for_each(sum),
        }
        let losses = parts.iter().map(|part| {
            let values = part.plan.values(part.bindings(theta), &part.workspace);
            values.of(part.program.losses()).data.iter().map(|l| l.to_f64()).sum::<f64>()
        });
        losses.sum::<f64>() * scale
    }
}

impl<E: Element> Part<E> {
    fn bindings<'a>(&'a self, theta: &'a [E]) -> Bindings<'a, E> {
        Bindings { theta, inputs: &[] }
    }

    fn run(&mut self, theta: &[E], all: &Samples<E>, indices: &[u32]) {
        all.gather(indices, &mut self.data, &mut self.targets);
        let inputs: [&[E]; 2] = [&self.data, &self.targets];
        self.plan.run(&Bindings { theta, inputs: &inputs }, &mut self.workspace);
    }
}
