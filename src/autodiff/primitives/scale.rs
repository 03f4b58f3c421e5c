//! `c A` for a fixed number c.

use super::{Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View, elementary::vectorised};

/// Multiplication by a constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale(pub f64);

/// An empty `x` is in `out` already.
fn scaled<E: Element>(factor: E, x: &[E], out: &mut [E]) {
    vectorised(
        #[inline(always)]
        move || {
            if x.is_empty() {
                out.iter_mut().for_each(|o| *o = factor * *o)
            } else {
                out.iter_mut().zip(x).for_each(|(o, x)| *o = factor * *x)
            }
        },
    );
}

impl Rule for Scale {
    const IN_PLACE: bool = true;

    fn shape(&self, inputs: &[Shape]) -> Shape {
        inputs[0]
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        scaled(E::from_f64(self.0), inputs[0].data, out);
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let Some(da) = args.tangents[0] else { return };
        for (j, out) in out.chunks_exact_mut(args.shape.size()).enumerate() {
            scaled(E::from_f64(self.0), da.slab(j).data, out);
        }
    }

    fn pullback(&self, tape: &mut Tape, _inputs: &[Node], g: Node, _which: usize) -> Node {
        tape.scale(self.0, g)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        vec![(Self(-1.5), vec![Shape::new(3, 4)])]
    }
}
