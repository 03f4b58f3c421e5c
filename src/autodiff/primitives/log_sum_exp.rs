//! ln sum_i exp z_i of each column, r x n to 1 x n.
//!
//! With m the largest entry it is m + ln(1 + sum of exp(z_i - m) over the others), which keeps its relative accuracy where
//! m is 0: for the cross-entropy of class y, subtract z_y from the column first. Entries of -infinity count for nothing, and
//! a column of nothing else gives -infinity.
//!
//! Tangent: p . t with p the column's softmax; pullback: g p.

use super::share::share_sums;
use super::softmax::{largest, nonlinear};
use super::{Degree, Rule, TangentArgs};
use crate::autodiff::elementary::vectorised;
use crate::autodiff::matrix::{LANES, transpose};
use crate::autodiff::{Element, Node, Shape, Tape, View};

/// Logarithm of the sum of exponentials, column by column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogSumExp;

/// The result in each lane.
#[inline(always)]
fn lanes<E: Element>(tile: &[[E; LANES]]) -> [E; LANES] {
    let largest = largest(tile);
    // An infinite top stands for itself: what is subtracted from it is 0.
    let m = largest.map(|m| if m.abs() == E::from_f64(f64::INFINITY) { E::ZERO } else { m });
    let (mut others, mut tops) = ([E::ZERO; LANES], [E::ZERO; LANES]);
    for row in tile {
        for l in 0..LANES {
            let top = row[l] == m[l];
            let e = (row[l] - m[l]).exp();
            others[l] += if top { E::ZERO } else { e };
            tops[l] += if top { E::ONE } else { E::ZERO };
        }
    }
    // Ties share the top: all but one of them count among the others; NaN has no top and adds to the others.
    std::array::from_fn(|l| m[l] + (others[l] + (tops[l] - E::ONE)).ln_1p())
}

impl Rule for LogSumExp {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        Shape::new(1, inputs[0].cols)
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        let (z, rows) = (inputs[0].data, inputs[0].shape.rows);
        share_sums(out, LANES, rows, |start, out| {
            let mut tile = vec![[E::ZERO; LANES]; rows];
            let z = &z[start * rows..][..out.len() * rows];
            vectorised(
                #[inline(always)]
                || {
                    for (out, z) in out.chunks_mut(LANES).zip(z.chunks((rows * LANES).max(1))) {
                        transpose(z, &mut tile);
                        out.iter_mut().zip(lanes(&tile)).for_each(|(o, l)| *o = l);
                    }
                },
            );
        });
    }

    fn coefficients(&self, tape: &mut Tape, inputs: &[Node]) -> Vec<Node> {
        vec![tape.softmax(inputs[0])]
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let Some(dz) = args.tangents[0] else { return };
        let (p, rows) = (args.coefficients[0].data, args.inputs[0].shape.rows.max(1));
        for (j, out) in out.chunks_exact_mut(args.shape.size().max(1)).enumerate() {
            let columns = p.chunks_exact(rows).zip(dz.slab(j).data.chunks_exact(rows));
            for (o, (p, t)) in out.iter_mut().zip(columns) {
                *o = E::from_f64(p.iter().zip(t).map(|(p, t)| p.to_f64() * t.to_f64()).sum());
            }
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, _which: usize) -> Node {
        let p = tape.softmax(inputs[0]);
        tape.mul(p, g)
    }

    fn degree(&self, inputs: &[Degree]) -> Degree {
        nonlinear(inputs)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        vec![(Self, vec![Shape::new(4, 3)]), (Self, vec![Shape::new(2, 20)])]
    }
}
