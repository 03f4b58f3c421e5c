//! Loss and accuracy at points theta + x d + y e of a plane.
//!
//! Along fixed directions, the part of a network before its first nonlinearity is affine in (x, y): its value,
//! F, and its two tangents, D and E, are computed once, and at every point it is (F + y E) + x D. For a
//! perceptron that replaces the product with the data, most of all work, by two additions. Which nodes of the
//! program these are follows from the degree of each primitive, so it holds for any leading linear piece.
//!
//! A point's value depends on its (x, y) alone: there are no running sums, and chunks of samples are added in
//! order, so points may be computed in any order, on any number of threads.

use crate::autodiff::elementary::vectorised;
use crate::autodiff::primitives::Primitive;
use crate::autodiff::{Bindings, Degree, Element, Node, Plan, Program, TangentPlan, Workspace};
use crate::base::{Error, Result, interrupt, pool::Pool};
use crate::nn::objective::Chunk;
use crate::nn::{Evaluation, Objective, Tally};
use rayon::prelude::*;
use std::ops::Range;

/// Most points of one y that a task computes.
const RUN: usize = 64;
/// Tasks whose results are held at once.
const BAND: usize = 4096;

/// How the program for one chunk size is cut.
#[derive(Debug)]
struct Cut {
    /// Values of the frontier at theta.
    prefix: Plan,
    /// Tangents of the frontier along the two directions.
    tangents: TangentPlan,
    /// What remains at every point.
    suffix: Plan,
    /// Where the cut goes through: affine nodes that something nonlinear reads.
    frontier: Vec<Node>,
    losses: Node,
    outputs: Node,
}

/// The frontier of one chunk: value and two tangents of each node, (x tangent, y tangent) empty for zero.
type Frontier<E> = Vec<[Vec<E>; 3]>;

/// The network's state on a plane.
pub enum State<'a, E> {
    /// The same everywhere.
    Frozen(Vec<E>),
    /// Made anew from theta at every point: refreshed statistics, singular vectors.
    Follows(&'a (dyn Fn(&[E]) -> Vec<E> + Sync)),
}

impl<E: std::fmt::Debug> std::fmt::Debug for State<'_, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Frozen(state) => f.debug_tuple("Frozen").field(state).finish(),
            Self::Follows(_) => f.write_str("Follows"),
        }
    }
}

fn interrupted() -> Error {
    let signal = interrupt::requested().unwrap_or(0);
    let kept = "an unfinished grid is not kept".to_owned();
    Error::Interrupted { at: "slice".to_owned(), kept, signal }
}

/// Evaluates points of one plane on one objective.
#[derive(Debug)]
pub struct Slicer<'a, E> {
    objective: &'a Objective<E>,
    theta: Vec<E>,
    state: State<'a, E>,
    directions: Vec<E>,
    cuts: Vec<Cut>,
    kept: Vec<Option<Frontier<E>>>,
    /// Where the parameters lie that the suffix reads.
    read: Vec<Range<usize>>,
    scratch: Vec<Pool<Scratch<E>>>,
}

/// What one task works on.
#[derive(Debug)]
struct Scratch<E> {
    workspace: Workspace<E>,
    /// The frontier at (0, y).
    row: Vec<Vec<E>>,
    /// Parameters at (0, y), and at (x, y).
    theta: [Vec<E>; 2],
}

/// `out = a + t b`; `b` empty for zero.
fn along<E: Element>(a: &[E], t: E, b: &[E], out: &mut [E]) {
    if b.is_empty() {
        out.copy_from_slice(a);
        return;
    }
    vectorised(
        #[inline(always)]
        move || {
            for ((o, a), b) in out.iter_mut().zip(a).zip(b) {
                *o = *a + t * *b;
            }
        },
    );
}

impl Cut {
    fn new(program: &Program, moves: impl Fn(usize) -> bool, state_moves: bool) -> Self {
        let tape = program.tape();
        let degrees = tape.degrees(|leaf| match leaf {
            Primitive::Parameter(offset) if moves(*offset) => Degree::Affine,
            Primitive::State(_) if state_moves => Degree::General,
            _ => Degree::Constant,
        });
        let moves = |n: Node| matches!(tape.record(n).op, Primitive::Parameter(offset) if moves(offset));
        let wanted = [program.losses(), program.outputs()];
        let leaf = |n: Node| tape.record(n).inputs.is_empty();
        let known = |n: Node| !leaf(n) && degrees[n.index()] != Degree::General;
        let mut frontier: Vec<Node> = Vec::new();
        let mut pending: Vec<Node> = wanted.to_vec();
        let mut seen = vec![false; degrees.len()];
        while let Some(node) = pending.pop() {
            if std::mem::replace(&mut seen[node.index()], true) {
                continue;
            }
            match known(node) {
                true => frontier.push(node),
                false => pending.extend(&tape.record(node).inputs),
            }
        }
        frontier.sort();
        let (tangents, mut reads) = TangentPlan::new(tape, &frontier, moves, None);
        reads.extend(&frontier);
        let prefix = Plan::new(tangents.tape().clone(), &reads, &[]);
        let suffix = Plan::new(tape.clone(), &wanted, &frontier);
        Self { prefix, tangents, suffix, frontier, losses: wanted[0], outputs: wanted[1] }
    }
}

impl<'a, E: Element> Slicer<'a, E> {
    /// The plane through `theta` along `x` and `y`, with the network's `state` as it is, or as it follows from theta at
    /// each point. Frontiers are kept as far as `memory` bytes allow, and computed again for every row of points
    /// beyond that; the bits are the same.
    pub fn new(
        objective: &'a Objective<E>,
        theta: &[f64],
        state: State<'a, E>,
        [x, y]: [&[f64]; 2],
        memory: usize,
    ) -> Self {
        let rounded = |v: &[f64]| v.iter().map(|t| E::from_f64(*t)).collect::<Vec<E>>();
        let layout = objective.network().layout();
        let moving: Vec<usize> = layout
            .parameters
            .iter()
            .filter(|p| [x, y].iter().any(|d| d[p.range()].iter().any(|v| *v != 0.0)))
            .map(|p| p.offset)
            .collect();
        let moves = |offset| layout.at(offset).is_some_and(|p| moving.contains(&p.offset));
        let cuts: Vec<Cut> = objective
            .programs()
            .map(|program| Cut::new(program, moves, matches!(state, State::Follows(_))))
            .collect();
        let read = match cuts.first() {
            Some(cut) => cut.suffix.parameters(),
            None => Vec::new(),
        };
        let mut this = Self {
            objective,
            theta: rounded(theta),
            state,
            directions: [rounded(x), rounded(y)].concat(),
            scratch: cuts.iter().map(|_| Pool::default()).collect(),
            cuts,
            kept: Vec::new(),
            read,
        };
        let bytes = |chunk: &Chunk| this.frontier_bytes(chunk);
        this.kept = objective.within_memory(memory, bytes, |chunk| this.frontier(chunk));
        this
    }

    fn cut(&self, chunk: &Chunk) -> &Cut {
        &self.cuts[chunk.program]
    }

    fn frontier_bytes(&self, chunk: &Chunk) -> usize {
        let cut = self.cut(chunk);
        let size: usize = cut.frontier.iter().map(|n| cut.suffix.tape().shape(*n).size()).sum();
        3 * size * size_of::<E>()
    }

    fn frontier(&self, chunk: &Chunk) -> Frontier<E> {
        let cut = self.cut(chunk);
        let inputs = self.objective.inputs(chunk);
        // Where the state follows theta, nothing that reads it is part of the frontier.
        let state = match &self.state {
            State::Frozen(state) => state.as_slice(),
            State::Follows(_) => &[],
        };
        let bindings = Bindings { theta: &self.theta, state, inputs: &inputs };
        let mut values = cut.prefix.workspace();
        cut.prefix.run(&bindings, &mut values);
        let values = cut.prefix.values(bindings, &values);
        let mut tangents = cut.tangents.workspace(2);
        cut.tangents.run(&values, &self.directions, 2, &mut tangents);
        let of = |node: &Node| {
            let block = cut.tangents.tangent(*node, &self.directions, self.theta.len(), &tangents);
            let slab = |j| block.map_or(Vec::new(), |b| b.slab(j).data.to_vec());
            [values.of(*node).data.to_vec(), slab(0), slab(1)]
        };
        cut.frontier.iter().map(of).collect()
    }

    /// Mean loss and accuracy at each point (x, y), in the order given. Points with one y in a row share part of
    /// the work. `done` hears, from any thread, of points finished (in fractions of a point).
    pub fn evaluate(&self, points: &[(f64, f64)], done: &(dyn Fn(f64) + Sync)) -> Result<Vec<Evaluation>> {
        let chunks = self.objective.chunks();
        let runs: Vec<&[(f64, f64)]> =
            points.chunk_by(|a, b| a.1 == b.1).flat_map(|row| row.chunks(RUN)).collect();
        let mut means = Vec::with_capacity(points.len());
        // A band of runs at a time bounds the memory of the sums over chunks.
        for band in runs.chunks((BAND / chunks.len().max(1)).max(1)) {
            let states = self.states(band)?;
            let tallies: Option<Vec<Vec<Tally>>> = (0..band.len() * chunks.len())
                .into_par_iter()
                .map(|task| {
                    let run = band[task / chunks.len()];
                    let states = states.get(task / chunks.len()).map_or(&[][..], Vec::as_slice);
                    let tallies = self.run(run, states, &chunks[task % chunks.len()])?;
                    done(run.len() as f64 / chunks.len() as f64);
                    Some(tallies)
                })
                .collect();
            let tallies = tallies.ok_or_else(interrupted)?;
            for (tallies, run) in tallies.chunks(chunks.len().max(1)).zip(band) {
                let at = |i: usize| Tally::mean(tallies.iter().map(|t| t[i]), self.objective.samples());
                means.extend((0..run.len()).map(at));
            }
        }
        Ok(means)
    }

    /// The state at each point of each run, where it follows theta; nothing where it does not.
    fn states(&self, runs: &[&[(f64, f64)]]) -> Result<Vec<Vec<Vec<E>>>> {
        let State::Follows(follow) = &self.state else { return Ok(Vec::new()) };
        let (d, e) = self.directions.split_at(self.theta.len());
        let at = |(x, y): &(f64, f64)| {
            let (mut row, mut theta) = (self.theta.clone(), self.theta.clone());
            along(&self.theta, E::from_f64(*y), e, &mut row);
            along(&row, E::from_f64(*x), d, &mut theta);
            interrupt::requested().is_none().then(|| follow(&theta))
        };
        let run = |run: &&[(f64, f64)]| run.par_iter().map(at).collect();
        let states: Option<Vec<Vec<Vec<E>>>> = runs.par_iter().map(run).collect();
        states.ok_or_else(interrupted)
    }

    /// One chunk at points of one y, with the state at each where it is not frozen; `None` when somebody has asked for a
    /// stop.
    fn run(&self, points: &[(f64, f64)], states: &[Vec<E>], chunk: &Chunk) -> Option<Vec<Tally>> {
        let cut = self.cut(chunk);
        let again;
        let frontier = match &self.kept[chunk.index] {
            Some(kept) => kept,
            None => {
                again = self.frontier(chunk);
                &again
            }
        };
        let fresh = || Scratch {
            workspace: cut.suffix.workspace(),
            row: frontier.iter().map(|[f, ..]| f.clone()).collect(),
            theta: [self.theta.clone(), self.theta.clone()],
        };
        let inputs = self.objective.inputs(chunk);
        let (d, e) = self.directions.split_at(self.theta.len());
        self.scratch[chunk.program].with(fresh, |Scratch { workspace, row, theta: [at_y, at_xy] }| {
            let y = E::from_f64(points.first().map_or(0.0, |p| p.1));
            for (row, [value, _, along_y]) in row.iter_mut().zip(frontier) {
                along(value, y, along_y, row);
            }
            for r in &self.read {
                along(&self.theta[r.clone()], y, &e[r.clone()], &mut at_y[r.clone()]);
            }
            let at = |(i, (x, _)): (usize, &(f64, f64))| {
                if interrupt::requested().is_some() {
                    return None;
                }
                let x = E::from_f64(*x);
                for ((node, row), [_, along_x, _]) in cut.frontier.iter().zip(&*row).zip(frontier) {
                    along(row, x, along_x, cut.suffix.given_mut(workspace, *node));
                }
                for r in &self.read {
                    along(&at_y[r.clone()], x, &d[r.clone()], &mut at_xy[r.clone()]);
                }
                let state = match &self.state {
                    State::Frozen(state) => state,
                    State::Follows(_) => &states[i],
                };
                let bindings = Bindings { theta: at_xy, state, inputs: &inputs };
                cut.suffix.run(&bindings, workspace);
                let values = cut.suffix.values(bindings, workspace);
                let of = |node| values.of(node).data;
                Some(Tally::of(of(cut.losses), of(cut.outputs), self.objective.labels(chunk)))
            };
            points.iter().enumerate().map(at).collect()
        })
    }

    /// Bytes that evaluation holds: kept frontiers, and the buffers of one task on each of `threads` threads.
    pub fn bytes(&self, threads: usize) -> usize {
        let kept: usize = self
            .objective
            .chunks()
            .iter()
            .zip(&self.kept)
            .filter(|(_, k)| k.is_some())
            .map(|(c, _)| self.frontier_bytes(c))
            .sum();
        let scratch = |cut: &Cut| cut.suffix.bytes::<E>() + 2 * self.theta.len() * size_of::<E>();
        kept + threads * self.cuts.iter().map(scratch).max().unwrap_or(0)
    }
}
