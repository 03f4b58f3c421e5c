//! `op(A) op(B)`, each operand as it stands or transposed.
//!
//! Tangent: `op(dA) op(B) + op(A) op(dB)`, accumulated in the product itself. Pullback, with G the cotangent:
//! of `op(A)` it is `G op(B)^T`, of `op(B)` it is `op(A)^T G`; transposed again where the operand was.

use super::{Degree, Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View, matrix::product};

/// Matrix product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatMul {
    /// Use the first operand transposed.
    pub transpose_a: bool,
    /// Use the second operand transposed.
    pub transpose_b: bool,
}

impl Rule for MatMul {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        let (a, b) = (inputs[0], inputs[1]);
        let (rows, inner_a) = if self.transpose_a { (a.cols, a.rows) } else { (a.rows, a.cols) };
        let (inner_b, cols) = if self.transpose_b { (b.cols, b.rows) } else { (b.rows, b.cols) };
        assert_eq!(inner_a, inner_b, "inner dimensions of {a:?} and {b:?} under {self:?}");
        Shape::new(rows, cols)
    }

    fn multiply_adds(&self, inputs: &[Shape], shape: Shape) -> usize {
        shape.size() * if self.transpose_a { inputs[0].rows } else { inputs[0].cols }
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        product(out, false, (inputs[0], self.transpose_a), (inputs[1], self.transpose_b));
    }

    fn reads(&self, which: usize, active: &[bool]) -> bool {
        active[1 - which]
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let (a, b) = (args.inputs[0], args.inputs[1]);
        let mut written = false;
        if let Some(db) = args.tangents[1] {
            // With B as it stands, its k tangents side by side make one wide product.
            match db.side_by_side(args.k).filter(|_| !self.transpose_b) {
                Some(wide) => product(out, false, (a, self.transpose_a), (wide, false)),
                None => {
                    for (j, out) in out.chunks_exact_mut(args.shape.size()).enumerate() {
                        product(out, false, (a, self.transpose_a), (db.slab(j), self.transpose_b));
                    }
                }
            }
            written = true;
        }
        if let Some(da) = args.tangents[0] {
            for (j, out) in out.chunks_exact_mut(args.shape.size()).enumerate() {
                product(out, written, (da.slab(j), self.transpose_a), (b, self.transpose_b));
            }
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, which: usize) -> Node {
        let (a, b) = (inputs[0], inputs[1]);
        match (which, self.transpose_a, self.transpose_b) {
            (0, false, tb) => tape.matmul((g, false), (b, !tb)),
            (0, true, tb) => tape.matmul((b, tb), (g, true)),
            (_, ta, false) => tape.matmul((a, !ta), (g, false)),
            (_, ta, true) => tape.matmul((g, true), (a, ta)),
        }
    }

    fn degree(&self, inputs: &[Degree]) -> Degree {
        super::mul::bilinear(inputs)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        let shape = |rows, cols, flip| if flip { Shape::new(cols, rows) } else { Shape::new(rows, cols) };
        [(false, false), (false, true), (true, false), (true, true)]
            .map(|(transpose_a, transpose_b)| {
                (Self { transpose_a, transpose_b }, vec![shape(3, 4, transpose_a), shape(4, 5, transpose_b)])
            })
            .to_vec()
    }
}
