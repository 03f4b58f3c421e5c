//! The gradient of a mini-batch, on buffers that are used again in every step.
//!
//! A large batch is cut into parts that run in parallel; how many depends on the work in it and never on the
//! number of threads, and their sums are added in order, so that the bytes stay the same. Where statistics over the
//! batch enter the network (batch norm), it is not cut: there the primitives share their own work out.
//!
//! Workers of data-parallel training are parts too, as many as there are workers: the mean of their gradients, weighed by
//! their samples, is the batch's own. Each has its own statistics, and running ones follow the mean of the workers'. Of a batch
//! that is too small for that only as many workers get a part as have statistics.

use super::Batches;
use crate::autodiff::elementary::vectorised;
use crate::autodiff::{Bindings, Element, Plan, Program, Values, Workspace};
use crate::base::{Result, Streams, parallel};
use crate::data::{Augment, Dataset};
use crate::nn::chunks::even_parts;
use crate::nn::recorder::{Follow, Mask};
use crate::nn::{Beside, Mode, Network, Recording, Samples};
use rand::RngExt;

/// Multiplications worth a task of their own: about a millisecond.
const TASK: usize = 50_000_000;
/// Most parts of a batch.
const PARTS: usize = 8;

#[derive(Debug)]
struct Part<E> {
    program: Program,
    plan: Plan,
    workspace: Workspace<E>,
    /// Data, targets, what stands beside them (empty without), masks of dropout.
    inputs: Vec<Vec<E>>,
    masks: Vec<Mask>,
    follows: Vec<(Follow, std::ops::Range<usize>)>,
    samples: usize,
}

/// What is random in a step, each number a pure function of (stream, step, layer, sample).
#[derive(Clone, Copy, Debug)]
pub struct Noise<'a, E> {
    /// The run's streams.
    pub streams: Streams,
    /// Steps done before.
    pub step: u64,
    /// The epoch that runs.
    pub epoch: usize,
    /// How images are varied, if they are.
    pub vary: Option<&'a Vary<E>>,
}

/// Augmentation of a data set's images.
#[derive(Clone, Debug)]
pub struct Vary<E> {
    augment: Augment,
    shape: [usize; 3],
    padding: Vec<E>,
}

impl<E: Element> Vary<E> {
    /// As asked for, if at all; refuses samples that this cannot be done to.
    pub fn new(augment: Augment, dataset: &Dataset) -> Result<Option<Self>> {
        let shape = augment.check(&dataset.shape)?;
        let padding = dataset.padding().into_iter().map(E::from_f64).collect();
        Ok((!augment.is_none()).then_some(Self { augment, shape, padding }))
    }

    /// What was asked for.
    pub fn augment(&self) -> Augment {
        self.augment
    }

    fn apply(&self, noise: &Noise<E>, sample: u32, x: &mut [E]) {
        let mut rng = noise.streams.stream(&format!("train/augment/{}", noise.epoch), u64::from(sample));
        let original = x.to_vec();
        self.augment.apply_padded(&self.shape, &self.padding, &mut rng, &original, x);
    }
}

/// Computes gradients of all batches of an epoch.
#[derive(Debug)]
pub struct EpochGradient<E> {
    whole: BatchGradient<E>,
    last: Option<BatchGradient<E>>,
}

impl<E: Element> EpochGradient<E> {
    /// For these batches; the rest as [`BatchGradient::new`] has it.
    pub fn new(
        network: &Network,
        batches: &Batches,
        beside: impl Into<Beside>,
        workers: Option<usize>,
    ) -> Self {
        let (whole, last) = batches.sizes();
        let beside = beside.into();
        let of = |samples| BatchGradient::new(network, samples, beside, workers);
        Self { whole: of(whole), last: last.map(of) }
    }

    /// What computes batches of so many samples.
    pub fn of(&mut self, samples: usize) -> &mut BatchGradient<E> {
        match &mut self.last {
            Some(last) if last.samples == samples => last,
            _ => &mut self.whole,
        }
    }
}

/// Computes gradients of batches of one size.
#[derive(Debug)]
pub struct BatchGradient<E> {
    parts: Vec<Part<E>>,
    samples: usize,
}

impl<E: Element> BatchGradient<E> {
    /// For batches of `samples` samples, shared out among `workers` where there are any, as far as each gets enough for
    /// statistics; `beside` says what stands beside their targets.
    pub fn new(network: &Network, samples: usize, beside: impl Into<Beside>, workers: Option<usize>) -> Self {
        let (work, beside) = (3 * network.multiplications() * samples, beside.into());
        let (couples, together) = (network.layout().couples_samples, network.together());
        let count = match (workers, together) {
            // A graph of a fixed batch: a part is a group of its size.
            (_, Some(group)) if group < usize::MAX => (samples / group).max(1),
            (Some(workers), _) => {
                let least = if couples { network.layout().fewest_samples() } else { 1 };
                workers.clamp(1, (samples / least).max(1))
            }
            (None, _) if couples || together.is_some() => 1,
            (None, _) => {
                let count = (work / TASK).clamp(1, PARTS.min(samples));
                samples.div_ceil(samples.div_ceil(count))
            }
        };
        let parts = even_parts(samples, count)
            .into_iter()
            .map(|range| Part::new(network, range.len(), beside))
            .collect();
        Self { parts, samples }
    }

    /// Batch size.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Runs the samples at `indices` and returns their mean loss; [`BatchGradient::gradient`] then gives its
    /// gradient.
    pub fn run(
        &mut self,
        theta: &[E],
        state: &[E],
        all: &Samples<E>,
        indices: &[u32],
        noise: &Noise<E>,
    ) -> f64 {
        let mut start = 0;
        let mut tasks: Vec<(&mut Part<E>, &[u32])> = Vec::with_capacity(self.parts.len());
        for part in &mut self.parts {
            let end = start + part.samples;
            tasks.push((part, &indices[start..end]));
            start = end;
        }
        match tasks.as_mut_slice() {
            [(part, indices)] => part.run(theta, state, all, indices, noise),
            many => {
                parallel::each_mut(many, &|_, (part, indices)| part.run(theta, state, all, indices, noise))
            }
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

    /// Lets the running statistics in `state` follow those of the last run.
    pub fn follow(&self, state: &mut [E]) {
        for (i, part) in self.parts.iter().enumerate() {
            let (values, share) = (part.values(), part.samples as f64 / self.samples as f64);
            for (follow, range) in &part.follows {
                // What was there before fades once, however many workers add to it.
                let keep = if i == 0 { 1.0 - follow.momentum } else { 1.0 };
                let take = follow.momentum * share * follow.factor;
                for (old, new) in state[range.clone()].iter_mut().zip(values.of(follow.node).data) {
                    *old = E::from_f64(keep * old.to_f64() + take * new.to_f64());
                }
            }
        }
    }
}

impl<E: Element> Part<E> {
    fn new(network: &Network, samples: usize, beside: Beside) -> Self {
        let Recording { program, follows, masks, .. } = network.record(samples, Mode::Training, beside);
        let nodes: Vec<_> = follows.iter().map(|f| f.node).collect();
        let plan = program.gradient_plan_with(&nodes);
        let outputs = network.spec().outputs;
        let sizes = [network.features(), outputs, beside.rows(outputs)];
        let sizes = sizes.into_iter().chain(masks.iter().map(|m| m.size));
        let buffers = &network.layout().buffers;
        Self {
            workspace: plan.workspace(),
            inputs: sizes.map(|size| vec![E::ZERO; samples * size]).collect(),
            follows: follows.into_iter().map(|f| (f.clone(), buffers[f.buffer].range())).collect(),
            program,
            plan,
            masks,
            samples,
        }
    }

    /// What the last run computed. Losses and gradients lie in the workspace: theta and data are not asked for.
    fn values(&self) -> Values<'_, E> {
        self.plan.values(Bindings { theta: &[], state: &[], inputs: &[] }, &self.workspace)
    }

    fn run(&mut self, theta: &[E], state: &[E], all: &Samples<E>, indices: &[u32], noise: &Noise<E>) {
        if let [data, targets, observed, masks @ ..] = self.inputs.as_mut_slice() {
            all.gather(indices, data, targets, observed);
            if let Some(vary) = noise.vary {
                let features = data.len() / indices.len().max(1);
                for (index, x) in indices.iter().zip(data.chunks_exact_mut(features)) {
                    vary.apply(noise, *index, x);
                }
            }
            for (layer, (mask, values)) in self.masks.iter().zip(masks).enumerate() {
                for (index, column) in indices.iter().zip(values.chunks_exact_mut(mask.size)) {
                    drop_some(mask.rate, &noise.streams, noise.step, layer, *index, column);
                }
            }
        }
        let inputs: Vec<&[E]> = self.inputs.iter().filter(|v| !v.is_empty()).map(Vec::as_slice).collect();
        self.plan.run(&Bindings { theta, state, inputs: &inputs }, &mut self.workspace);
    }
}

/// The mask of dropout for one sample: 0 with probability `rate`, else 1 / (1 - rate).
fn drop_some<E: Element>(rate: f64, streams: &Streams, step: u64, layer: usize, sample: u32, mask: &mut [E]) {
    let mut rng = streams.stream(&format!("train/dropout/{layer}/{sample}"), step);
    let kept = E::from_f64(1.0 / (1.0 - rate));
    mask.iter_mut().for_each(|m| *m = if rng.random::<f64>() < rate { E::ZERO } else { kept });
}
