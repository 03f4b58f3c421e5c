//! Sum over the rows: r x n to 1 x n, one number a sample. Accumulated in f64.

use super::{Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View};

/// Column sums.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SumRows;

fn sum<E: Element>(rows: usize, x: &[E], out: &mut [E]) {
    for (o, column) in out.iter_mut().zip(x.chunks_exact(rows.max(1))) {
        *o = E::from_f64(column.iter().map(|v| v.to_f64()).sum());
    }
}

impl Rule for SumRows {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        Shape::new(1, inputs[0].cols)
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        sum(inputs[0].shape.rows, inputs[0].data, out);
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let Some(da) = args.tangents[0] else { return };
        for (j, out) in out.chunks_exact_mut(args.shape.size()).enumerate() {
            sum(da.shape.rows, da.slab(j).data, out);
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, _which: usize) -> Node {
        let shape = tape.shape(inputs[0]);
        tape.broadcast(g, shape)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        vec![(Self, vec![Shape::new(3, 4)])]
    }
}
