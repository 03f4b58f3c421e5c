//! The same numbers in another shape. It costs nothing: plans read the argument's buffer under the other shape.

use super::{Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View};

/// Another shape of as many numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reshape(pub Shape);

impl Rule for Reshape {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        assert_eq!(self.0.size(), inputs[0].size(), "{self:?} of {:?}", inputs[0]);
        self.0
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        out.copy_from_slice(inputs[0].data);
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let Some(da) = args.tangents[0] else { return };
        for (j, out) in out.chunks_exact_mut(args.shape.size().max(1)).enumerate() {
            out.copy_from_slice(da.slab(j).data);
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, _which: usize) -> Node {
        let shape = tape.shape(inputs[0]);
        tape.reshape(g, shape)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        vec![(Self(Shape::new(4, 3)), vec![Shape::new(2, 6)])]
    }
}
