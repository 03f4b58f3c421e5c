//! What a softmax hands back: P (G - sum_i P_i G_i) down each column, for the softmax P and the cotangent G. In one pass where
//! products, sums and differences by themselves would be five, and ten with their tangents.
//!
//! With s = P . G its tangent is dP (G - s) + P (dG - ds), ds = dP . G + P . dG. Sums accumulate in f64.

use super::share::share;
use super::softmax::{columns, nonlinear};
use super::{Degree, Rule, TangentArgs};
use crate::autodiff::elementary::vectorised;
use crate::autodiff::matrix::{LANES, transpose, transpose_back};
use crate::autodiff::{Element, Node, Shape, Tape, View};

/// The pullback of [`Softmax`](super::Softmax): (P, G) to P (G - P . G).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoftmaxPullback;

/// Several columns side by side, row by row.
type Tile<E> = Vec<[E; LANES]>;

/// The sum of `terms` down each lane.
#[inline(always)]
fn sums<E: Element>(rows: usize, terms: impl Fn(usize, usize) -> E) -> [E; LANES] {
    let mut totals = [0.0; LANES];
    for i in 0..rows {
        for (l, total) in totals.iter_mut().enumerate() {
            *total += terms(i, l).to_f64();
        }
    }
    totals.map(E::from_f64)
}

impl Rule for SoftmaxPullback {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        assert_eq!(inputs[0], inputs[1], "a softmax and its cotangent");
        inputs[0]
    }

    fn value<E: Element>(&self, inputs: &[View<E>], shape: Shape, out: &mut [E]) {
        let rows = shape.rows;
        share(out, columns(rows), |start, out| {
            let mut tiles: [Tile<E>; 2] = std::array::from_fn(|_| vec![[E::ZERO; LANES]; rows]);
            let x = [0, 1].map(|i| &inputs[i].data[start..][..out.len()]);
            vectorised(
                #[inline(always)]
                || {
                    let parts = x[0].chunks(columns(rows)).zip(x[1].chunks(columns(rows)));
                    for (out, (p, g)) in out.chunks_mut(columns(rows)).zip(parts) {
                        let [ps, gs] = &mut tiles;
                        transpose(p, ps);
                        transpose(g, gs);
                        let s = sums(
                            rows,
                            #[inline(always)]
                            |i, l| ps[i][l] * gs[i][l],
                        );
                        for (p, g) in ps.iter().zip(gs.iter_mut()) {
                            for l in 0..LANES {
                                g[l] = p[l] * (g[l] - s[l]);
                            }
                        }
                        transpose_back(gs, out);
                    }
                },
            );
        });
    }

    fn reads(&self, _which: usize, active: &[bool]) -> bool {
        active.contains(&true)
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let rows = args.shape.rows;
        let of = |i: usize| args.inputs[i].data;
        for (j, out) in out.chunks_exact_mut(args.shape.size().max(1)).enumerate() {
            let moved = [0, 1].map(|i| args.tangents[i].map(|t| t.slab(j).data));
            share(out, columns(rows), |start, out| {
                let mut tiles: [Tile<E>; 4] = std::array::from_fn(|_| vec![[E::ZERO; LANES]; rows]);
                let part = start..start + out.len();
                let x = [of(0), of(1)].map(|x| &x[part.clone()]);
                let moved = moved.map(|x| x.map(|x| &x[part.clone()]));
                vectorised(
                    #[inline(always)]
                    || {
                        for (c, out) in out.chunks_mut(columns(rows)).enumerate() {
                            let here = c * columns(rows)..c * columns(rows) + out.len();
                            let [ps, gs, dps, dgs] = &mut tiles;
                            transpose(&x[0][here.clone()], ps);
                            transpose(&x[1][here.clone()], gs);
                            if let Some(dp) = moved[0] {
                                transpose(&dp[here.clone()], dps);
                            }
                            match moved[1] {
                                Some(dg) => transpose(&dg[here], dgs),
                                None => dgs.fill([E::ZERO; LANES]),
                            }
                            tangents(ps, gs, dps, dgs);
                            transpose_back(dgs, out);
                        }
                    },
                );
            });
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], h: Node, which: usize) -> Node {
        let (p, g) = (inputs[0], inputs[1]);
        if which == 1 {
            return tape.push(Self, &[p, h]);
        }
        let mut dot = |a, b| {
            let product = tape.mul(a, b);
            tape.sum_rows(product)
        };
        let (s, t) = (dot(p, g), dot(p, h));
        let centred = tape.add_scaled(g, -1.0, s);
        let (first, second) = (tape.mul(h, centred), tape.mul(g, t));
        tape.add_scaled(first, -1.0, second)
    }

    fn degree(&self, inputs: &[Degree]) -> Degree {
        // Linear in the cotangent.
        if inputs[0] == Degree::Constant { inputs[1] } else { nonlinear(inputs) }
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        vec![(Self, vec![Shape::new(4, 3); 2]), (Self, vec![Shape::new(2, 19); 2])]
    }
}

/// Writes the tangents over those of G; what does not move has zeros.
#[inline(always)]
fn tangents<E: Element>(ps: &[[E; LANES]], gs: &[[E; LANES]], dps: &[[E; LANES]], dgs: &mut [[E; LANES]]) {
    let rows = ps.len();
    let s = sums(
        rows,
        #[inline(always)]
        |i, l| ps[i][l] * gs[i][l],
    );
    let ds = sums(
        rows,
        #[inline(always)]
        |i, l| dps[i][l] * gs[i][l] + ps[i][l] * dgs[i][l],
    );
    for i in 0..rows {
        for l in 0..LANES {
            dgs[i][l] = dps[i][l] * (gs[i][l] - s[l]) + ps[i][l] * (dgs[i][l] - ds[l]);
        }
    }
}
