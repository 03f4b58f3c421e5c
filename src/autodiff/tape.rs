//! The tape: a list of primitives applied to earlier entries, and the reverse sweep recorded on the same list.
//!
//! A tape is a *program*: it holds shapes, no values, and is recorded once for a number of samples. What runs
//! it ([`super::Plan`], [`super::TangentPlan`]) supplies theta and the data, as often as needed.

use super::primitives::{
    Add, ArgMax, AveragePool, BlockBroadcast, BlockMean, Broadcast, Conv, ConvGeometry, CrossEntropy, Map,
    MatMul, Mul, PadRows, Permute, Pick, Primitive, Role, RowDot, Rule, Scale, Softmax, Standardize, SumCols,
    SumRows, Variance, Window, each_primitive, map::Curve,
};
use super::{Degree, Shape};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// A value on the tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(pub(super) usize);

impl Node {
    /// Position on the tape.
    pub fn index(self) -> usize {
        self.0
    }
}

/// One entry: what is applied to what.
#[derive(Clone, Debug)]
pub struct Record {
    /// The primitive or leaf.
    pub op: Primitive,
    /// Its arguments, all earlier on the tape.
    pub inputs: Vec<Node>,
    /// Shape of the value.
    pub shape: Shape,
    /// Whether the value depends on theta with a derivative that is not zero everywhere.
    pub moving: bool,
}

/// A program of matrix primitives.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    records: Vec<Record>,
    /// Entries by the hash of what they are, in order.
    known: HashMap<u64, Vec<Node>>,
    inputs: usize,
}

impl Tape {
    /// An empty tape.
    pub fn new() -> Self {
        Self::default()
    }

    /// The entry behind a node.
    pub fn record(&self, node: Node) -> &Record {
        &self.records[node.0]
    }

    /// Shape of a node's value.
    pub fn shape(&self, node: Node) -> Shape {
        self.record(node).shape
    }

    /// Every node, in order of computation.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = Node> + use<> {
        (0..self.records.len()).map(Node)
    }

    /// A matrix cut out of theta: `shape` column-major from `offset` on.
    pub fn parameter(&mut self, offset: usize, shape: Shape) -> Node {
        self.enter(Primitive::Parameter(offset), Vec::new(), shape, true)
    }

    /// The next run-time input: data, targets, masks.
    pub fn input(&mut self, shape: Shape) -> Node {
        self.inputs += 1;
        self.enter(Primitive::Input(self.inputs - 1), Vec::new(), shape, false)
    }

    /// A matrix cut out of the network's state: `shape` column-major from `offset` on.
    pub fn state(&mut self, offset: usize, shape: Shape) -> Node {
        self.enter(Primitive::State(offset), Vec::new(), shape, false)
    }

    /// A matrix of one repeated number.
    pub fn fill(&mut self, value: f64, shape: Shape) -> Node {
        self.enter(Primitive::Fill(value), Vec::new(), shape, false)
    }

    /// Applies a primitive. An entry that is already there is used again.
    pub fn push(&mut self, op: impl Into<Primitive>, inputs: &[Node]) -> Node {
        let op = op.into();
        let shapes: Vec<Shape> = inputs.iter().map(|n| self.shape(*n)).collect();
        let shape = each_primitive!(&op, leaf => unreachable!("leaves have constructors of their own"), rule => rule.shape(&shapes));
        let moves: Vec<bool> = inputs.iter().map(|n| self.record(*n).moving).collect();
        // What has no tangent has no cotangent: the index of a maximum, the second derivative of a kinked function.
        let moving = !each_primitive!(&op, leaf => true, rule => rule.still(&moves));
        self.enter(op, inputs.to_vec(), shape, moving)
    }

    pub(super) fn enter(&mut self, op: Primitive, inputs: Vec<Node>, shape: Shape, moving: bool) -> Node {
        let mut hasher = DefaultHasher::new();
        op.hash(&mut hasher);
        (&inputs, shape).hash(&mut hasher);
        let alike = self.known.entry(hasher.finish()).or_default();
        let same = |r: &Record| r.op == op && r.inputs == inputs && r.shape == shape;
        if let Some(known) = alike.iter().find(|n| same(&self.records[n.0])) {
            return *known;
        }
        let node = Node(self.records.len());
        alike.push(node);
        self.records.push(Record { op, inputs, shape, moving });
        node
    }

    /// Where the numbers of a node lie: itself, or, for one that is another node's in another shape, that one.
    pub fn root(&self, node: Node) -> Node {
        match self.record(node) {
            Record { op: Primitive::Reshape(_), inputs, .. } => self.root(inputs[0]),
            _ => node,
        }
    }

    /// `op(a) op(b)`; the flags say which operand is transposed.
    pub fn matmul(&mut self, (a, transpose_a): (Node, bool), (b, transpose_b): (Node, bool)) -> Node {
        self.push(MatMul { transpose_a, transpose_b }, &[a, b])
    }

    /// `a + b`, b broadcast to a's shape.
    pub fn add(&mut self, a: Node, b: Node) -> Node {
        self.add_scaled(a, 1.0, b)
    }

    /// `a + c b`, b broadcast to a's shape.
    pub fn add_scaled(&mut self, a: Node, c: f64, b: Node) -> Node {
        self.push(Add(c), &[a, b])
    }

    /// `a * b` elementwise, b broadcast to a's shape.
    pub fn mul(&mut self, a: Node, b: Node) -> Node {
        // The reverse sweep starts from ones: multiplying by them is left out.
        match (&self.record(a).op, &self.record(b).op) {
            (_, Primitive::Fill(1.0)) => a,
            (Primitive::Fill(1.0), _) if self.shape(a) == self.shape(b) => b,
            _ => self.push(Mul, &[a, b]),
        }
    }

    /// `c a`.
    pub fn scale(&mut self, c: f64, a: Node) -> Node {
        if c == 1.0 { a } else { self.push(Scale(c), &[a]) }
    }

    /// The derivative of the given order of an elementwise function, at `a`.
    pub fn map(&mut self, curve: &Arc<dyn Curve>, order: u8, a: Node) -> Node {
        self.push(Map { curve: curve.clone(), order }, &[a])
    }

    /// r x n to 1 x n.
    pub fn sum_rows(&mut self, a: Node) -> Node {
        self.push(SumRows, &[a])
    }

    /// r x n to r x 1.
    pub fn sum_cols(&mut self, a: Node) -> Node {
        self.push(SumCols, &[a])
    }

    /// `a` repeated to a larger shape.
    pub fn broadcast(&mut self, a: Node, to: Shape) -> Node {
        if self.shape(a) == to { a } else { self.push(Broadcast(to), &[a]) }
    }

    /// Column-wise softmax.
    pub fn softmax(&mut self, a: Node) -> Node {
        self.push(Softmax, &[a])
    }

    /// Cross-entropy of each column of logits against its column of targets.
    pub fn cross_entropy(&mut self, logits: Node, targets: Node) -> Node {
        self.push(CrossEntropy, &[logits, targets])
    }

    /// Sums `a` over whatever was broadcast to reach its shape from `to`.
    pub fn sum_to(&mut self, a: Node, to: Shape) -> Node {
        let mut a = a;
        if to.rows == 1 && self.shape(a).rows != 1 {
            a = self.sum_rows(a);
        }
        if to.cols == 1 && self.shape(a).cols != 1 {
            a = self.sum_cols(a);
        }
        a
    }

    /// Records the reverse sweep of the sum of `root`'s entries, and returns each node's cotangent: d sum(root) /
    /// d node, where the node depends on theta and the root on the node.
    pub fn reverse(&mut self, root: Node) -> Vec<Option<Node>> {
        let mut cotangents: Vec<Option<Node>> = vec![None; root.0 + 1];
        cotangents[root.0] = Some(self.fill(1.0, self.shape(root)));
        for n in (0..=root.0).rev() {
            let Some(g) = cotangents[n] else { continue };
            let Record { op, inputs, .. } = self.records[n].clone();
            for (which, input) in inputs.iter().enumerate() {
                if !self.record(*input).moving {
                    continue;
                }
                let part = each_primitive!(&op, leaf => unreachable!("a leaf has no inputs"),
                    rule => rule.pullback(self, &inputs, g, which));
                cotangents[input.0] = Some(match cotangents[input.0] {
                    Some(sum) => self.add(sum, part),
                    None => part,
                });
            }
        }
        cotangents
    }

    /// Records, for each node, those whose values its tangent needs besides its inputs.
    pub(super) fn coefficients(&mut self) -> Vec<Vec<Node>> {
        let mut all = Vec::new();
        for n in 0..self.records.len() {
            let Record { op, inputs, moving, .. } = self.records[n].clone();
            all.push(if moving {
                each_primitive!(&op, leaf => Vec::new(), rule => rule.coefficients(self, &inputs))
            } else {
                Vec::new()
            });
        }
        all
    }

    /// Multiply-adds of the values of all nodes up to `last`, about ([`Rule::multiply_adds`](super::primitives::Rule)).
    pub fn multiply_adds(&self, last: Node) -> usize {
        let of = |record: &Record| {
            let inputs: Vec<Shape> = record.inputs.iter().map(|i| self.shape(*i)).collect();
            each_primitive!(&record.op, leaf => 0, rule => rule.multiply_adds(&inputs, record.shape))
        };
        self.records[..=last.0].iter().map(of).sum()
    }

    /// How each node depends on coordinates on which leaves depend as `leaf` says.
    pub fn degrees(&self, leaf: impl Fn(&Primitive) -> Degree) -> Vec<Degree> {
        let mut degrees: Vec<Degree> = Vec::with_capacity(self.records.len());
        for record in &self.records {
            let of: Vec<Degree> = record.inputs.iter().map(|i| degrees[i.0]).collect();
            degrees.push(each_primitive!(&record.op, leaf => leaf(&record.op), rule => rule.degree(&of)));
        }
        degrees
    }

    /// `a` read as blocks of `inner` x `outer` numbers, each transposed; the result has `shape`.
    pub fn permute(&mut self, a: Node, inner: usize, outer: usize, shape: Shape) -> Node {
        if (inner == 1 || outer == 1) && self.shape(a) == shape {
            return a;
        }
        self.push(Permute { inner, outer, shape }, &[a])
    }

    /// Weights (channels/groups * kernel x outputs) convolved with an image signal.
    pub fn conv(&mut self, geometry: ConvGeometry, weights: Node, image: Node) -> Node {
        self.push(Conv { geometry, role: Role::Output }, &[weights, image])
    }

    /// Means of blocks of `rows` x `cols` entries.
    pub fn block_mean(&mut self, a: Node, rows: usize, cols: usize) -> Node {
        if (rows, cols) == (1, 1) { a } else { self.push(BlockMean { rows, cols }, &[a]) }
    }

    /// Each entry of `a` repeated over a block of `rows` x `cols`.
    pub fn block_broadcast(&mut self, a: Node, rows: usize, cols: usize) -> Node {
        if (rows, cols) == (1, 1) { a } else { self.push(BlockBroadcast { rows, cols }, &[a]) }
    }

    /// Biased variances of blocks of `rows` x `cols` entries.
    pub fn variance(&mut self, a: Node, rows: usize, cols: usize) -> Node {
        self.push(Variance { rows, cols }, &[a])
    }

    /// `(a - mean) / sqrt(var + eps)` over blocks of `rows` x `cols` entries.
    pub fn standardize(&mut self, a: Node, rows: usize, cols: usize, eps: f64) -> Node {
        self.push(Standardize { rows, cols, eps, adjoint: false }, &[a])
    }

    /// The dot product of each row of `a` with the same row of `b`, r x 1.
    pub fn row_dot(&mut self, a: Node, b: Node) -> Node {
        self.push(RowDot, &[a, b])
    }

    /// The maximum of each window of an image signal, the first on ties.
    pub fn max_pool(&mut self, window: Window, image: Node) -> Node {
        let index = self.push(ArgMax { window }, &[image]);
        self.push(Pick { window, adjoint: false }, &[index, image])
    }

    /// The mean of each window of an image signal, zeros in the padding counted.
    pub fn average_pool(&mut self, window: Window, image: Node) -> Node {
        self.push(AveragePool { window, adjoint: false }, &[image])
    }

    /// `a` within rows of zeros: `rows` in all, `before` of them first.
    pub fn pad_rows(&mut self, a: Node, before: usize, rows: usize) -> Node {
        if self.shape(a).rows == rows { a } else { self.push(PadRows { before, rows, adjoint: false }, &[a]) }
    }
}
