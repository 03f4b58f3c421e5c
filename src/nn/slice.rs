//! Loss and accuracy at points theta + x d + y e + z f of a line, a plane or a space.
//!
//! Along fixed directions, the part of a network before its first nonlinearity is affine in (x, y, z): its value,
//! F, and its tangents, D, E and G, are computed once, and at every point it is ((F + z G) + y E) + x D. For a
//! perceptron that replaces the product with the data, most of all work, by a few additions. Which nodes of the
//! program these are follows from the degree of each primitive, so it holds for any leading linear piece.
//!
//! A point's value depends on its coordinates alone: there are no running sums, and chunks of samples are added in
//! order, so points may be computed in any order, on any number of threads.

use super::chunks::Chunk;
use super::loss::{rounded, widened};
use super::{Evaluation, Objective, Tally};
use crate::autodiff::elementary::vectorised;
use crate::autodiff::primitives::Primitive;
use crate::autodiff::{Bindings, Degree, Element, Node, Plan, Program, TangentPlan, Workspace};
use crate::base::{Error, Result, interrupt, parallel, pool::Pool};
use std::ops::Range;

/// Coordinates x, y, z along the directions; those of directions that there are none of are not read.
pub type Point = [f64; 3];

/// Most points of one row (of the same y and z) that a task computes.
pub const RUN: usize = 64;
/// Tasks whose results are held at once.
const BAND: usize = 4096;

/// How the program for one chunk size is cut.
#[derive(Debug)]
struct Cut {
    /// Values of the frontier at theta.
    prefix: Plan,
    /// Tangents of the frontier along the directions.
    tangents: TangentPlan,
    /// What remains at every point.
    suffix: Plan,
    /// Where the cut goes through: affine nodes that something nonlinear reads.
    frontier: Vec<Node>,
    program: Program,
}

/// The frontier of one chunk: of each node the value, and the tangent along each direction, empty for zero.
type Frontier<E> = Vec<(Vec<E>, Vec<Vec<E>>)>;

/// What the state is at a point, given theta there.
pub type Follow<'a> = &'a (dyn Fn(&[f64], &Point) -> Vec<f64> + Sync);

/// The network's state on a slice.
pub enum State<'a> {
    /// The same everywhere.
    Frozen(Vec<f64>),
    /// Made anew at every point: statistics that are refreshed or move along, singular vectors.
    Follows(Follow<'a>),
}

impl std::fmt::Debug for State<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Frozen(state) => f.debug_tuple("Frozen").field(state).finish(),
            Self::Follows(_) => f.write_str("Follows"),
        }
    }
}

fn interrupted() -> Error {
    let signal = interrupt::requested().unwrap_or(0);
    let kept = "the points under way are not kept".to_owned();
    Error::Interrupted { at: "slice".to_owned(), kept, signal }
}

/// Evaluates points of one slice on one objective.
#[derive(Debug)]
pub struct Slicer<'a, E> {
    objective: &'a Objective<E>,
    theta: Vec<E>,
    state: State<'a>,
    /// The state where it is frozen.
    frozen: Vec<E>,
    /// The directions, p numbers each.
    directions: Vec<E>,
    cuts: Vec<Cut>,
    kept: Vec<Option<Frontier<E>>>,
    /// Where the parameters lie that the suffix reads.
    read: Vec<Range<usize>>,
    scratch: Vec<Pool<Scratch<E>>>,
}

/// The loss at points of one slice, in the precision that it was chosen in: a [`Slicer`].
pub trait Slice: std::fmt::Debug + Send + Sync {
    /// Mean loss and accuracy at each point, as [`Slicer::evaluate`].
    fn evaluate(&self, points: &[Point], done: &(dyn Fn(f64) + Sync)) -> Result<Vec<Evaluation>>;
    /// Sums over the samples at each point, as [`Slicer::tallies`].
    fn tallies(&self, points: &[Point], done: &(dyn Fn(f64) + Sync)) -> Result<Vec<Tally>>;
    /// Parameters and state at a point.
    fn at(&self, point: &Point) -> super::Point;
    /// Bytes that evaluation holds on so many threads.
    fn bytes(&self, threads: usize) -> usize;
}

impl<E: Element> Slice for Slicer<'_, E> {
    fn evaluate(&self, points: &[Point], done: &(dyn Fn(f64) + Sync)) -> Result<Vec<Evaluation>> {
        Slicer::evaluate(self, points, done)
    }

    fn tallies(&self, points: &[Point], done: &(dyn Fn(f64) + Sync)) -> Result<Vec<Tally>> {
        Slicer::tallies(self, points, done)
    }

    fn at(&self, point: &Point) -> super::Point {
        let (theta, state) = Slicer::at(self, point);
        super::Point { theta: widened(&theta), state: widened(&state) }
    }

    fn bytes(&self, threads: usize) -> usize {
        Slicer::bytes(self, threads)
    }
}

/// What one task works on.
#[derive(Debug)]
struct Scratch<E> {
    workspace: Workspace<E>,
    /// The frontier at (0, y, z).
    row: Vec<Vec<E>>,
    /// Parameters at (0, y, z), and at (x, y, z).
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

/// `out += t b`; `b` empty for zero.
fn further<E: Element>(t: E, b: &[E], out: &mut [E]) {
    vectorised(
        #[inline(always)]
        move || {
            for (o, b) in out.iter_mut().zip(b) {
                *o += t * *b;
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
        let wanted = program.values();
        let leaf = |n: Node| tape.record(tape.root(n)).inputs.is_empty();
        let known = |n: Node| !leaf(n) && degrees[n.index()] != Degree::General;
        let mut frontier: Vec<Node> = Vec::new();
        let mut pending: Vec<Node> = wanted.clone();
        let mut seen = vec![false; degrees.len()];
        while let Some(node) = pending.pop() {
            if std::mem::replace(&mut seen[node.index()], true) {
                continue;
            }
            if known(node) { frontier.push(node) } else { pending.extend(&tape.record(node).inputs) }
        }
        frontier.sort();
        let (tangents, mut reads) = TangentPlan::new(tape, &frontier, moves, None);
        reads.extend(&frontier);
        let prefix = Plan::new(tangents.tape().clone(), &reads, &[]);
        let suffix = Plan::new(tape.clone(), &wanted, &frontier);
        Self { prefix, tangents, suffix, frontier, program: program.clone() }
    }
}

impl<'a, E: Element> Slicer<'a, E> {
    /// The slice through `theta` along one to three directions, with the network's `state` as it is, or as it follows from
    /// theta at each point. Frontiers are kept as far as `memory` bytes allow, and computed again for every row of points
    /// beyond that; the bits are the same.
    pub fn new(
        objective: &'a Objective<E>,
        theta: &[f64],
        state: State<'a>,
        directions: &[Vec<f64>],
        memory: usize,
    ) -> Self {
        let layout = objective.network().layout();
        let moving: Vec<usize> = layout
            .parameters
            .iter()
            .filter(|p| directions.iter().any(|d| d[p.range()].iter().any(|v| *v != 0.0)))
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
            frozen: if let State::Frozen(state) = &state { rounded(state) } else { Vec::new() },
            state,
            directions: directions.iter().flat_map(|d| rounded::<E>(d)).collect(),
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

    fn count(&self) -> usize {
        self.directions.len() / self.theta.len().max(1)
    }

    fn direction(&self, k: usize) -> &[E] {
        &self.directions[k * self.theta.len()..(k + 1) * self.theta.len()]
    }

    /// `out = ((theta + z g) + y e)` where `ranges` lie: theta at the row of a point, before it goes along x.
    fn row(&self, point: &Point, ranges: &[Range<usize>], out: &mut [E]) {
        for r in ranges {
            out[r.clone()].copy_from_slice(&self.theta[r.clone()]);
            for k in (1..self.count()).rev() {
                further(E::from_f64(point[k]), &self.direction(k)[r.clone()], &mut out[r.clone()]);
            }
        }
    }

    fn frontier_bytes(&self, chunk: &Chunk) -> usize {
        let cut = self.cut(chunk);
        let size: usize = cut.frontier.iter().map(|n| cut.suffix.tape().shape(*n).size()).sum();
        (1 + self.count()) * size * size_of::<E>()
    }

    fn frontier(&self, chunk: &Chunk) -> Frontier<E> {
        let cut = self.cut(chunk);
        let inputs = self.objective.inputs(chunk);
        // Where the state follows theta, nothing that reads it is part of the frontier.
        let bindings = Bindings { theta: &self.theta, state: &self.frozen, inputs: &inputs };
        let mut values = cut.prefix.workspace();
        cut.prefix.run(&bindings, &mut values);
        let values = cut.prefix.values(bindings, &values);
        let count = self.count();
        let mut tangents = cut.tangents.workspace(count);
        cut.tangents.run(&values, &self.directions, count, &mut tangents);
        let of = |node: &Node| {
            let block = cut.tangents.tangent(*node, &self.directions, self.theta.len(), &tangents);
            let slab = |j| block.map_or(Vec::new(), |b| b.slab(j).data.to_vec());
            (values.of(*node).data.to_vec(), (0..count).map(slab).collect())
        };
        cut.frontier.iter().map(of).collect()
    }

    /// Mean loss and accuracy at each point, in the order given; `done` as in [`Slicer::tallies`].
    pub fn evaluate(&self, points: &[Point], done: &(dyn Fn(f64) + Sync)) -> Result<Vec<Evaluation>> {
        let tallies = self.tallies(points, done)?;
        Ok(tallies.iter().map(|t| t.mean(self.objective.samples())).collect())
    }

    /// Sums over the samples at each point, in the order given. Points of one row (of the same y and z) share part of
    /// the work. `done` hears, from any thread, of points finished (in fractions of a point).
    pub fn tallies(&self, points: &[Point], done: &(dyn Fn(f64) + Sync)) -> Result<Vec<Tally>> {
        let chunks = self.objective.chunks();
        let runs: Vec<&[Point]> =
            points.chunk_by(|a, b| a[1..] == b[1..]).flat_map(|row| row.chunks(RUN)).collect();
        let mut sums = Vec::with_capacity(points.len());
        // A band of runs at a time bounds the memory of the sums over chunks.
        for band in runs.chunks((BAND / chunks.len().max(1)).max(1)) {
            let states = self.states(band)?;
            let tallies = parallel::try_map(band.len() * chunks.len(), &|task| {
                let run = band[task / chunks.len()];
                let states = states.get(task / chunks.len()).map_or(&[][..], Vec::as_slice);
                let tallies = self.run(run, states, &chunks[task % chunks.len()]).ok_or_else(interrupted)?;
                done(run.len() as f64 / chunks.len() as f64);
                Ok(tallies)
            })?;
            for (tallies, run) in tallies.chunks(chunks.len().max(1)).zip(band) {
                sums.extend((0..run.len()).map(|i| Tally::sum(tallies.iter().map(|t| t[i]))));
            }
        }
        Ok(sums)
    }

    /// Parameters and state at a point.
    pub fn at(&self, point: &Point) -> (Vec<E>, Vec<E>) {
        let (mut row, mut theta) = (self.theta.clone(), self.theta.clone());
        self.row(point, std::slice::from_ref(&(0..self.theta.len())), &mut row);
        along(&row, E::from_f64(point[0]), self.direction(0), &mut theta);
        let state = match &self.state {
            State::Frozen(_) => self.frozen.clone(),
            State::Follows(follow) => rounded(&follow(&widened(&theta), point)),
        };
        (theta, state)
    }

    /// The state at each point of each run, where it follows theta; nothing where it does not.
    fn states(&self, runs: &[&[Point]]) -> Result<Vec<Vec<Vec<E>>>> {
        if matches!(self.state, State::Frozen(_)) {
            return Ok(Vec::new());
        }
        let points = runs.concat();
        let at = |i: usize| match interrupt::requested() {
            None => Ok(self.at(&points[i]).1),
            Some(_) => Err(interrupted()),
        };
        let mut states = parallel::try_map(points.len(), &at)?.into_iter();
        Ok(runs.iter().map(|run| states.by_ref().take(run.len()).collect()).collect())
    }

    /// One chunk at points of one row, with the state at each where it is not frozen; `None` when somebody has asked for a
    /// stop.
    fn run(&self, points: &[Point], states: &[Vec<E>], chunk: &Chunk) -> Option<Vec<Tally>> {
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
            row: frontier.iter().map(|(f, _)| f.clone()).collect(),
            theta: [self.theta.clone(), self.theta.clone()],
        };
        let inputs = self.objective.inputs(chunk);
        let first = points.first()?;
        self.scratch[chunk.program].with(fresh, |Scratch { workspace, row, theta: [in_row, at_point] }| {
            for (row, (value, tangents)) in row.iter_mut().zip(frontier) {
                row.copy_from_slice(value);
                for (k, tangent) in tangents.iter().enumerate().skip(1).rev() {
                    further(E::from_f64(first[k]), tangent, row);
                }
            }
            self.row(first, &self.read, in_row);
            let at = |(i, point): (usize, &Point)| {
                if interrupt::requested().is_some() {
                    return None;
                }
                let x = E::from_f64(point[0]);
                for ((node, row), (_, tangents)) in cut.frontier.iter().zip(&*row).zip(frontier) {
                    along(row, x, &tangents[0], cut.suffix.given_mut(workspace, *node));
                }
                for r in &self.read {
                    along(&in_row[r.clone()], x, &self.direction(0)[r.clone()], &mut at_point[r.clone()]);
                }
                let state = match &self.state {
                    State::Frozen(_) => &self.frozen,
                    State::Follows(_) => &states[i],
                };
                let bindings = Bindings { theta: at_point, state, inputs: &inputs };
                cut.suffix.run(&bindings, workspace);
                let values = cut.suffix.values(bindings, workspace);
                let of = |node| values.of(node).data;
                Some(Tally::read(&cut.program, of, self.objective.labels(chunk)))
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
