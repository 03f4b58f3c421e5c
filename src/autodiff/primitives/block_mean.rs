//! The mean over each block of rows x cols entries: R x N to R/rows x N/cols, accumulated in f64.
//!
//! Global average pooling is `rows` = 1, `cols` = H W; the mean of a batch `rows` = 1, `cols` = N.

use super::blocks::{Blocks, sums};
use super::{Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View};

/// Means of blocks of `rows` consecutive rows by `cols` consecutive columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlockMean {
    /// Rows of a block.
    pub rows: usize,
    /// Columns of a block.
    pub cols: usize,
}

impl BlockMean {
    fn apply<E: Element>(&self, height: usize, x: &[E], out: &mut [E]) {
        let blocks = Blocks { rows: self.rows, cols: self.cols };
        let layout = blocks.layout(height);
        let mut totals = vec![[0.0]; height / self.rows];
        let shift = vec![0.0; totals.len()];
        let mut scratch = Vec::new();
        let groups =
            out.chunks_exact_mut(totals.len().max(1)).zip(x.chunks_exact((height * self.cols).max(1)));
        for (out, x) in groups {
            sums::<E, 1, 1, 16>(layout, [x], &shift, &mut scratch, &mut totals, |[x], _| [x]);
            for (o, [total]) in out.iter_mut().zip(&totals) {
                *o = E::from_f64(*total / blocks.size());
            }
        }
    }
}

impl Rule for BlockMean {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        Blocks { rows: self.rows, cols: self.cols }.of(inputs[0])
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
        let share = tape.scale(1.0 / (self.rows * self.cols) as f64, g);
        tape.block_broadcast(share, self.rows, self.cols)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        super::block_broadcast::example_blocks()
            .map(|(blocks, shape)| (Self { rows: blocks.rows, cols: blocks.cols }, vec![shape]))
            .to_vec()
    }
}
