//! A column (r x 1), a row (1 x n) or a number, repeated to a larger shape: the pullback of the sums.

use super::{Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View};

/// Repetition to a stated shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Broadcast(pub Shape);

fn repeat<E: Element>(to: Shape, x: View<E>, out: &mut [E]) {
    for (j, column) in out.chunks_exact_mut(to.rows.max(1)).enumerate() {
        let start = if x.shape.cols == 1 { 0 } else { j * x.shape.rows };
        match x.shape.rows {
            1 => column.fill(x.data[start]),
            rows => column.copy_from_slice(&x.data[start..start + rows]),
        }
    }
}

impl Rule for Broadcast {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        super::add::broadcast_shape(&[self.0, inputs[0]])
    }

    fn value<E: Element>(&self, inputs: &[View<E>], shape: Shape, out: &mut [E]) {
        repeat(shape, inputs[0], out);
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let Some(da) = args.tangents[0] else { return };
        for (j, out) in out.chunks_exact_mut(args.shape.size()).enumerate() {
            repeat(args.shape, da.slab(j), out);
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, _which: usize) -> Node {
        let shape = tape.shape(inputs[0]);
        tape.sum_to(g, shape)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        let to = Shape::new(4, 3);
        [(4, 1), (1, 3), (1, 1)].map(|(rows, cols)| (Self(to), vec![Shape::new(rows, cols)])).to_vec()
    }
}
