//! Sum over the columns: r x n to r x 1, one number a feature over all samples. Accumulated in f64.

use super::share::collect;
use super::{Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View, elementary::vectorised};

/// Row sums.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SumCols;

/// Rows summed together: their accumulators fit in a few registers or lines of cache.
const TILE: usize = 64;

fn sum<E: Element>(rows: usize, x: &[E], out: &mut [E]) {
    let parts = collect(x.len(), rows, |range| {
        let (x, mut totals) = (&x[range], vec![0.0f64; rows]);
        vectorised(
            #[inline(always)]
            || {
                for (tile, out) in totals.chunks_mut(TILE).enumerate() {
                    let mut totals = [0.0f64; TILE];
                    let totals = &mut totals[..out.len()];
                    for column in x.chunks_exact(rows) {
                        for (t, v) in totals.iter_mut().zip(&column[tile * TILE..]) {
                            *t += v.to_f64();
                        }
                    }
                    out.copy_from_slice(totals);
                }
            },
        );
        totals
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
