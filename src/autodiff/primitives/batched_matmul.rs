//! Products of `batch` pairs of matrices that lie one after another, each operand as it stands or transposed.
//!
//! The rules are those of [`MatMul`](super::MatMul), pair by pair. Pairs are shared out among threads in tasks that follow
//! from the work alone.

use super::{Degree, Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View, matrix::product};
use crate::base::parallel;

/// Products of pairs of matrices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchedMatMul {
    /// Number of pairs.
    pub batch: usize,
    /// Use the first operands transposed.
    pub transpose_a: bool,
    /// Use the second operands transposed.
    pub transpose_b: bool,
    /// Shape of each first operand.
    pub a: Shape,
    /// Shape of each second operand.
    pub b: Shape,
    /// Shape of the result, all products one after another.
    pub shape: Shape,
}

/// Multiply-adds in one task; more of them are shared out among threads. A tenth of a millisecond or two.
const TASK: usize = 1 << 23;

impl BatchedMatMul {
    /// Rows, inner dimension and columns of a product.
    fn dimensions(&self) -> (usize, usize, usize) {
        let (rows, inner) =
            if self.transpose_a { (self.a.cols, self.a.rows) } else { (self.a.rows, self.a.cols) };
        let cols = if self.transpose_b { self.b.rows } else { self.b.cols };
        (rows, inner, cols)
    }

    fn apply<E: Element>(&self, a: &[E], b: &[E], accumulate: bool, out: &mut [E]) {
        let (rows, inner, cols) = self.dimensions();
        let task = (TASK / (rows * inner * cols).max(1)).clamp(1, self.batch.max(1));
        let each = |first: usize, out: &mut [E]| {
            for (i, out) in out.chunks_exact_mut((rows * cols).max(1)).enumerate() {
                let a = View { data: &a[(first + i) * self.a.size()..][..self.a.size()], shape: self.a };
                let b = View { data: &b[(first + i) * self.b.size()..][..self.b.size()], shape: self.b };
                product(out, accumulate, (a, self.transpose_a), (b, self.transpose_b));
            }
        };
        if task >= self.batch {
            return each(0, out);
        }
        parallel::parts_mut(out, (task * rows * cols).max(1), &|i, out| each(i * task, out));
    }
}

impl Rule for BatchedMatMul {
    fn multiply_adds(&self, _inputs: &[Shape], _shape: Shape) -> usize {
        let (rows, inner, cols) = self.dimensions();
        self.batch * rows * inner * cols
    }

    fn shape(&self, inputs: &[Shape]) -> Shape {
        let (rows, inner, cols) = self.dimensions();
        let inner_b = if self.transpose_b { self.b.cols } else { self.b.rows };
        assert_eq!(inner, inner_b, "inner dimensions under {self:?}");
        assert_eq!(inputs[0].size(), self.batch * self.a.size(), "first operands under {self:?}");
        assert_eq!(inputs[1].size(), self.batch * self.b.size(), "second operands under {self:?}");
        assert_eq!(self.shape.size(), self.batch * rows * cols, "results under {self:?}");
        self.shape
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        self.apply(inputs[0].data, inputs[1].data, false, out);
    }

    fn reads(&self, which: usize, active: &[bool]) -> bool {
        active[1 - which]
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let (a, b) = (args.inputs[0].data, args.inputs[1].data);
        for (j, out) in out.chunks_exact_mut(args.shape.size().max(1)).enumerate() {
            if let Some(db) = args.tangents[1] {
                self.apply(a, db.slab(j).data, false, out);
            }
            if let Some(da) = args.tangents[0] {
                self.apply(da.slab(j).data, b, args.tangents[1].is_some(), out);
            }
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, which: usize) -> Node {
        let (rows, _, cols) = self.dimensions();
        let (a, b, g) = ((inputs[0], self.a), (inputs[1], self.b), (g, Shape::new(rows, cols)));
        let shape = tape.shape(inputs[which]);
        let with = |(node, shape): (Node, Shape), transposed: bool| (node, transposed, shape);
        let (first, second) = match (which, self.transpose_a, self.transpose_b) {
            (0, false, tb) => (with(g, false), with(b, !tb)),
            (0, true, tb) => (with(b, tb), with(g, true)),
            (_, ta, false) => (with(a, !ta), with(g, false)),
            (_, ta, true) => (with(g, true), with(a, ta)),
        };
        let ((a, ta, a_shape), (b, tb, b_shape)) = (first, second);
        tape.batched_matmul((a, ta), (b, tb), self.batch, a_shape, b_shape, shape)
    }

    fn degree(&self, inputs: &[Degree]) -> Degree {
        super::mul::bilinear(inputs)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        let shape = |rows, cols, flip| if flip { Shape::new(cols, rows) } else { Shape::new(rows, cols) };
        [(false, false), (false, true), (true, false), (true, true)]
            .map(|(transpose_a, transpose_b)| {
                let (a, b) = (shape(3, 4, transpose_a), shape(4, 5, transpose_b));
                let of = |s: Shape| Shape::new(s.rows, 2 * s.cols);
                (
                    Self { batch: 2, transpose_a, transpose_b, a, b, shape: Shape::new(15, 2) },
                    vec![of(a), of(b)],
                )
            })
            .to_vec()
    }
}
