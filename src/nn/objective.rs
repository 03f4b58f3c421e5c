//! The mean loss of a network over given samples: value, accuracy, gradient.
//!
//! Samples are cut into [chunks], so that the bytes of a result do not depend on the number of threads: they are
//! computed in parallel, their sums added in order, in f64.

use super::chunks::{self, Chunk};
use super::losses::Criterion;
use super::recorder::Follow;
use super::{Beside, Evaluation, Linearization, Mode, Network, Samples, Tally};
use crate::autodiff::elementary::vectorised;
use crate::autodiff::{Bindings, Curvature, Element, Node, Plan, Program, Workspace};
use crate::base::{Error, Result, Streams, interrupt, parallel, pool::Pool};
use std::ops::Range;
use std::sync::Arc;

/// A network with the samples that its loss is the mean over.
#[derive(Debug)]
pub struct Objective<E> {
    network: Arc<Network>,
    samples: Arc<Samples<E>>,
    statistics: Statistics,
    chunks: Vec<Chunk>,
    /// Programs for the two chunk sizes that occur, larger first, with plans for the loss alone.
    programs: Arc<Vec<(Program, Plan)>>,
    /// For each program, further scalars by name.
    metrics: Arc<Vec<Vec<(String, Node)>>>,
    /// For each program, statistics that the state can follow, and a plan for them; none with running statistics.
    follows: Arc<Vec<(Vec<Follow>, Plan)>>,
    workspaces: Vec<Pool<Workspace<E>>>,
    /// Those of `follows`.
    passes: Vec<Pool<Workspace<E>>>,
    parts: Pool<Vec<E>>,
}

/// Which statistics batch norm and its kin use where a network is evaluated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Statistics {
    /// The running ones, frozen in the state: each sample by itself.
    #[default]
    Running,
    /// Those of groups of samples, in stored order, of at most so many, whose sizes differ by at most one. A group that would
    /// be too small for statistics ([`Layout::fewest_samples`](super::Layout::fewest_samples)) is merged with its neighbours.
    /// A group is a chunk: values, products and slices mean the same function.
    Groups(usize),
}

impl<E: Element> Objective<E> {
    /// The mean loss of `network` over `samples`.
    pub fn new(network: Arc<Network>, samples: Arc<Samples<E>>, statistics: Statistics) -> Self {
        let layout = network.layout();
        let (columns, least, mode) = match statistics {
            // A graph of a fixed batch takes no other, whose statistics they share where asked for.
            asked if network.together().is_some_and(|n| n < usize::MAX) => {
                let batch = layout.couples_samples && asked != Statistics::Running;
                (chunks::columns(&network), 1, if batch { Mode::Batch } else { Mode::Running })
            }
            // Samples whose losses can't be told apart come in groups without statistics, too.
            Statistics::Groups(size) if network.together() == Some(usize::MAX) => (size, 1, Mode::Running),
            Statistics::Groups(size) if layout.couples_samples => {
                (size, layout.fewest_samples(), Mode::Batch)
            }
            _ => (chunks::columns(&network), 1, Mode::Running),
        };
        let cuts = chunks::even_cuts(samples.len(), columns, least);
        let mut sizes: Vec<usize> = cuts.iter().map(ExactSizeIterator::len).collect();
        sizes.dedup();
        let chunk = |(index, samples): (usize, Range<usize>)| {
            // Sizes differ by at most one: the first of two, or the other.
            let program = usize::from(samples.len() != sizes[0]);
            Chunk { index, samples, program }
        };
        let chunks = cuts.into_iter().enumerate().map(chunk).collect();
        let (mut programs, mut follows, mut metrics) = (Vec::new(), Vec::new(), Vec::new());
        for size in &sizes {
            let recording = network.record(*size, mode, samples.beside());
            metrics.push(recording.metrics);
            let nodes: Vec<Node> = recording.follows.iter().map(|f| f.node).collect();
            follows.push((recording.follows, Plan::new(recording.program.tape().clone(), &nodes, &[])));
            let plan = recording.program.value_plan();
            programs.push((recording.program, plan));
        }
        let [workspaces, passes] = [(); 2].map(|()| programs.iter().map(|_| Pool::default()).collect());
        let (programs, follows, metrics) = (Arc::new(programs), Arc::new(follows), Arc::new(metrics));
        let parts = Pool::default();
        Self { network, samples, statistics, chunks, programs, metrics, follows, workspaces, passes, parts }
    }

    /// The mean loss of the same network over other samples. With as many of them, programs are shared.
    pub fn over(&self, samples: Arc<Samples<E>>) -> Self {
        if (samples.len(), samples.beside()) != (self.samples.len(), self.samples.beside()) {
            return Self::new(self.network.clone(), samples, self.statistics);
        }
        Self {
            network: self.network.clone(),
            samples,
            statistics: self.statistics,
            chunks: self.chunks.clone(),
            programs: self.programs.clone(),
            metrics: self.metrics.clone(),
            follows: self.follows.clone(),
            workspaces: self.programs.iter().map(|_| Pool::default()).collect(),
            passes: self.programs.iter().map(|_| Pool::default()).collect(),
            parts: Pool::default(),
        }
    }

    /// What the network puts out for every sample, outputs x samples.
    pub fn outputs(&self, theta: &[E], state: &[E]) -> Vec<f64> {
        let outputs: Vec<Vec<E>> = self.each_chunk(&|chunk| {
            let (program, plan) = &self.programs[chunk.program];
            let inputs = self.inputs(chunk);
            let bindings = Bindings { theta, state, inputs: &inputs };
            let mut workspace = plan.workspace();
            plan.run(&bindings, &mut workspace);
            plan.values(bindings, &workspace).of(program.outputs()).data.to_vec()
        });
        outputs.concat().into_iter().map(E::to_f64).collect()
    }

    /// Further scalars that a graph returns, by name: their means over the chunks, weighed by samples.
    pub fn metrics(&self, theta: &[E], state: &[E]) -> Vec<(String, f64)> {
        let Some(names) = self.metrics.first() else { return Vec::new() };
        let of = |chunk: &Chunk| -> Vec<f64> {
            let nodes: Vec<Node> = self.metrics[chunk.program].iter().map(|(_, node)| *node).collect();
            let plan = Plan::new(self.program(chunk).tape().clone(), &nodes, &[]);
            let inputs = self.inputs(chunk);
            let bindings = Bindings { theta, state, inputs: &inputs };
            let mut workspace = plan.workspace();
            plan.run(&bindings, &mut workspace);
            let values = plan.values(bindings, &workspace);
            let weight = chunk.samples.len() as f64 / self.samples() as f64;
            nodes.iter().map(|node| weight * values.of(*node).data[0].to_f64()).collect()
        };
        let parts: Vec<Vec<f64>> = if names.is_empty() { Vec::new() } else { self.each_chunk(&of) };
        let mean =
            |(i, (name, _)): (usize, &(String, Node))| (name.clone(), parts.iter().map(|p| p[i]).sum());
        names.iter().enumerate().map(mean).collect()
    }

    /// Mean loss and accuracy of predictions for every sample (outputs x samples), such as the mean of several networks'
    /// ([`Criterion::predict`]); none where samples have unobserved targets.
    pub fn judge(&self, predictions: &[f64]) -> Option<Evaluation> {
        if self.samples.masked() {
            return None;
        }
        let [_, targets, _] = self.samples.inputs(&(0..self.samples()));
        let targets: Vec<f64> = targets.iter().map(|t| t.to_f64()).collect();
        let loss = &self.network.spec().loss;
        let rows = self.network.spec().outputs;
        let columns = predictions.chunks(rows).zip(targets.chunks(rows));
        let of = |(i, (p, t)): (usize, (&[f64], &[f64]))| self.samples.weight(i) * loss.of_prediction(p, t);
        let losses: Vec<f64> = columns.enumerate().map(of).collect();
        let mean = losses.iter().sum::<f64>() / losses.len() as f64;
        let labels = self.samples.labels(&(0..self.samples()));
        // Who is right does not depend on the loss.
        let tally = Tally::of(&vec![0.0; losses.len()], predictions, labels);
        Some(Evaluation { loss: mean, ..tally.mean(self.samples()) })
    }

    /// The same samples, `draws` times each, with targets drawn from the distribution that the network's outputs at
    /// `theta` mean: what [`Curvature::Fisher`] is the true Fisher matrix of, sampled. Fails where the loss is no
    /// log-likelihood.
    pub fn drawn(&self, theta: &[E], state: &[E], draws: usize, streams: &Streams) -> Result<Self> {
        let loss = &self.network.spec().loss;
        if self.samples.beside() == Beside::Weights {
            return Err(Error::expected("true Fisher", "samples that count the same", "weights of samples"));
        }
        let outputs = self.outputs(theta, state);
        let mut targets = vec![0.0; outputs.len() * draws];
        let rows = self.network.spec().outputs;
        for (i, all) in targets.chunks_mut(outputs.len().max(1)).enumerate() {
            let mut rng = streams.stream("fisher/targets", i as u64);
            for (target, outputs) in all.chunks_mut(rows).zip(outputs.chunks(rows)) {
                if !loss.draw(outputs, &mut rng, target) {
                    let expected = "a loss that is a log-likelihood (cross-entropy, squared-error, logistic)";
                    return Err(Error::expected("true Fisher", expected, loss));
                }
            }
        }
        Ok(self.over(Arc::new(self.samples.repeated(draws, &targets))))
    }

    /// The same samples with other targets (outputs x samples).
    pub fn with_targets(&self, targets: &[f64]) -> Self {
        self.over(Arc::new(self.samples.repeated(1, targets)))
    }

    /// Targets (outputs x samples) and labels of all samples; no labels in regression.
    pub fn answers(&self) -> (Vec<f64>, Vec<u32>) {
        let all = 0..self.samples();
        let [_, targets, _] = self.samples.inputs(&all);
        (targets.iter().map(|t| t.to_f64()).collect(), self.samples.labels(&all).to_vec())
    }

    /// The network.
    pub fn network(&self) -> &Arc<Network> {
        &self.network
    }

    /// The samples.
    pub fn all(&self) -> &Arc<Samples<E>> {
        &self.samples
    }

    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.samples.len()
    }

    /// Which statistics norms use.
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// The runs of samples that are computed at once.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// The programs for the chunk sizes that occur.
    pub fn programs(&self) -> impl ExactSizeIterator<Item = &Program> {
        self.programs.iter().map(|(program, _)| program)
    }

    /// The program that has a chunk's size.
    pub fn program(&self, chunk: &Chunk) -> &Program {
        &self.programs[chunk.program].0
    }

    /// Data, targets and what stands beside them, of a chunk.
    pub fn inputs(&self, chunk: &Chunk) -> [&[E]; 3] {
        self.samples.inputs(&chunk.samples)
    }

    /// Labels of a chunk.
    pub fn labels(&self, chunk: &Chunk) -> &[u32] {
        self.samples.labels(&chunk.samples)
    }

    /// Bytes of the buffers in which one chunk is evaluated.
    pub fn bytes(&self) -> usize {
        self.programs.iter().map(|(_, plan)| plan.bytes::<E>()).max().unwrap_or(0)
    }

    /// Runs `work` on as many chunks, from the first on, as fit into `memory` bytes together, in parallel; `None`
    /// for the others.
    pub fn within_memory<R: Send>(
        &self,
        memory: usize,
        bytes: impl Fn(&Chunk) -> usize,
        work: impl Fn(&Chunk) -> R + Sync,
    ) -> Vec<Option<R>> {
        let mut left = memory;
        let fits: Vec<bool> = self
            .chunks
            .iter()
            .map(|chunk| {
                let rest = left.checked_sub(bytes(chunk));
                left = rest.unwrap_or(0);
                rest.is_some()
            })
            .collect();
        self.each_chunk(&|chunk| fits[chunk.index].then(|| work(chunk)))
    }

    /// What `work` makes of each chunk, in parallel.
    pub(crate) fn each_chunk<R: Send>(&self, work: &(dyn Fn(&Chunk) -> R + Sync)) -> Vec<R> {
        parallel::map(self.chunks.len(), &|i| work(&self.chunks[i]))
    }

    /// Mean loss and accuracy at `theta` and `state`, with no tape kept. Once a signal asks for a stop, the rest of the
    /// samples is left out and the result is NaN: who gets one asks [`interrupt::requested`] before believing it.
    pub fn evaluate(&self, theta: &[E], state: &[E]) -> Evaluation {
        let tallies: Vec<Tally> = self.each_chunk(&|chunk| {
            if interrupt::requested().is_some() {
                return Tally::stopped();
            }
            let (program, plan) = &self.programs[chunk.program];
            let inputs = self.inputs(chunk);
            let bindings = Bindings { theta, state, inputs: &inputs };
            self.workspaces[chunk.program].with(
                || plan.workspace(),
                |workspace| {
                    plan.run(&bindings, workspace);
                    let values = plan.values(bindings, workspace);
                    let of = |node| values.of(node).data;
                    Tally::read(program, of, self.labels(chunk))
                },
            )
        });
        Tally::sum(tallies).mean(self.samples())
    }

    /// The state recomputed. Singular vectors are renewed until they stand still. Running statistics are the means over all
    /// groups, weighed by their samples, as one pass over the samples in training mode would leave them with a cumulative
    /// average. Only an objective with [`Statistics::Groups`] does so; of others the state is what it was.
    pub fn refresh(&self, theta: &[E], state: &[E]) -> Vec<E> {
        let mut state = state.to_vec();
        if self.statistics == Statistics::Running {
            return state;
        }
        self.network.renew_to_convergence(theta, &mut state);
        let state = &state;
        let statistics: Vec<Vec<f64>> = self.each_chunk(&|chunk| {
            let (follows, plan) = &self.follows[chunk.program];
            let inputs = self.inputs(chunk);
            let bindings = Bindings { theta, state, inputs: &inputs };
            self.passes[chunk.program].with(
                || plan.workspace(),
                |workspace| {
                    plan.run(&bindings, workspace);
                    let values = plan.values(bindings, workspace);
                    let of = |f: &Follow| -> Vec<f64> {
                        values.of(f.node).data.iter().map(|x| f.factor * x.to_f64()).collect()
                    };
                    follows.iter().flat_map(of).collect()
                },
            )
        });
        let mut state = state.to_vec();
        let (mut at, n) = (0, self.samples() as f64);
        for follow in self.follows.first().map_or(&[][..], |(follows, _)| follows) {
            let range = self.network.layout().buffers[follow.buffer].range();
            for element in &mut state[range] {
                let parts = self.chunks.iter().zip(&statistics);
                let sum: f64 = parts.map(|(chunk, s)| chunk.samples.len() as f64 * s[at]).sum();
                *element = E::from_f64(sum / n);
                at += 1;
            }
        }
        state
    }

    /// Mean loss and accuracy, and the gradient of the mean loss. A signal cuts it short, as [`Objective::evaluate`].
    pub fn gradient(&self, theta: &[E], state: &[E]) -> (Evaluation, Vec<f64>) {
        let plans: Vec<Plan> = self.programs().map(Program::gradient_plan).collect();
        let (tallies, gradient) = self.sum_over_chunks(theta.len(), |chunk, out| {
            if interrupt::requested().is_some() {
                out.fill(E::ZERO);
                return Tally::stopped();
            }
            let (program, _) = &self.programs[chunk.program];
            let (plan, inputs) = (&plans[chunk.program], self.inputs(chunk));
            let bindings = Bindings { theta, state, inputs: &inputs };
            let mut workspace = plan.workspace();
            plan.run(&bindings, &mut workspace);
            let values = plan.values(bindings, &workspace);
            program.read_gradient(&values, out);
            let of = |node| values.of(node).data;
            Tally::read(program, of, self.labels(chunk))
        });
        (Tally::sum(tallies).mean(self.samples()), gradient)
    }

    /// Exact products with the curvature at `theta` and `state`, with the primal values of as many chunks kept as fit
    /// into `memory` bytes.
    pub fn linearize(
        &self,
        theta: &[E],
        state: &[E],
        curvature: Curvature,
        memory: usize,
    ) -> Linearization<'_, E> {
        Linearization::new(self, theta, state, curvature, memory)
    }

    /// Runs `work` on every chunk, in parallel; it writes all of `size` numbers. Returns what it returned, in order,
    /// and the mean over samples of what it wrote, added in order in f64.
    pub(super) fn sum_over_chunks<R: Send>(
        &self,
        size: usize,
        work: impl Fn(&Chunk, &mut [E]) -> R + Sync,
    ) -> (Vec<R>, Vec<f64>) {
        let mut total = vec![0.0; size];
        let mut results = Vec::with_capacity(self.chunks.len());
        // A wave of chunks at a time bounds the memory of their results.
        for wave in self.chunks.chunks(WAVE) {
            let done = parallel::map(wave.len(), &|i| {
                let mut part = self.parts.take(Vec::new);
                part.resize(size, E::ZERO);
                (work(&wave[i], &mut part), part)
            });
            let (done, parts): (Vec<R>, Vec<Vec<E>>) = done.into_iter().unzip();
            let add = |block: usize, total: &mut [f64]| {
                vectorised(
                    #[inline(always)]
                    || {
                        for part in &parts {
                            for (t, x) in total.iter_mut().zip(&part[block * BLOCK..]) {
                                *t += x.to_f64();
                            }
                        }
                    },
                );
            };
            if size <= SERIAL {
                total.chunks_mut(BLOCK).enumerate().for_each(|(block, total)| add(block, total))
            } else {
                parallel::parts_mut(&mut total, BLOCK, &add)
            }
            results.extend(done);
            parts.into_iter().for_each(|part| self.parts.give(part));
        }
        let scale = 1.0 / self.samples() as f64;
        total.iter_mut().for_each(|t| *t *= scale);
        (results, total)
    }
}

/// Chunks whose results are held at once.
const WAVE: usize = 16;
/// Numbers added up together: their f64 sums fit into first-level cache.
const BLOCK: usize = 1 << 11;
/// Sizes up to which adding up is not worth sharing out.
const SERIAL: usize = 1 << 14;
