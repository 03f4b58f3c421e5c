//! Running a tape: which entries, in which buffers.
//!
//! A [`Plan`] computes the values of the nodes asked for; a [`TangentPlan`] pushes a block of k tangents through
//! values that a plan has kept. Both are made once and run many times on a [`Workspace`], whose buffers are used
//! again. Buffers are shared between nodes that are never alive together, which keeps the working
//! set in cache.

use super::primitives::{Constant, Primitive, Rule, TangentArgs, each_primitive};
use super::tape::{Node, Record, Tape};
use super::{Block, Element, Shape, View};
use std::ops::Range;
use std::sync::Arc;

/// Most arguments that a primitive takes.
pub(super) const ARITY: usize = 8;

/// What a program runs on: the parameters, and one slice for each input of the tape.
#[derive(Clone, Copy, Debug)]
pub struct Bindings<'a, E> {
    /// All parameters, flat.
    pub theta: &'a [E],
    /// The network's state beside them, flat: running statistics. Empty for a network without.
    pub state: &'a [E],
    /// The tape's inputs, in order of their creation.
    pub inputs: &'a [&'a [E]],
}

/// Buffers for one run at a time of one plan.
#[derive(Clone, Debug, Default)]
pub struct Workspace<E> {
    slots: Vec<Vec<E>>,
}

/// Assigns buffers to nodes so that two nodes share one only when their lives do not overlap.
#[derive(Clone, Debug)]
struct Slots {
    of: Vec<Option<usize>>,
    sizes: Vec<usize>,
    /// Whether a node's buffer is that of its first input, which it replaces.
    in_place: Vec<bool>,
    /// The node in whose buffer the numbers of each node lie: another one's where it only has another shape.
    roots: Vec<Node>,
}

/// The nodes in whose buffers the numbers of each node lie; the caller gives those for which `known` holds theirs.
fn roots(tape: &Tape, known: impl Fn(Node) -> bool) -> Vec<Node> {
    let mut roots: Vec<Node> = Vec::new();
    for node in tape.nodes() {
        let Record { op, inputs, .. } = tape.record(node);
        let alias = matches!(op, Primitive::Reshape(_)) && !known(node);
        roots.push(if alias { roots[inputs[0].0] } else { node });
    }
    roots
}

/// A set of nodes.
fn set(tape: &Tape, nodes: impl IntoIterator<Item = Node>) -> Vec<bool> {
    let mut set = vec![false; tape.nodes().count()];
    nodes.into_iter().for_each(|n| set[n.0] = true);
    set
}

impl Slots {
    /// `steps` are computed in order, each reading its inputs; `given` nodes live from the start, and those of `kept` (and
    /// the nodes in whose buffers they lie) stay until the end.
    fn assign(
        tape: &Tape,
        steps: &[Node],
        roots: Vec<Node>,
        given: &[Node],
        kept: impl IntoIterator<Item = Node>,
    ) -> Self {
        let count = tape.nodes().count();
        let kept = set(tape, kept.into_iter().map(|n| roots[n.0]));
        let mut slots =
            Self { of: vec![None; count], sizes: Vec::new(), in_place: vec![false; count], roots };
        let uses: Vec<Vec<Node>> =
            steps.iter().map(|s| tape.record(*s).inputs.iter().map(|i| slots.roots[i.0]).collect()).collect();
        let mut last_use = vec![0; slots.of.len()];
        for (time, uses) in uses.iter().enumerate() {
            uses.iter().for_each(|n| last_use[n.0] = time);
        }
        for node in given {
            slots.of[node.0] = Some(slots.sizes.len());
            slots.sizes.push(tape.shape(*node).size());
        }
        let mut free: Vec<usize> = Vec::new();
        for (time, step) in steps.iter().enumerate() {
            let size = tape.shape(*step).size();
            let ends = |n: Node| last_use[n.0] <= time && !kept[n.0];
            if let Some(slot) = slots.replaceable(tape, *step, &uses[time]).filter(|(n, _)| ends(*n)) {
                slots.of[step.0] = Some(slot.1);
                slots.in_place[step.0] = true;
            } else {
                // The smallest free buffer that is large enough; else the largest, grown; else a new one.
                let fit = |slot: &usize| (slots.sizes[*slot] < size, slots.sizes[*slot].abs_diff(size));
                let slot = match (0..free.len()).min_by_key(|i| fit(&free[*i])) {
                    Some(i) => free.swap_remove(i),
                    None => {
                        slots.sizes.push(0);
                        slots.sizes.len() - 1
                    }
                };
                slots.sizes[slot] = slots.sizes[slot].max(size);
                slots.of[step.0] = Some(slot);
            }
            let mut dead: Vec<Node> = uses[time].clone();
            dead.push(*step);
            dead.sort();
            dead.dedup();
            for node in dead {
                let replaced = slots.in_place[step.0] && slots.of[node.0] == slots.of[step.0];
                let ended = ends(node) && (node == *step || !replaced);
                if let (true, Some(slot)) = (ended, slots.of[node.0]) {
                    free.push(slot);
                }
            }
        }
        slots
    }

    /// The first input of a step that may work in place, and its buffer.
    fn replaceable(&self, tape: &Tape, step: Node, uses: &[Node]) -> Option<(Node, usize)> {
        fn may<R: Rule>(_: &R) -> bool {
            R::IN_PLACE
        }
        let record = tape.record(step);
        let first = *uses.first()?;
        let alone = uses.iter().filter(|n| **n == first).count() == 1;
        let fits = tape.shape(record.inputs[0]) == record.shape;
        (alone && fits && each_primitive!(&record.op, leaf => false, rule => may(rule))).then_some(())?;
        self.of[first.0].map(|slot| (first, slot))
    }

    fn workspace<E: Element>(&self, k: usize) -> Workspace<E> {
        Workspace { slots: self.sizes.iter().map(|s| vec![E::ZERO; s * k]).collect() }
    }

    /// The buffer in which the numbers of a node lie.
    fn slot(&self, node: Node) -> Option<usize> {
        self.of[self.roots[node.0].0]
    }

    fn bytes<E>(&self) -> usize {
        self.sizes.iter().sum::<usize>() * size_of::<E>()
    }
}

/// The nodes that `wanted` needs, in order, with those at which the search stops: nodes for which `known` holds.
fn needed(tape: &Tape, wanted: &[Node], known: impl Fn(Node) -> bool) -> Vec<Node> {
    let mut mark = vec![false; tape.nodes().count()];
    wanted.iter().for_each(|n| mark[n.0] = true);
    for node in tape.nodes().rev() {
        if mark[node.0] && !known(node) {
            tape.record(node).inputs.iter().for_each(|i| mark[i.0] = true);
        }
    }
    tape.nodes().filter(|n| mark[n.0]).collect()
}

/// How to compute the values of some nodes of a tape.
#[derive(Clone, Debug)]
pub struct Plan {
    tape: Arc<Tape>,
    steps: Vec<Node>,
    /// Leaves whose numbers a workspace holds from the start.
    constants: Vec<Node>,
    slots: Slots,
}

impl Plan {
    /// A plan for `wanted`, where the caller fills in the values of `given` before every run
    /// ([`Plan::given_mut`]).
    pub fn new(tape: Arc<Tape>, wanted: &[Node], given: &[Node]) -> Self {
        let bound = |n: Node| {
            let op = &tape.record(n).op;
            matches!(op, Primitive::Parameter(_) | Primitive::Input(_) | Primitive::State(_))
        };
        let constant = |n: &Node| matches!(tape.record(*n).op, Primitive::Constant(_));
        let filled = set(&tape, given.iter().copied());
        let known = |n: Node| bound(n) || filled[n.0];
        let roots = roots(&tape, |n| filled[n.0]);
        let needed = needed(&tape, wanted, known);
        let constants: Vec<Node> = needed.iter().copied().filter(|n| constant(n) && !known(*n)).collect();
        let step = |n: &Node| !known(*n) && !constant(n) && roots[n.0] == *n;
        let steps: Vec<Node> = needed.into_iter().filter(step).collect();
        let from_outside: Vec<Node> = given.iter().chain(&constants).copied().collect();
        let kept = wanted.iter().chain(&constants).copied();
        let slots = Slots::assign(&tape, &steps, roots, &from_outside, kept);
        Self { tape, steps, constants, slots }
    }

    /// The tape that this plan runs.
    pub fn tape(&self) -> &Arc<Tape> {
        &self.tape
    }

    /// Where the parameters that a run reads lie in theta.
    pub fn parameters(&self) -> Vec<Range<usize>> {
        let of = |n: &Node| match self.tape.record(*n).op {
            Primitive::Parameter(offset) => Some(offset..offset + self.tape.shape(*n).size()),
            _ => None,
        };
        let inputs = self.steps.iter().flat_map(|s| &self.tape.record(*s).inputs);
        let roots = inputs.map(|i| &self.slots.roots[i.0]);
        let mut ranges: Vec<Range<usize>> = roots.filter_map(of).collect();
        ranges.sort_by_key(|r| (r.start, r.end));
        ranges.dedup();
        ranges
    }

    /// Fresh buffers.
    pub fn workspace<E: Element>(&self) -> Workspace<E> {
        let mut workspace = self.slots.workspace(1);
        for node in &self.constants {
            if let (Primitive::Constant(Constant(numbers)), Some(slot)) =
                (&self.tape.record(*node).op, self.slots.slot(*node))
            {
                workspace.slots[slot].iter_mut().zip(&**numbers).for_each(|(w, x)| *w = E::from_f64(*x));
            }
        }
        workspace
    }

    /// Size of a workspace, in bytes.
    pub fn bytes<E>(&self) -> usize {
        self.slots.bytes::<E>()
    }

    /// The buffer for the value of a `given` node.
    pub fn given_mut<'w, E>(&self, workspace: &'w mut Workspace<E>, node: Node) -> &'w mut [E] {
        let slot = self.slots.slot(node).expect("a given node has a buffer of its own");
        &mut workspace.slots[slot][..self.tape.shape(node).size()]
    }

    /// Computes the plan's nodes.
    pub fn run<E: Element>(&self, bindings: &Bindings<E>, workspace: &mut Workspace<E>) {
        for step in &self.steps {
            let record = self.tape.record(*step);
            let slot = self.slots.of[step.0].expect("every step has a buffer");
            let mut buffer = std::mem::take(&mut workspace.slots[slot]);
            let out = &mut buffer[..record.shape.size()];
            let values = Values { plan: self, bindings: *bindings, workspace };
            let views = values.all(&record.inputs, |i| i > 0 || !self.slots.in_place[step.0]);
            let inputs = &views[..record.inputs.len()];
            let leaf = |out: &mut [E]| {
                if let Primitive::Fill(x) = record.op {
                    out.fill(E::from_f64(x));
                }
            };
            each_primitive!(&record.op, leaf => leaf(out), rule => rule.value(inputs, record.shape, out));
            workspace.slots[slot] = buffer;
        }
    }

    /// The values of a finished run.
    pub fn values<'a, E>(&'a self, bindings: Bindings<'a, E>, workspace: &'a Workspace<E>) -> Values<'a, E> {
        Values { plan: self, bindings, workspace }
    }
}

/// The values that a plan computed, with those it was given.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a, E> {
    plan: &'a Plan,
    bindings: Bindings<'a, E>,
    workspace: &'a Workspace<E>,
}

impl<'a, E: Element> Values<'a, E> {
    /// The value of one node: a leaf, a kept or a wanted one.
    pub fn of(&self, node: Node) -> View<'a, E> {
        let shape = self.plan.tape.shape(node);
        let size = shape.size();
        let data = match self.plan.tape.record(self.plan.slots.roots[node.0]).op {
            Primitive::Parameter(offset) => &self.bindings.theta[offset..offset + size],
            Primitive::Input(index) => &self.bindings.inputs[index][..size],
            Primitive::State(offset) => &self.bindings.state[offset..offset + size],
            _ => {
                let slot = self.plan.slots.slot(node).expect("the plan computes what it is asked for");
                &self.workspace.slots[slot][..size]
            }
        };
        View { data, shape }
    }

    /// The values of several nodes; of those that are not `read`, the shape alone.
    fn all(&self, nodes: &[Node], read: impl Fn(usize) -> bool) -> [View<'a, E>; ARITY] {
        let nothing = |shape| View { data: &[][..], shape };
        std::array::from_fn(|i| match nodes.get(i) {
            Some(node) if read(i) => self.of(*node),
            Some(node) => nothing(self.plan.tape.shape(*node)),
            None => nothing(Shape::new(0, 0)),
        })
    }
}

/// How to push tangents through kept values.
#[derive(Clone, Debug)]
pub struct TangentPlan {
    tape: Arc<Tape>,
    steps: Vec<TangentStep>,
    active: Vec<bool>,
    cut: Option<Node>,
    slots: Slots,
}

#[derive(Clone, Debug)]
struct TangentStep {
    node: Node,
    coefficients: Vec<Node>,
    /// Which inputs' primal values the tangent reads.
    reads: [bool; ARITY],
}

/// Whether `node` sees the tangents of its input: beyond a cut those of the cut and of what comes after it. What is the cut in
/// another shape may stand before it.
fn sees(tape: &Tape, cut: Option<Node>, node: Node, input: Node) -> bool {
    cut.is_none_or(|c| node <= c || input >= c || tape.root(input) == tape.root(c))
}

impl TangentPlan {
    /// A plan for the tangents of `wanted` as the parameters accepted by `moves` move, and the nodes whose
    /// primal values it reads: the primal plan must want or keep them.
    ///
    /// With a `cut`, nodes after it see no tangents of nodes before it. With the cut at the gradient in the
    /// network's outputs, the tangent of the gradient program is the generalized Gauss-Newton product.
    pub fn new(
        tape: &Tape,
        wanted: &[Node],
        moves: impl Fn(Node) -> bool,
        cut: Option<Node>,
    ) -> (Self, Vec<Node>) {
        let mut tape = tape.clone();
        let coefficients = tape.coefficients();
        let tape = Arc::new(tape);
        let sees = |n: Node, input: Node| sees(&tape, cut, n, input);
        let mut active: Vec<bool> = Vec::new();
        for node in tape.nodes() {
            let record = tape.record(node);
            let of: Vec<bool> = record.inputs.iter().map(|i| active[i.0] && sees(node, *i)).collect();
            let leaf = matches!(record.op, Primitive::Parameter(_)) && moves(node);
            active.push(each_primitive!(&record.op, leaf => leaf, rule => !rule.still(&of)));
        }
        let bound = |n: Node| matches!(tape.record(n).op, Primitive::Parameter(_));
        let skipped = |n: Node| !active[n.0] || bound(n);
        let roots = roots(&tape, |_| false);
        let step = |n: &Node| !skipped(*n) && roots[n.0] == *n;
        let steps: Vec<Node> = needed(&tape, wanted, skipped).into_iter().filter(step).collect();
        let slots = Slots::assign(&tape, &steps, roots, &[], wanted.iter().copied());
        let mut reads: Vec<Node> = Vec::new();
        let steps: Vec<TangentStep> = steps
            .into_iter()
            .map(|node| {
                let inputs = &tape.record(node).inputs;
                let of: Vec<bool> = inputs.iter().map(|i| active[i.0] && sees(node, *i)).collect();
                let op = &tape.record(node).op;
                let read =
                    |i: usize| each_primitive!(op, leaf => false, rule => i < of.len() && rule.reads(i, &of));
                let step = TangentStep {
                    node,
                    coefficients: coefficients[node.0].clone(),
                    reads: std::array::from_fn(read),
                };
                reads.extend(&step.coefficients);
                reads.extend(inputs.iter().zip(step.reads).filter(|(_, read)| *read).map(|(i, _)| i));
                step
            })
            .collect();
        reads.sort();
        reads.dedup();
        (Self { tape, steps, active, cut, slots }, reads)
    }

    /// The tape with the coefficient nodes that the primal plan must compute.
    pub fn tape(&self) -> &Arc<Tape> {
        &self.tape
    }

    /// Fresh buffers for blocks of k tangents.
    pub fn workspace<E: Element>(&self, k: usize) -> Workspace<E> {
        self.slots.workspace(k)
    }

    /// Size of a workspace for k tangents, in bytes.
    pub fn bytes<E>(&self, k: usize) -> usize {
        self.slots.bytes::<E>() * k
    }

    /// Pushes k directions (p x k, column-major) through `values`.
    pub fn run<E: Element>(
        &self,
        values: &Values<E>,
        directions: &[E],
        k: usize,
        workspace: &mut Workspace<E>,
    ) {
        for step in &self.steps {
            let record = self.tape.record(step.node);
            let slot = self.slots.of[step.node.0].expect("every step has a buffer");
            let mut buffer = std::mem::take(&mut workspace.slots[slot]);
            let inputs = values.all(&record.inputs, |i| step.reads[i]);
            let coefficients = values.all(&step.coefficients, |_| true);
            let seen = |i: &Node| sees(&self.tape, self.cut, step.node, *i);
            // Worked on in place, the first block's buffer is `out`, and what is left here is empty.
            let tangents: [Option<Block<E>>; ARITY] = std::array::from_fn(|i| {
                record
                    .inputs
                    .get(i)
                    .filter(|i| seen(i))
                    .and_then(|n| self.tangent(*n, directions, values.bindings.theta.len(), workspace))
            });
            let args = TangentArgs {
                inputs: &inputs[..record.inputs.len()],
                coefficients: &coefficients[..step.coefficients.len()],
                tangents: &tangents[..record.inputs.len()],
                k,
                shape: record.shape,
            };
            let out = &mut buffer[..record.shape.size() * k];
            each_primitive!(&record.op, leaf => unreachable!("leaves are not steps"), rule => rule.tangent(&args, out));
            workspace.slots[slot] = buffer;
        }
    }

    /// The tangents of a node after a run; `None` is zero.
    pub fn tangent<'a, E>(
        &self,
        node: Node,
        directions: &'a [E],
        parameters: usize,
        workspace: &'a Workspace<E>,
    ) -> Option<Block<'a, E>> {
        let shape = self.tape.shape(node);
        match self.tape.record(self.slots.roots[node.0]).op {
            _ if !self.active[node.0] => None,
            Primitive::Parameter(offset) => {
                Some(Block { data: &directions[offset..], stride: parameters, shape })
            }
            _ => self.slots.slot(node).map(|slot| Block {
                data: &workspace.slots[slot],
                stride: shape.size(),
                shape,
            }),
        }
    }
}
