//! Softmax cross-entropy of each column, in nats: ln sum_j exp z_j - sum_i T_i z_i, for targets T (one-hot, or
//! smoothed: columns that sum to 1).
//!
//! With m the largest logit, at row a, the value is computed as
//! ln(1 + sum_{j != a} exp(z_j - m)) + sum_i T_i (m - z_i) + m (1 - sum_i T_i).
//! For a confident, correct prediction all but the first term are exactly 0 and that one keeps full relative
//! accuracy, where the textbook difference of two large numbers would leave nothing.

use super::softmax::{largest, nonlinear};
use super::{Degree, Rule, TangentArgs};
use crate::autodiff::elementary::vectorised;
use crate::autodiff::matrix::{LANES, transpose};
use crate::autodiff::{Element, Node, Shape, Tape, View};

/// Cross-entropy between targets (input 1) and the softmax of logits (input 0).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CrossEntropy;

impl Rule for CrossEntropy {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        assert_eq!(inputs[0], inputs[1], "logits and targets");
        Shape::new(1, inputs[0].cols)
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        let (z, t, rows) = (inputs[0].data, inputs[1].data, inputs[0].shape.rows);
        let mut tiles = [vec![[E::ZERO; LANES]; rows], vec![[E::ZERO; LANES]; rows]];
        vectorised(
            #[inline(always)]
            || {
                let blocks = z.chunks(rows * LANES).zip(t.chunks(rows * LANES));
                for (out, (z, t)) in out.chunks_mut(LANES).zip(blocks) {
                    let [logits, targets] = &mut tiles;
                    transpose(z, logits);
                    transpose(t, targets);
                    let losses = lanes(logits, targets);
                    out.iter_mut().zip(losses).for_each(|(o, l)| *o = l);
                }
            },
        );
    }

    fn coefficients(&self, tape: &mut Tape, inputs: &[Node]) -> Vec<Node> {
        vec![residual(tape, inputs)]
    }

    fn reads(&self, which: usize, active: &[bool]) -> bool {
        which == 0 && active[1]
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let (z, residual, rows) = (args.inputs[0], args.coefficients[0], args.inputs[0].shape.rows);
        let dot = |a: &[E], b: &[E]| a.iter().zip(b).map(|(a, b)| a.to_f64() * b.to_f64()).sum::<f64>();
        for (j, out) in out.chunks_exact_mut(args.shape.size()).enumerate() {
            for (n, o) in out.iter_mut().enumerate() {
                let column = n * rows..(n + 1) * rows;
                let dot = |a: View<E>, b: View<E>| dot(&a.data[column.clone()], &b.data[column.clone()]);
                let logits = args.tangents[0].map_or(0.0, |dz| dot(residual, dz.slab(j)));
                let targets = args.tangents[1].map_or(0.0, |dt| -dot(z, dt.slab(j)));
                *o = E::from_f64(logits + targets);
            }
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, which: usize) -> Node {
        let factor = if which == 0 { residual(tape, inputs) } else { tape.scale(-1.0, inputs[0]) };
        tape.mul(factor, g)
    }

    fn degree(&self, inputs: &[Degree]) -> Degree {
        nonlinear(inputs)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        vec![(Self, vec![Shape::new(4, 3); 2])]
    }
}

/// The loss in each lane.
#[inline(always)]
fn lanes<E: Element>(logits: &[[E; LANES]], targets: &[[E; LANES]]) -> [E; LANES] {
    let zero = [E::ZERO; LANES];
    let m = largest(logits);
    let (mut others, mut distance, mut tops, mut mass) = (zero, zero, zero, zero);
    for (z, t) in logits.iter().zip(targets) {
        for l in 0..LANES {
            let top = z[l] == m[l];
            // The top's own exponential is exactly 1 and left out of the sum, or added back for ties.
            let e = (z[l] - m[l]).exp();
            others[l] += if top { E::ZERO } else { e };
            tops[l] += if top { E::ONE } else { E::ZERO };
            mass[l] += t[l];
            // A logit of -infinity with target 0 costs nothing, not NaN.
            let cost = t[l] * (m[l] - z[l]);
            distance[l] += if t[l] == E::ZERO { E::ZERO } else { cost };
        }
    }
    let mut losses = zero;
    for l in 0..LANES {
        // Ties share the top: all but one of them count among the others. NaN has no top.
        #[expect(clippy::eq_op, reason = "true for NaN alone")]
        let others = if m[l] != m[l] { m[l] } else { others[l] + (tops[l] - E::ONE) };
        losses[l] = others.ln_1p() + distance[l] + m[l] * (E::ONE - mass[l]);
    }
    losses
}

/// softmax(z) - T: the gradient of the cross-entropy in the logits.
fn residual(tape: &mut Tape, inputs: &[Node]) -> Node {
    let p = tape.softmax(inputs[0]);
    tape.add_scaled(p, -1.0, inputs[1])
}
