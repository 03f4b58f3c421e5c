//! The entries of an axis that an index names: embedding rows, selections along an axis, the logit of a class. The adjoint
//! adds numbers up where the index points.
//!
//! The tensor is `outer` x `axis` x `inner`, the last fastest. The index holds whole numbers in the element type: `count` of
//! them for all outer and inner positions alike, or `outer` x `count` x `inner` of them, one for `each` entry of the result.
//! It is constant under tangents; one outside 0 .. `axis`, NaN included, takes 0.

use super::share::share;
use super::{Degree, Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View};

/// Takes, or adds back, entries along an axis: (tensor, index) to the entries, or (entries, index) to a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Take {
    /// Positions before the axis.
    pub outer: usize,
    /// Length of the axis.
    pub axis: usize,
    /// Positions after the axis.
    pub inner: usize,
    /// Entries taken along the axis.
    pub count: usize,
    /// Whether there is an index for each entry of the result.
    pub each: bool,
    /// Whether entries are added back rather than taken.
    pub adjoint: bool,
    /// Shape of the result.
    pub shape: Shape,
}

impl Take {
    /// The entry that an index names.
    #[inline(always)]
    fn named<E: Element>(&self, index: E) -> Option<usize> {
        let index = index.to_f64();
        (index >= 0.0 && index < self.axis as f64).then_some(index as usize)
    }

    fn apply<E: Element>(&self, x: &[E], index: &[E], out: &mut [E]) {
        if self.adjoint { self.put(x, index, out) } else { self.take(x, index, out) }
    }

    fn take<E: Element>(&self, x: &[E], index: &[E], out: &mut [E]) {
        let (inner, block) = (self.inner, self.axis * self.inner);
        share(out, inner, |start, out| {
            for (row, out) in out.chunks_exact_mut(inner.max(1)).enumerate() {
                let row = start / inner + row;
                let x = &x[row / self.count * block..][..block];
                if self.each {
                    for (i, (o, index)) in out.iter_mut().zip(&index[row * inner..]).enumerate() {
                        *o = self.named(*index).map_or(E::ZERO, |at| x[at * inner + i]);
                    }
                    continue;
                }
                match self.named(index[row % self.count]) {
                    Some(at) => out.copy_from_slice(&x[at * inner..][..inner]),
                    None => out.fill(E::ZERO),
                }
            }
        });
    }

    /// Adds the entries back, each number of the result in the order of the entries. A part of the result reads all
    /// indices and adds what falls into it.
    fn put<E: Element>(&self, g: &[E], index: &[E], out: &mut [E]) {
        let (inner, block) = (self.inner, self.axis * self.inner);
        let unit = if self.each { block } else { inner };
        share(out, unit, |start, out| {
            out.fill(E::ZERO);
            let end = start + out.len();
            let outers = start / block.max(1)..end.div_ceil(block.max(1)).min(self.outer);
            for row in outers.start * self.count..outers.end * self.count {
                let (g, base) = (&g[row * inner..][..inner], row / self.count * block);
                if self.each {
                    for (i, (g, index)) in g.iter().zip(&index[row * inner..]).enumerate() {
                        if let Some(at) = self.named(*index) {
                            out[base + at * inner + i - start] += *g;
                        }
                    }
                    continue;
                }
                let Some(at) = self.named(index[row % self.count]) else { continue };
                let at = base + at * inner;
                if (start..end).contains(&at) {
                    out[at - start..][..inner].iter_mut().zip(g).for_each(|(o, g)| *o += *g);
                }
            }
        });
    }
}

impl Rule for Take {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        let (whole, entries) = (self.outer * self.axis * self.inner, self.outer * self.count * self.inner);
        let (from, to) = if self.adjoint { (entries, whole) } else { (whole, entries) };
        let indices = if self.each { entries } else { self.count };
        assert_eq!(inputs[0].size(), from, "numbers under {self:?}");
        assert_eq!(inputs[1].size(), indices, "indices under {self:?}");
        assert_eq!(self.shape.size(), to, "results under {self:?}");
        self.shape
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        self.apply(inputs[0].data, inputs[1].data, out);
    }

    fn still(&self, active: &[bool]) -> bool {
        !active[0]
    }

    fn reads(&self, which: usize, _active: &[bool]) -> bool {
        which == 1
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let Some(dx) = args.tangents[0] else { return };
        for (j, out) in out.chunks_exact_mut(args.shape.size().max(1)).enumerate() {
            self.apply(dx.slab(j).data, args.inputs[1].data, out);
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, which: usize) -> Node {
        let shape = tape.shape(inputs[which]);
        match which {
            0 => tape.push(Self { adjoint: !self.adjoint, shape, ..*self }, &[g, inputs[1]]),
            _ => tape.fill(0.0, shape),
        }
    }

    fn degree(&self, inputs: &[Degree]) -> Degree {
        super::keep::chosen(inputs)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        let both = |outer, axis, inner, count, each| {
            let of = |n: usize| Shape::new(inner, outer * n);
            let (x, y) = (of(axis), of(count));
            let index = if each { y } else { Shape::new(count, 1) };
            [(false, x, y), (true, y, x)].map(|(adjoint, from, shape)| {
                (Self { outer, axis, inner, count, each, adjoint, shape }, vec![from, index])
            })
        };
        let all = [
            both(1, 3, 2, 5, false),
            both(2, 2, 3, 4, false),
            both(8, 2, 1, 1, true),
            both(2, 3, 2, 3, true),
        ];
        all.into_iter().flatten().collect()
    }
}
