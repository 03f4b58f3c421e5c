//! Entries for tensors of any rank. The numbers of a tensor of axes d_0, .., d_k, the last fastest, are those of the matrix
//! of d_k rows whose columns are all the others; `shape` says as which matrix the result is seen.

use super::primitives::{
    ArgMaxRows, Axis, BatchedMatMul, Compare, Concat, Constant, Conv, ConvGeometry, CumulativeSum, Keep,
    LogSumExp, Primitive, Reshape, Role, Strided, Take,
};
use super::{Node, Shape, Tape};
use std::sync::Arc;

/// The axes of a tensor of lengths `dims` whose neighbours lie `strides` apart on one side and next to each other, the last
/// fastest, on the other: (length, strided, contiguous).
fn axes<'a>(dims: &'a [usize], strides: &'a [isize]) -> impl Iterator<Item = (usize, isize, isize)> + 'a {
    assert_eq!(dims.len(), strides.len(), "a stride for each of {dims:?}");
    let step = |k: usize| dims[k + 1..].iter().product::<usize>() as isize;
    (0..dims.len()).map(move |k| (dims[k], strides[k], step(k)))
}

impl Tape {
    /// Fixed numbers, column-major. Numbers that are there already are used again.
    pub fn constant(&mut self, numbers: Arc<[f64]>, shape: Shape) -> Node {
        assert_eq!(numbers.len(), shape.size(), "numbers for {shape:?}");
        self.enter(Primitive::Constant(Constant(numbers)), Vec::new(), shape, false)
    }

    /// The numbers of `a` as a matrix of another shape and the same size. It costs nothing.
    pub fn reshape(&mut self, a: Node, shape: Shape) -> Node {
        let root = self.root(a);
        match self.record(root).op {
            _ if self.shape(a) == shape => a,
            _ if self.shape(root) == shape => root,
            Primitive::Fill(value) if self.shape(root).size() == shape.size() => self.fill(value, shape),
            _ => self.push(Reshape(shape), &[root]),
        }
    }

    /// The tensor of lengths `dims`, the last fastest, whose number at i is number `offset + sum_k i_k strides_k` of `a`. A
    /// stride of 0 repeats.
    pub fn strided(
        &mut self,
        a: Node,
        dims: &[usize],
        strides: &[isize],
        offset: usize,
        shape: Shape,
    ) -> Node {
        assert_eq!(dims.iter().product::<usize>(), shape.size(), "{dims:?} as {shape:?}");
        let axes: Vec<Axis> =
            axes(dims, strides).map(|(length, from, to)| Axis { length, from, to }).collect();
        self.moved(a, Strided::new(&axes, offset as isize, 0, shape))
    }

    /// The adjoint of [`Tape::strided`]: the result has `shape`, and number `offset + sum_k i_k strides_k` of it is the sum
    /// of the numbers of `g` at all such i, 0 where there is none. A stride of 0 adds up.
    pub fn sum_strided(
        &mut self,
        g: Node,
        dims: &[usize],
        strides: &[isize],
        offset: usize,
        shape: Shape,
    ) -> Node {
        assert_eq!(dims.iter().product::<usize>(), self.shape(g).size(), "{dims:?} of {:?}", self.shape(g));
        let axes: Vec<Axis> =
            axes(dims, strides).map(|(length, to, from)| Axis { length, from, to }).collect();
        self.moved(g, Strided::new(&axes, 0, offset as isize, shape))
    }

    /// `a` moved along strides, by the simplest entry that does so.
    pub(super) fn moved(&mut self, a: Node, strided: Strided) -> Node {
        let (size, shape) = (self.shape(a).size(), strided.to_shape());
        if strided.is_identity(size) {
            return self.reshape(a, shape);
        }
        if let (Primitive::Fill(value), Some(terms)) = (&self.record(a).op, strided.terms()) {
            let value = value * terms as f64;
            return self.fill(value, shape);
        }
        if let Some(rows) = strided.sums_columns(size) {
            let columns = self.reshape(a, Shape::new(rows, size / rows));
            let sums = self.sum_cols(columns);
            return self.reshape(sums, shape);
        }
        let root = self.root(a);
        self.push(strided, &[root])
    }

    /// Blocks laid one after another: for each of `outer` indices, `inners[i]` numbers of each input i in turn.
    pub fn concat(&mut self, inputs: &[Node], outer: usize, inners: &[usize], shape: Shape) -> Node {
        assert_eq!(inputs.len(), inners.len(), "a length for each input");
        let pairs = inputs.iter().copied().zip(inners.iter().copied()).filter(|(_, inner)| *inner > 0);
        let mut pairs: Vec<(Node, usize)> = pairs.collect();
        // More inputs than one entry takes are joined in groups first.
        while pairs.len() > Concat::MOST {
            let group = |tape: &mut Self, group: &[(Node, usize)]| {
                let (nodes, inners): (Vec<Node>, Vec<usize>) = group.iter().copied().unzip();
                let inner = inners.iter().sum();
                (tape.concat(&nodes, outer, &inners, Shape::new(inner, outer)), inner)
            };
            pairs = pairs.chunks(Concat::MOST).map(|pairs| group(self, pairs)).collect();
        }
        match pairs[..] {
            [] => self.fill(0.0, shape),
            [(node, _)] => self.reshape(node, shape),
            _ => {
                let (nodes, inners): (Vec<Node>, Vec<usize>) = pairs.into_iter().unzip();
                self.push(Concat { outer, inners, shape }, &nodes)
            }
        }
    }

    /// The products `op(a_n) op(b_n)` of `batch` pairs of matrices that lie one after another in `a` and in `b`, one after
    /// another; the flags say which operands are transposed, `a_shape` and `b_shape` how each of them is stored.
    pub fn batched_matmul(
        &mut self,
        (a, transpose_a): (Node, bool),
        (b, transpose_b): (Node, bool),
        batch: usize,
        a_shape: Shape,
        b_shape: Shape,
        shape: Shape,
    ) -> Node {
        let rule = BatchedMatMul { batch, transpose_a, transpose_b, a: a_shape, b: b_shape, shape };
        self.push(rule, &[a, b])
    }

    /// Entries of the middle axis of the tensor `a` of `outer` x `axis` x `inner` numbers, the last fastest. `index` holds
    /// whole numbers: `count` of them, the result being `outer` x `count` x `inner`, or one for `each` number of the result.
    /// An index outside 0 .. `axis` takes 0.
    #[expect(clippy::too_many_arguments, reason = "the lengths of a tensor and what is taken of it")]
    pub fn take(
        &mut self,
        a: Node,
        index: Node,
        outer: usize,
        axis: usize,
        inner: usize,
        count: usize,
        each: bool,
        shape: Shape,
    ) -> Node {
        self.push(Take { outer, axis, inner, count, each, adjoint: false, shape }, &[a, index])
    }

    /// The adjoint of [`Tape::take`]: the numbers of `g` added up where `index` points, in a tensor of `outer` x `axis` x
    /// `inner` zeros.
    #[expect(clippy::too_many_arguments, reason = "the lengths of a tensor and what is put into it")]
    pub fn put(
        &mut self,
        g: Node,
        index: Node,
        outer: usize,
        axis: usize,
        inner: usize,
        count: usize,
        each: bool,
        shape: Shape,
    ) -> Node {
        self.push(Take { outer, axis, inner, count, each, adjoint: true, shape }, &[g, index])
    }

    /// `a` where `mask`, broadcast to a's shape, is not zero (or, without `keep_where`, where it is), and exactly 0 elsewhere,
    /// whatever `a` is there.
    pub fn keep(&mut self, mask: Node, a: Node, keep_where: bool) -> Node {
        match self.record(a).op {
            Primitive::Fill(0.0) => a,
            _ => self.push(Keep { nonzero: keep_where }, &[a, mask]),
        }
    }

    /// `a` where `mask`, broadcast to its shape, is not zero, and `b`, of the same shape as `a`, elsewhere.
    pub fn select(&mut self, mask: Node, a: Node, b: Node) -> Node {
        let zero = |node| matches!(self.record(node).op, Primitive::Fill(0.0));
        let (no_a, no_b) = (zero(a), zero(b));
        if no_a {
            return self.keep(mask, b, false);
        }
        let chosen = self.keep(mask, a, true);
        if no_b {
            return chosen;
        }
        let other = self.keep(mask, b, false);
        self.add(chosen, other)
    }

    /// 1 where `kind` holds between `a` and `b`, broadcast to a's shape, and 0 elsewhere. It has no derivative.
    pub fn compare(&mut self, kind: Compare, a: Node, b: Node) -> Node {
        self.push(kind, &[a, b])
    }

    /// The row of the largest number in each column, 1 x cols: the first on ties. It has no derivative.
    pub fn arg_max_rows(&mut self, a: Node) -> Node {
        self.push(ArgMaxRows, &[a])
    }

    /// The largest number of each column, 1 x cols; on ties its derivative is that of the first.
    pub fn max_rows(&mut self, a: Node) -> Node {
        let (index, Shape { rows, cols }) = (self.arg_max_rows(a), self.shape(a));
        self.take(a, index, cols, rows, 1, 1, true, Shape::new(1, cols))
    }

    /// Each number and all before it in its column, added up.
    pub fn cumsum(&mut self, a: Node) -> Node {
        self.push(CumulativeSum { reverse: false }, &[a])
    }

    /// ln sum exp of each column, 1 x cols. The cross-entropy of class y is that of the column less its entry y, in full
    /// relative accuracy.
    pub fn log_sum_exp(&mut self, a: Node) -> Node {
        self.push(LogSumExp, &[a])
    }

    /// The transposed convolution: the signal of outputs that `geometry` describes (outputs x (n H' W')) carried back to
    /// its images, channels x (n H W), by the same weights.
    pub fn conv_transpose(&mut self, geometry: ConvGeometry, weights: Node, signal: Node) -> Node {
        self.push(Conv { geometry, role: Role::Input }, &[weights, signal])
    }
}
