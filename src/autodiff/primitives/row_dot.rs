//! The dot product of each row of A with the same row of B: two r x n to r x 1, accumulated in f64. The pullback of a
//! product with a repeated column, in one pass.

use super::blocks::sums;
use super::{Degree, Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View};

/// Row-wise dot products.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowDot;

/// `out (+)= sum_j a_ij b_ij`.
fn dots<E: Element>(a: View<E>, b: View<E>, accumulate: bool, out: &mut [E]) {
    let rows = out.len();
    let mut totals = vec![[0.0]; rows];
    let shift = vec![0.0; rows];
    let x = [a.data, b.data];
    sums::<E, 2, 1, 16>((rows, 1), x, &shift, &mut Vec::new(), &mut totals, |[a, b], _| [a * b]);
    for (o, [total]) in out.iter_mut().zip(totals) {
        *o = if accumulate { *o } else { E::ZERO } + E::from_f64(total);
    }
}

impl Rule for RowDot {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        assert_eq!(inputs[0], inputs[1], "row by row");
        Shape::new(inputs[0].rows, 1)
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        dots(inputs[0], inputs[1], false, out);
    }

    fn reads(&self, which: usize, active: &[bool]) -> bool {
        active[1 - which]
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        for (j, out) in out.chunks_exact_mut(args.shape.size()).enumerate() {
            let mut written = false;
            for (which, other) in [(0, args.inputs[1]), (1, args.inputs[0])] {
                if let Some(t) = args.tangents[which] {
                    dots(t.slab(j), other, written, out);
                    written = true;
                }
            }
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, which: usize) -> Node {
        tape.mul(inputs[1 - which], g)
    }

    fn degree(&self, inputs: &[Degree]) -> Degree {
        super::mul::bilinear(inputs)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        [(3, 4), (19, 2)].map(|(rows, cols)| (Self, vec![Shape::new(rows, cols); 2])).to_vec()
    }
}
