//! Sum over the columns: r x n to r x 1, one number a feature over all samples. Accumulated in f64.

use super::share::{collect, part};
use super::{Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View, elementary::vectorised};

/// Row sums.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SumCols;

/// Rows summed together: their accumulators fit in a few registers or lines of cache.
const TILE: usize = 64;

/// Shows `write` the sums of rows tile by tile: the first row's number, and the sums.
#[inline(always)]
fn tiles<E: Element>(rows: usize, x: &[E], mut write: impl FnMut(usize, &[f64])) {
    vectorised(
        #[inline(always)]
        || {
            for first in (0..rows).step_by(TILE) {
                let mut totals = [0.0f64; TILE];
                let totals = &mut totals[..TILE.min(rows - first)];
                for column in x.chunks_exact(rows) {
                    for (t, v) in totals.iter_mut().zip(&column[first..]) {
                        *t += v.to_f64();
                    }
                }
                write(first, totals);
            }
        },
    );
}

fn sum<E: Element>(rows: usize, x: &[E], out: &mut [E]) {
    if part(x.len(), rows) >= x.len() {
        return tiles(
            rows,
            x,
            #[inline(always)]
            |first, totals| {
                for (o, t) in out[first..].iter_mut().zip(totals) {
                    *o = E::from_f64(*t);
                }
            },
        );
    }
    let parts = collect(x.len(), rows, |range| {
        let mut sums = vec![0.0f64; rows];
        tiles(rows, &x[range], |first, totals| sums[first..first + totals.len()].copy_from_slice(totals));
        sums
    });
    for (i, o) in out.iter_mut().enumerate() {
        *o = E::from_f64(parts.iter().map(|part| part[i]).sum());
    }
}

impl Rule for SumCols {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        Shape::new(inputs[0].rows, 1)
    }

    fn value<E: Element>(&self, inputs: &[View<E>], shape: Shape, out: &mut [E]) {
        sum(shape.rows, inputs[0].data, out);
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let Some(da) = args.tangents[0] else { return };
        for (j, out) in out.chunks_exact_mut(args.shape.size()).enumerate() {
            sum(args.shape.rows, da.slab(j).data, out);
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, _which: usize) -> Node {
        let shape = tape.shape(inputs[0]);
        tape.broadcast(g, shape)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        vec![(Self, vec![Shape::new(3, 4)]), (Self, vec![Shape::new(70, 5)])]
    }
}
