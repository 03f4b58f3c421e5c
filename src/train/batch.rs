//! The gradient of a mini-batch, on buffers that are used again in every step.
//!
//! A large batch is cut into parts that run in parallel; how many depends on the work in it and never on the
//! number of threads, and their sums are added in order, so that the bytes stay the same.

use crate::autodiff::elementary::vectorised;
use crate::autodiff::{Bindings, Element, Plan, Program, Values, Workspace};
use crate::nn::objective::even_cuts;
use crate::nn::{Network, Samples};
use rayon::prelude::*;

/// Multiplications worth a task of their own: about a millisecond.
const TASK: usize = 50_000_000;
/// Most parts of a batch.
const PARTS: usize = 8;

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

    /// Runs the samples at `indices` and returns their mean loss; [`BatchGradient::gradient`] then gives its
    /// gradient.
    pub fn run(&mut self, theta: &[E], all: &Samples<E>, indices: &[u32]) -> f64 {
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
        let sums = self.parts.iter().map(|part| {
            let losses = part.values().of(part.program.losses()).data;
            losses.iter().map(|l| l.to_f64()).sum::<f64>()
        });
        sums.sum::<f64>() / self.samples as f64
    }

    /// Writes the gradient of the mean loss of the last run, from element `start` on, over `out`. Block by block,
    /// so that whoever uses a block finds it in cache.
    pub fn gradient(&self, start: usize, out: &mut [E]) {
        out.fill(E::ZERO);
        let scale = E::from_f64(1.0 / self.samples as f64);
        vectorised(
            #[inline(always)]
            || {
                for part in &self.parts {
                    let values = part.values();
                    part.program.gradient_runs(
                        &values,
                        start..start + out.len(),
                        #[inline(always)]
                        |offset, run| {
                            let out = out[offset - start..][..run.len()].iter_mut().zip(run);
                            out.for_each(|(o, g)| *o += scale * *g);
                        },
                    );
                }
            },
        );
    }
}

impl<E: Element> Part<E> {
    /// What the last run computed. Losses and gradients lie in the workspace: theta and data are not asked for.
    fn values(&self) -> Values<'_, E> {
        self.plan.values(Bindings { theta: &[], inputs: &[] }, &self.workspace)
    }

    fn run(&mut self, theta: &[E], all: &Samples<E>, indices: &[u32]) {
        all.gather(indices, &mut self.data, &mut self.targets);
        let inputs: [&[E]; 2] = [&self.data, &self.targets];
        self.plan.run(&Bindings { theta, inputs: &inputs }, &mut self.workspace);
    }
}
