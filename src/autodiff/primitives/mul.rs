//! `A * B` elementwise, where B may also be a column, a row or a number, repeated over A.

use super::add::{broadcast_examples, broadcast_shape, zip};
use super::{Degree, Primitive, Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View};

/// Elementwise (Hadamard) product with a broadcast second operand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mul;

/// Degree of a product: affine as long as one factor stands still.
pub(super) fn bilinear(inputs: &[Degree]) -> Degree {
    match (inputs[0], inputs[1]) {
        (Degree::Constant, other) | (other, Degree::Constant) => other,
        _ => Degree::General,
    }
}

/// `out += a * b`, b broadcast to a's shape.
fn add_product<E: Element>(a: View<E>, b: View<E>, out: &mut [E]) {
    let rows = a.shape.rows.max(1);
    for (j, (out, a)) in out.chunks_exact_mut(rows).zip(a.data.chunks_exact(rows)).enumerate() {
        let start = if b.shape.cols == 1 { 0 } else { j * b.shape.rows };
        let b = &b.data[start..start + b.shape.rows];
        // One number for the whole column, or one for each of its entries.
        let b = b.iter().cycle();
        out.iter_mut().zip(a).zip(b).for_each(|((o, a), b)| *o += *a * *b);
    }
}

impl Rule for Mul {
    const IN_PLACE: bool = true;

    fn shape(&self, inputs: &[Shape]) -> Shape {
        broadcast_shape(inputs)
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        zip(inputs[0], inputs[1], out, |x, y| x * y);
    }

    fn reads(&self, which: usize, active: &[bool]) -> bool {
        active[1 - which]
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let (a, b) = (args.inputs[0], args.inputs[1]);
        for (j, out) in out.chunks_exact_mut(args.shape.size()).enumerate() {
            match (args.tangents[0], args.tangents[1]) {
                (Some(da), None) => zip(da.slab(j), b, out, |x, y| x * y),
                (None, Some(db)) => zip(a, db.slab(j), out, |x, y| x * y),
                (Some(da), Some(db)) => {
                    zip(da.slab(j), b, out, |x, y| x * y);
                    add_product(a, db.slab(j), out);
                }
                (None, None) => out.fill(E::ZERO),
            }
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, which: usize) -> Node {
        if which == 0 {
            return tape.mul(g, inputs[1]);
        }
        let (whole, shape) = (tape.shape(inputs[0]), tape.shape(inputs[1]));
        // A repeated column: product and sum in one pass. Ones as cotangents make it a mere sum.
        let ones = matches!(tape.record(g).op, Primitive::Fill(1.0));
        if shape.rows == whole.rows && shape.cols == 1 && whole.cols != 1 && !ones {
            return tape.row_dot(g, inputs[0]);
        }
        let product = tape.mul(g, inputs[0]);
        tape.sum_to(product, shape)
    }

    fn degree(&self, inputs: &[Degree]) -> Degree {
        bilinear(inputs)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        broadcast_examples().map(|shapes| (Self, shapes)).to_vec()
    }
}
