//! Blocks laid one after another: for each of `outer` indices, the run of each input in turn. Concatenation along an axis
//! of tensors whose axes before it have `outer` indices in all and whose axes from it on have `inners`.

use super::share::share;
use super::strided::{Axis, Strided};
use super::{Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View};

/// Concatenation of up to [`Concat::MOST`] inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Concat {
    /// Number of blocks.
    pub outer: usize,
    /// Numbers of each input in a block.
    pub inners: Vec<usize>,
    /// Shape of the result.
    pub shape: Shape,
}

impl Concat {
    /// Most inputs of one entry.
    pub const MOST: usize = crate::autodiff::plan::ARITY;

    /// Numbers in a block.
    fn block(&self) -> usize {
        self.inners.iter().sum()
    }

    /// Lays the runs of each input; one without numbers counts as zeros.
    fn apply<'a, E: Element>(&self, input: impl Fn(usize) -> &'a [E] + Sync, out: &mut [E]) {
        let block = self.block();
        share(out, block, |start, out| {
            for (o, out) in out.chunks_exact_mut(block.max(1)).enumerate() {
                let (outer, mut at) = (start / block + o, 0);
                for (i, inner) in self.inners.iter().enumerate() {
                    let (out, x) = (&mut out[at..at + inner], input(i));
                    if x.is_empty() {
                        out.fill(E::ZERO)
                    } else {
                        out.copy_from_slice(&x[outer * inner..][..*inner])
                    }
                    at += inner;
                }
            }
        });
    }
}

impl Rule for Concat {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        assert_eq!(inputs.len(), self.inners.len(), "inputs under {self:?}");
        for (input, inner) in inputs.iter().zip(&self.inners) {
            assert_eq!(input.size(), self.outer * inner, "{input:?} under {self:?}");
        }
        assert_eq!(self.shape.size(), self.outer * self.block(), "{self:?}");
        self.shape
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        self.apply(|i| inputs[i].data, out);
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        for (j, out) in out.chunks_exact_mut(args.shape.size().max(1)).enumerate() {
            self.apply(|i| args.tangents[i].map_or(&[][..], |t| t.slab(j).data), out);
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, which: usize) -> Node {
        let (inner, block) = (self.inners[which], self.block() as isize);
        let before: usize = self.inners[..which].iter().sum();
        let axes = [
            Axis { length: self.outer, from: block, to: inner as isize },
            Axis { length: inner, from: 1, to: 1 },
        ];
        let shape = tape.shape(inputs[which]);
        tape.moved(g, Strided::new(&axes, before as isize, 0, shape))
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        let shapes = || [2, 6, 4].map(|n| Shape::new(n, 2)).to_vec();
        vec![
            (Self { outer: 4, inners: vec![1, 3, 2], shape: Shape::new(6, 4) }, shapes()),
            (Self { outer: 1, inners: vec![4, 12, 8], shape: Shape::new(3, 8) }, shapes()),
        ]
    }
}
