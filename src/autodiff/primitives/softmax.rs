//! Softmax down each column: p_i = exp(z_i - max z) / sum_j exp(z_j - max z).
//!
//! Tangent: p (t - p.t), from the primal p; pullback: p (g - p.g), the same map, for the Jacobian is symmetric.

use super::{Degree, Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View, elementary::vectorised};

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

/// Largest entry of a column; NaN if it holds one.
#[inline(always)]
pub(super) fn largest<E: Element>(column: &[E]) -> E {
    let mut m = column[0];
    #[allow(clippy::eq_op)]
    for &z in &column[1..] {
        // `!(z <= m)` lets NaN through, and keeps it: a comparison with it is false.
        m = if m != m || z <= m { m } else { z };
    }
    m
}

impl Rule for Softmax {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        inputs[0]
    }

    fn value<E: Element>(&self, inputs: &[View<E>], shape: Shape, out: &mut [E]) {
        let z = inputs[0].data;
        vectorised(
            #[inline(always)]
            || {
                for (p, z) in out.chunks_exact_mut(shape.rows).zip(z.chunks_exact(shape.rows)) {
                    let m = largest(z);
                    for (p, z) in p.iter_mut().zip(z) {
                        *p = *z - m;
                    }
                }
                for p in out.iter_mut() {
                    *p = p.exp();
                }
                for p in out.chunks_exact_mut(shape.rows) {
                    let mut total = E::ZERO;
                    for p in p.iter() {
                        total += *p;
                    }
                    let scale = E::ONE / total;
                    for p in p.iter_mut() {
                        *p *= scale;
                    }
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
