//! Rows of zeros around a matrix, or, as its adjoint, the rows within them.

use super::{Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View};

/// r x n to `rows` x n with `before` rows of zeros first; the adjoint cuts `rows` rows out, from row `before` on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PadRows {
    /// Rows before those of the smaller matrix.
    pub before: usize,
    /// Rows of the result.
    pub rows: usize,
    /// Cut instead of pad.
    pub adjoint: bool,
}

impl PadRows {
    fn move_rows<E: Element>(&self, x: View<E>, out: &mut [E]) {
        let (before, from) = (self.before, x.shape.rows.max(1));
        for (o, x) in out.chunks_exact_mut(self.rows.max(1)).zip(x.data.chunks_exact(from)) {
            if self.adjoint {
                o.copy_from_slice(&x[before..before + self.rows])
            } else {
                o.fill(E::ZERO);
                o[before..before + from].copy_from_slice(x);
            }
        }
    }
}

impl Rule for PadRows {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        let (small, large) =
            if self.adjoint { (self.rows, inputs[0].rows) } else { (inputs[0].rows, self.rows) };
        assert!(self.before + small <= large, "{self:?} of {:?}", inputs[0]);
        Shape::new(self.rows, inputs[0].cols)
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        self.move_rows(inputs[0], out);
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let Some(da) = args.tangents[0] else { return };
        for (j, out) in out.chunks_exact_mut(args.shape.size()).enumerate() {
            self.move_rows(da.slab(j), out);
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, _which: usize) -> Node {
        let rows = tape.shape(inputs[0]).rows;
        tape.push(Self { rows, adjoint: !self.adjoint, ..*self }, &[g])
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        let shapes = || vec![Shape::new(3, 4)];
        vec![
            (Self { before: 1, rows: 5, adjoint: false }, shapes()),
            (Self { before: 1, rows: 2, adjoint: true }, shapes()),
        ]
    }
}
