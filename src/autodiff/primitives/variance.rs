//! The biased variance of each block of rows x cols entries: mean((x - mean x)^2), R x N to R/rows x N/cols.
//!
//! One pass with sums in f64 of x - c and (x - c)^2, c the block's first entry: var = M(x-c)^2 - (M(x-c))^2, in which a
//! mean far from zero cancels nothing. Tangent: 2 M((x - mean x) dx).

use super::blocks::{Blocks, sums};
use super::softmax::nonlinear;
use super::{Degree, Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View};

/// Variances of blocks of `rows` consecutive rows by `cols` consecutive columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variance {
    /// Rows of a block.
    pub rows: usize,
    /// Columns of a block.
    pub cols: usize,
}

impl Variance {
    fn blocks(&self) -> Blocks {
        Blocks { rows: self.rows, cols: self.cols }
    }
}

/// The first entry of each block of one group of columns.
#[inline(always)]
pub(super) fn firsts<E: Element>(rows: usize, x: &[E], shift: &mut [f64]) {
    for (block, shift) in shift.iter_mut().enumerate() {
        *shift = x[block * rows].to_f64();
    }
}

impl Rule for Variance {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        self.blocks().of(inputs[0])
    }

    fn value<E: Element>(&self, inputs: &[View<E>], shape: Shape, out: &mut [E]) {
        let (x, blocks) = (inputs[0], self.blocks());
        let layout = blocks.layout(x.shape.rows);
        let mut scratch = Vec::new();
        let mut shift = vec![0.0; shape.rows];
        let mut totals = vec![[0.0; 2]; shape.rows];
        let groups = x.data.chunks_exact((x.shape.rows * self.cols).max(1));
        for (out, x) in out.chunks_exact_mut(shape.rows.max(1)).zip(groups) {
            firsts(layout.1, x, &mut shift);
            let terms = |[x]: [f64; 1], c: f64| [x - c, (x - c) * (x - c)];
            sums::<E, 1, 2, 16>(layout, [x], &shift, &mut scratch, &mut totals, terms);
            for (o, [first, second]) in out.iter_mut().zip(&totals) {
                let mean = first / blocks.size();
                *o = E::from_f64(second / blocks.size() - mean * mean);
            }
        }
    }

    fn reads(&self, _which: usize, active: &[bool]) -> bool {
        active[0]
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let Some(dx) = args.tangents[0] else { return };
        let (x, blocks) = (args.inputs[0], self.blocks());
        let layout = blocks.layout(x.shape.rows);
        let mut scratch = Vec::new();
        let mut shift = vec![0.0; args.shape.rows];
        let mut totals = vec![[0.0; 3]; args.shape.rows];
        for (j, out) in out.chunks_exact_mut(args.shape.size()).enumerate() {
            let run = (x.shape.rows * self.cols).max(1);
            let groups = x.data.chunks_exact(run).zip(dx.slab(j).data.chunks_exact(run));
            for (out, (x, dx)) in out.chunks_exact_mut(args.shape.rows.max(1)).zip(groups) {
                firsts(layout.1, x, &mut shift);
                let terms = |[x, dx]: [f64; 2], c: f64| [x - c, dx, (x - c) * dx];
                sums::<E, 2, 3, 8>(layout, [x, dx], &shift, &mut scratch, &mut totals, terms);
                for (o, sums) in out.iter_mut().zip(&totals) {
                    let [mean, mean_dx, mean_product] = sums.map(|s| s / blocks.size());
                    *o = E::from_f64(2.0 * (mean_product - mean * mean_dx));
                }
            }
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, _which: usize) -> Node {
        let mean = tape.block_mean(inputs[0], self.rows, self.cols);
        let mean = tape.block_broadcast(mean, self.rows, self.cols);
        let centred = tape.add_scaled(inputs[0], -1.0, mean);
        let share = tape.scale(2.0 / self.blocks().size(), g);
        let share = tape.block_broadcast(share, self.rows, self.cols);
        tape.mul(share, centred)
    }

    fn degree(&self, inputs: &[Degree]) -> Degree {
        nonlinear(inputs)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        super::block_broadcast::example_blocks()
            .map(|(blocks, shape)| (Self { rows: blocks.rows, cols: blocks.cols }, vec![shape]))
            .to_vec()
    }
}
