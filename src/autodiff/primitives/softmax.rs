//! Softmax down each column: p_i = exp(z_i - max z) / sum_j exp(z_j - max z).
//!
//! Tangent: p (t - p.t), from the primal p; pullback: p (g - p.g), the same map, for the Jacobian is symmetric
//! ([`SoftmaxPullback`]). Entries of -infinity have no weight, as long as not all of a column are.

use super::share::share;
use super::{Degree, Rule, SoftmaxPullback, TangentArgs};
use crate::autodiff::elementary::vectorised;
use crate::autodiff::matrix::{LANES, transpose, transpose_back};
use crate::autodiff::{Element, Node, Shape, Tape, View};

/// Column-wise softmax.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Softmax;

/// Numbers in [`LANES`] columns of so many rows.
#[inline(always)]
pub(super) fn columns(rows: usize) -> usize {
    (rows * LANES).max(1)
}

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
        share(out, columns(rows), |start, out| {
            let mut tile = vec![[E::ZERO; LANES]; rows];
            let z = &z[start..][..out.len()];
            vectorised(
                #[inline(always)]
                || {
                    for (p, z) in out.chunks_mut(columns(rows)).zip(z.chunks(columns(rows))) {
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
        });
    }

    fn coefficients(&self, tape: &mut Tape, inputs: &[Node]) -> Vec<Node> {
        vec![tape.softmax(inputs[0])]
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let Some(dz) = args.tangents[0] else { return };
        let (p, rows) = (args.coefficients[0].data, args.shape.rows);
        for (j, out) in out.chunks_exact_mut(args.shape.size().max(1)).enumerate() {
            let t = dz.slab(j).data;
            share(out, columns(rows), |start, out| {
                let mut tiles = [vec![[E::ZERO; LANES]; rows], vec![[E::ZERO; LANES]; rows]];
                let (p, t) = (&p[start..][..out.len()], &t[start..][..out.len()]);
                vectorised(
                    #[inline(always)]
                    || {
                        let parts = p.chunks(columns(rows)).zip(t.chunks(columns(rows)));
                        for (out, (p, t)) in out.chunks_mut(columns(rows)).zip(parts) {
                            let [ps, ts] = &mut tiles;
                            transpose(p, ps);
                            transpose(t, ts);
                            let mut mean = [E::ZERO; LANES];
                            for (p, t) in ps.iter().zip(ts.iter()) {
                                for l in 0..LANES {
                                    mean[l] += p[l] * t[l];
                                }
                            }
                            for (p, t) in ps.iter().zip(ts.iter_mut()) {
                                for l in 0..LANES {
                                    t[l] = p[l] * (t[l] - mean[l]);
                                }
                            }
                            transpose_back(ts, out);
                        }
                    },
                );
            });
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, _which: usize) -> Node {
        let p = tape.softmax(inputs[0]);
        tape.push(SoftmaxPullback, &[p, g])
    }

    fn degree(&self, inputs: &[Degree]) -> Degree {
        nonlinear(inputs)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        vec![(Self, vec![Shape::new(4, 3)])]
    }
}
