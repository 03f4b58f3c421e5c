//! Blocks of inner x outer numbers, each transposed: what was fastest becomes slowest.
//!
//! Between the flat layout of an image (position fastest, then channel) and that of the window primitives (channel
//! fastest, then position): inner = H W and outer = C from flat to image, and the other way round back. Tangent and
//! pullback are the permutation itself and its inverse.

use super::{Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View};

/// Transposition of every block of `inner` x `outer` numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Permute {
    /// Length of the axis that is fastest in the input and slowest in the output.
    pub inner: usize,
    /// Length of the axis that is slowest in the input and fastest in the output.
    pub outer: usize,
    /// Shape of the result, of as many numbers as the input.
    pub shape: Shape,
}

/// Rows and columns of a block moved together, so that what is read and what is written both stay in cache.
const TILE: usize = 16;

impl Permute {
    fn apply<E: Element>(&self, x: &[E], out: &mut [E]) {
        let (inner, outer) = (self.inner, self.outer);
        if inner == 1 || outer == 1 {
            return out.copy_from_slice(x);
        }
        for (out, x) in out.chunks_exact_mut(inner * outer).zip(x.chunks_exact(inner * outer)) {
            for first in (0..inner).step_by(TILE) {
                let rows = first..(first + TILE).min(inner);
                for start in (0..outer).step_by(TILE) {
                    let columns = start..(start + TILE).min(outer);
                    for i in rows.clone() {
                        let from = x[columns.start * inner + i..].iter().step_by(inner);
                        let to = &mut out[i * outer + columns.start..i * outer + columns.end];
                        to.iter_mut().zip(from).for_each(|(o, x)| *o = *x);
                    }
                }
            }
        }
    }
}

impl Rule for Permute {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        let (size, block) = (inputs[0].size(), self.inner * self.outer);
        assert_eq!(self.shape.size(), size, "{self:?} of {:?}", inputs[0]);
        assert!(block > 0 && size.is_multiple_of(block), "{self:?} of {:?}", inputs[0]);
        self.shape
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        self.apply(inputs[0].data, out);
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let Some(da) = args.tangents[0] else { return };
        for (j, out) in out.chunks_exact_mut(args.shape.size()).enumerate() {
            self.apply(da.slab(j).data, out);
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, _which: usize) -> Node {
        let shape = tape.shape(inputs[0]);
        tape.permute(g, self.outer, self.inner, shape)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        let example = |inner, outer, (rows, cols), input| {
            (Self { inner, outer, shape: Shape::new(rows, cols) }, vec![input])
        };
        vec![
            example(6, 2, (2, 18), Shape::new(12, 3)),
            example(2, 6, (12, 3), Shape::new(2, 18)),
            example(18, 33, (33, 18), Shape::new(18, 33)),
            example(1, 5, (2, 10), Shape::new(5, 4)),
        ]
    }
}
