//! Each entry repeated over a block of rows x cols entries: R x N to R rows x N cols. The adjoint of
//! [`BlockMean`](super::BlockMean), times the size of a block.

use super::blocks::Blocks;
use super::{Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View};

/// Repetition of each entry over `rows` rows by `cols` columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlockBroadcast {
    /// Rows of a block.
    pub rows: usize,
    /// Columns of a block.
    pub cols: usize,
}

impl BlockBroadcast {
    /// `height`: rows of `x`.
    fn apply<E: Element>(&self, height: usize, x: &[E], out: &mut [E]) {
        let height = height.max(1);
        let wide = height * self.rows;
        for (out, x) in out.chunks_exact_mut(wide * self.cols).zip(x.chunks_exact(height)) {
            let (first, others) = out.split_at_mut(wide);
            for (out, x) in first.chunks_exact_mut(self.rows).zip(x) {
                out.fill(*x);
            }
            others.chunks_exact_mut(wide).for_each(|column| column.copy_from_slice(first));
        }
    }
}

impl Rule for BlockBroadcast {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        assert!(self.rows > 0 && self.cols > 0, "{self:?} repeats nothing");
        Blocks { rows: self.rows, cols: self.cols }.spread(inputs[0])
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        self.apply(inputs[0].shape.rows, inputs[0].data, out);
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let Some(da) = args.tangents[0] else { return };
        for (j, out) in out.chunks_exact_mut(args.shape.size()).enumerate() {
            self.apply(da.shape.rows, da.slab(j).data, out);
        }
    }

    fn pullback(&self, tape: &mut Tape, _inputs: &[Node], g: Node, _which: usize) -> Node {
        let mean = tape.block_mean(g, self.rows, self.cols);
        tape.scale((self.rows * self.cols) as f64, mean)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        example_blocks()
            .map(|(blocks, shape)| (Self { rows: blocks.rows, cols: blocks.cols }, vec![blocks.of(shape)]))
            .to_vec()
    }
}

/// Blocks with matrices that they tile: those of the batch, layer, instance and group norm, and more rows than are
/// computed at once.
pub(super) fn example_blocks() -> [(Blocks, Shape); 6] {
    [
        ((1, 6), (3, 6)),
        ((4, 4), (4, 8)),
        ((5, 1), (5, 3)),
        ((1, 3), (4, 9)),
        ((2, 5), (6, 10)),
        ((1, 4), (35, 4)),
    ]
    .map(|((rows, cols), (r, n))| (Blocks { rows, cols }, Shape::new(r, n)))
}
