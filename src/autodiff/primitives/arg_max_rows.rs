//! The row of the largest number in each column, r x n to 1 x n: the first on ties, and that of a NaN where there is one.
//! The index is a whole number in the element type, constant almost everywhere, and has no derivative;
//! [`Take`](super::Take) finds the maximum itself.

use super::share::share_sums;
use super::softmax::nonlinear;
use super::{Degree, Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View};

/// Index of the maximum of each column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArgMaxRows;

/// The index of the largest number.
fn largest<E: Element>(column: &[E]) -> usize {
    let mut best = 0;
    for (i, x) in column.iter().enumerate() {
        // `!(x <= best)` lets NaN in, and nothing replaces one.
        #[expect(clippy::eq_op, reason = "true for NaN alone")]
        let keep = *x <= column[best] || column[best] != column[best];
        best = if keep { best } else { i };
    }
    best
}

impl Rule for ArgMaxRows {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        assert!(inputs[0].rows > 0, "the maximum of nothing");
        Shape::new(1, inputs[0].cols)
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        let (x, rows) = (inputs[0].data, inputs[0].shape.rows);
        share_sums(out, 1, rows, |start, out| {
            for (o, column) in out.iter_mut().zip(x[start * rows..].chunks_exact(rows)) {
                *o = E::from_f64(largest(column) as f64);
            }
        });
    }

    fn still(&self, _active: &[bool]) -> bool {
        true
    }

    fn tangent<E: Element>(&self, _args: &TangentArgs<E>, out: &mut [E]) {
        out.fill(E::ZERO);
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], _g: Node, _which: usize) -> Node {
        let shape = tape.shape(inputs[0]);
        tape.fill(0.0, shape)
    }

    fn degree(&self, inputs: &[Degree]) -> Degree {
        nonlinear(inputs)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        vec![(Self, vec![Shape::new(4, 3)])]
    }
}
