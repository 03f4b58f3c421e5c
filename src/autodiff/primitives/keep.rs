//! A where a mask says so, and exactly 0 elsewhere: an infinite or undefined number that is masked out leaves nothing behind,
//! where a product with 0 would leave NaN. The mask is constant under tangents.

use super::add::{broadcast_examples, broadcast_shape, zip};
use super::{Degree, Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View};

/// Keeps A (input 0) where the mask (input 1, broadcast to A's shape) is not zero, or where it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keep {
    /// Whether numbers are kept where the mask is not zero.
    pub nonzero: bool,
}

/// Degree of what an input that has no tangent chooses from the first.
pub(super) fn chosen(inputs: &[Degree]) -> Degree {
    match inputs[1] {
        Degree::Constant => inputs[0],
        _ => Degree::General,
    }
}

impl Keep {
    fn apply<E: Element>(&self, a: View<E>, mask: View<E>, out: &mut [E]) {
        if self.nonzero {
            zip(a, mask, out, |a, m| if m != E::ZERO { a } else { E::ZERO })
        } else {
            zip(a, mask, out, |a, m| if m == E::ZERO { a } else { E::ZERO })
        }
    }
}

impl Rule for Keep {
    const IN_PLACE: bool = true;

    fn shape(&self, inputs: &[Shape]) -> Shape {
        broadcast_shape(inputs)
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        self.apply(inputs[0], inputs[1], out);
    }

    fn still(&self, active: &[bool]) -> bool {
        !active[0]
    }

    fn reads(&self, which: usize, _active: &[bool]) -> bool {
        which == 1
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let Some(da) = args.tangents[0] else { return };
        for (j, out) in out.chunks_exact_mut(args.shape.size().max(1)).enumerate() {
            self.apply(da.slab(j), args.inputs[1], out);
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, which: usize) -> Node {
        match which {
            0 => tape.keep(inputs[1], g, self.nonzero),
            _ => {
                let shape = tape.shape(inputs[1]);
                tape.fill(0.0, shape)
            }
        }
    }

    fn degree(&self, inputs: &[Degree]) -> Degree {
        chosen(inputs)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        // Without `nonzero` all that is drawn at random is left out, and is tested by itself.
        broadcast_examples().map(|shapes| (Self { nonzero: true }, shapes)).to_vec()
    }
}
