//! Softmax down each column: p_i = exp(z_i - max z) / sum_j exp(z_j - max z).
//!
//! Tangent: p (t - p.t), from the primal p; pullback: p (g - p.g), the same map, for the Jacobian is symmetric.

use super::{Degree, Rule, TangentArgs};
use crate::autodiff::elementary::vectorised;
use crate::autodiff::matrix::{LANES, transpose, transpose_back};
use crate::autodiff::{Element, Node, Shape, Tape, View};

/// Column-wise softmax.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Softmax;

/// Degree of anything that is not linear.
pub(super) fn nonlinear(inputs: &[Degree]) -> Degree {
    match inputs.iter().copied().max() {
        None | Some(Degree::Constant) => Degree::Constant,
        _ => Degree::General,
    }
}

/// Largest entry of each lane; NaN where a lane holds one.
#[inline(always)]
pub(super) fn largest<E: Element>(tile: &[[E; LANES]]) -> [E; LANES] {
    let mut m = [E::from_f64(f64::NEG_INFINITY); LANES];
    for row in tile {
        for (m, z) in m.iter_mut().zip(row) {
            // `!(z <= m)` lets NaN in, and `z <= m` never lets it out.
            #[expect(clippy::eq_op, reason = "true for NaN alone")]
            let keep = *z <= *m || *m != *m;
            *m = if keep { *m } else { *z };
        }
    }
    m
}

impl Rule for Softmax {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        inputs[0]
    }

    fn value<E: Element>(&self, inputs: &[View<E>], shape: Shape, out: &mut [E]) {
        let (z, rows) = (inputs[0].data, shape.rows);
        let mut tile = vec![[E::ZERO; LANES]; rows];
        vectorised(
            #[inline(always)]
            || {
                for (p, z) in out.chunks_mut(rows * LANES).zip(z.chunks(rows * LANES)) {
                    transpose(z, &mut tile);
                    let m = largest(&tile);
                    let mut total = [E::ZERO; LANES];
                    for row in tile.iter_mut() {
                        for ((z, m), total) in row.iter_mut().zip(&m).zip(&mut total) {
                            *z = (*z - *m).exp();
                            *total += *z;
                        }
                    }
                    for row in tile.iter_mut() {
                        for (z, total) in row.iter_mut().zip(&total) {
                            *z /= *total;
                        }
                    }
                    transpose_back(&tile, p);
                }
            },
        );
    }

    fn coefficients(&self, tape: &mut Tape, inputs: &[Node]) -> Vec<Node> {
        vec![tape.softmax(inputs[0])]
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let Some(dz) = args.tangents[0] else { return };
        let (p, rows) = (args.coefficients[0].data, args.shape.rows);
        for (j, out) in out.chunks_exact_mut(args.shape.size()).enumerate() {
            let t = dz.slab(j).data;
            let columns = out.chunks_exact_mut(rows).zip(p.chunks_exact(rows)).zip(t.chunks_exact(rows));
            for ((o, p), t) in columns {
                let mut mean = E::ZERO;
                for (p, t) in p.iter().zip(t) {
                    mean += *p * *t;
                }
                for ((o, p), t) in o.iter_mut().zip(p).zip(t) {
                    *o = *p * (*t - mean);
                }
            }
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, _which: usize) -> Node {
        let p = tape.softmax(inputs[0]);
        let weighted = tape.mul(p, g);
        let mean = tape.sum_rows(weighted);
        let centred = tape.add_scaled(g, -1.0, mean);
        tape.mul(p, centred)
    }

    fn degree(&self, inputs: &[Degree]) -> Degree {
        nonlinear(inputs)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        vec![(Self, vec![Shape::new(4, 3)])]
    }
}
