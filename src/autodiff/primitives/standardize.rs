//! y = s (x - M x) with s = (V x + eps)^(-1/2), M and V the mean and the biased variance over each block of rows x cols
//! entries. One primitive for four norms, on a signal of R rows and N columns:
//!
//! | norm | rows | cols |
//! |---|---|---|
//! | batch (Ioffe and Szegedy 2015) | 1 | N |
//! | layer (Ba et al. 2016) | R | positions of a sample |
//! | instance (Ulyanov et al. 2016) | 1 | positions of a sample |
//! | group (Wu and He 2018) | R / groups | positions of a sample |
//!
//! The Jacobian is symmetric: tangent and pullback are the same linear map at x, the *adjoint*
//!
//! z(x, g) = s (g - M g - y M(y g)),
//!
//! itself the same primitive with two inputs. With q = M(y g), p = M(y dx) and t = M(dy g) + M(y dg), its tangent is
//!
//! dz = s (dg - M dg) - s^2 q (dx - M dx) - s^2 p (g - M g) + s (2 s p q - t) y,  dy = z(x, dx).
//!
//! Its pullback is itself in g; in x it would be a third derivative of the norm, which no gradient tape asks for
//! (compare [`Map`](super::Map)): it is composed of other primitives all the same, so that the set stays closed.
//!
//! Statistics are sums in f64 of what is left after subtracting the block's first entry, see
//! [`Variance`](super::Variance). Two passes over memory: one that reads, one that writes.

use super::blocks::{Blocks, pattern, sums, write};
use super::softmax::nonlinear;
use super::variance::firsts;
use super::{Degree, Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View, curves::InverseSqrt};
use std::sync::Arc;

/// Standardisation of blocks of `rows` consecutive rows by `cols` consecutive columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standardize {
    /// Rows of a block.
    pub rows: usize,
    /// Columns of a block.
    pub cols: usize,
    /// Added to the variance.
    pub eps: f64,
    /// Whether this is the adjoint map, of x and g.
    pub adjoint: bool,
}

/// A matrix cut into groups of columns, and the buffers to go through them.
struct Groups<E, const S: usize, const K: usize> {
    blocks: Blocks,
    layout: (usize, usize),
    /// Numbers in a group.
    run: usize,
    shift: Vec<f64>,
    scratch: Vec<f64>,
    totals: Vec<[f64; S]>,
    coefficients: Vec<[f64; K]>,
    pattern: [Vec<E>; K],
}

impl<E: Element, const S: usize, const K: usize> Groups<E, S, K> {
    fn new(blocks: Blocks, height: usize) -> Self {
        let count = height / blocks.rows;
        Self {
            blocks,
            layout: blocks.layout(height),
            run: height * blocks.cols,
            shift: vec![0.0; count],
            scratch: Vec::new(),
            totals: vec![[0.0; S]; count],
            coefficients: vec![[0.0; K]; count],
            pattern: std::array::from_fn(|_| Vec::new()),
        }
    }

    /// For each group: means over its blocks of `terms`, coefficients of them (and of the shift), and `f` of entries and
    /// coefficients. The first of `x` is what the shift is taken from. At most one of `x` may be empty: it is in `out`.
    #[inline(always)]
    fn run<const I: usize, const T: usize>(
        &mut self,
        x: [&[E]; I],
        out: &mut [E],
        terms: impl Fn([f64; I], f64) -> [f64; S] + Copy + Sync,
        coefficients: impl Fn([f64; S], f64) -> [f64; K] + Copy,
        f: impl Fn([E; I], [E; K]) -> E + Copy + Sync,
    ) {
        let mut start = 0;
        while start < out.len() {
            let mut group = x;
            for x in group.iter_mut().filter(|x| !x.is_empty()) {
                *x = &x[start..][..self.run];
            }
            let out = &mut out[start..][..self.run];
            {
                let read = group.map(|x| if x.is_empty() { &*out } else { x });
                firsts(self.layout.1, read[0], &mut self.shift);
                sums::<E, I, S, T>(
                    self.layout,
                    read,
                    &self.shift,
                    &mut self.scratch,
                    &mut self.totals,
                    terms,
                );
            }
            let size = self.blocks.size();
            for ((c, total), shift) in self.coefficients.iter_mut().zip(&self.totals).zip(&self.shift) {
                *c = coefficients(total.map(|t| t / size), *shift);
            }
            pattern(self.layout, self.run / self.layout.0, &self.coefficients, &mut self.pattern);
            write(group, &self.pattern, out, f);
            start += self.run;
        }
    }
}

/// (V + eps)^(-1/2) from the means of x - c and (x - c)^2.
#[inline(always)]
fn inverse_deviation(mean: f64, mean_square: f64, eps: f64) -> f64 {
    let variance = mean_square - mean * mean;
    // Rounding may leave a constant block a little below zero; a NaN stays.
    let variance = if variance < 0.0 { 0.0 } else { variance };
    1.0 / (variance + eps).sqrt()
}

/// What the tangent of the adjoint map multiplies dx, g and x - M x by, and adds, with the mean and s themselves.
///
/// From the means of x - c, its square, g and their product; of dx and its products with x - c and g; of dg and its product
/// with x - c.
#[inline(always)]
fn tangent_coefficients(
    [m, square, g, xg, dx, x_dx, g_dx, dg, x_dg]: [f64; 9],
    c: f64,
    eps: f64,
) -> [f64; 6] {
    let s = inverse_deviation(m, square, eps);
    let (q, p) = (s * (xg - m * g), s * (x_dx - m * dx));
    let t = s * (g_dx - dx * g - p * q) + s * (x_dg - m * dg);
    let (of_dx, of_g) = (-s * s * q, -s * s * p);
    [c + m, s, of_dx, of_g, s * s * (2.0 * s * p * q - t), -(s * dg + of_dx * dx + of_g * g)]
}

impl Standardize {
    fn blocks(&self) -> Blocks {
        Blocks { rows: self.rows, cols: self.cols }
    }

    fn forward<E: Element>(&self, height: usize, x: &[E], out: &mut [E]) {
        let eps = self.eps;
        let mut groups = Groups::<E, 2, 2>::new(self.blocks(), height);
        groups.run::<1, 16>(
            [x],
            out,
            #[inline(always)]
            |[x], c| [x - c, (x - c) * (x - c)],
            #[inline(always)]
            |[m, square], c| [c + m, inverse_deviation(m, square, eps)],
            #[inline(always)]
            |[x], [mean, s]| (x - mean) * s,
        );
    }

    fn adjoint<E: Element>(&self, height: usize, x: &[E], g: &[E], out: &mut [E]) {
        let eps = self.eps;
        let mut groups = Groups::<E, 4, 4>::new(self.blocks(), height);
        groups.run::<2, 8>(
            [x, g],
            out,
            #[inline(always)]
            |[x, g], c| [x - c, (x - c) * (x - c), g, (x - c) * g],
            #[inline(always)]
            |[m, square, g, xg], c| {
                let s = inverse_deviation(m, square, eps);
                let q = s * (xg - m * g);
                [c + m, s, -s * s * q, -s * g]
            },
            #[inline(always)]
            |[x, g], [mean, s, b, d]| s * g + (b * (x - mean) + d),
        );
    }

    /// The tangent of the adjoint map as x moves, and g too or not.
    fn adjoint_tangent<E: Element>(&self, height: usize, x: [&[E]; 3], dg: Option<&[E]>, out: &mut [E]) {
        let eps = self.eps;
        let [x, g, dx] = x;
        match dg {
            Some(dg) => Groups::<E, 9, 6>::new(self.blocks(), height).run::<4, 4>(
                [x, g, dx, dg],
                out,
                #[inline(always)]
                |[x, g, dx, dg], c| {
                    let x = x - c;
                    [x, x * x, g, x * g, dx, x * dx, g * dx, dg, x * dg]
                },
                #[inline(always)]
                |means, c| tangent_coefficients(means, c, eps),
                #[inline(always)]
                |[x, g, dx, dg], [mean, s, of_dx, of_g, of_x, rest]| {
                    s * dg + of_dx * dx + (of_g * g + (of_x * (x - mean) + rest))
                },
            ),
            None => Groups::<E, 7, 6>::new(self.blocks(), height).run::<3, 4>(
                [x, g, dx],
                out,
                #[inline(always)]
                |[x, g, dx], c| {
                    let x = x - c;
                    [x, x * x, g, x * g, dx, x * dx, g * dx]
                },
                #[inline(always)]
                |[m, square, g, xg, dx, x_dx, g_dx], c| {
                    tangent_coefficients([m, square, g, xg, dx, x_dx, g_dx, 0.0, 0.0], c, eps)
                },
                #[inline(always)]
                |[x, g, dx], [mean, _, of_dx, of_g, of_x, rest]| {
                    of_dx * dx + (of_g * g + (of_x * (x - mean) + rest))
                },
            ),
        }
    }
}

impl Rule for Standardize {
    const IN_PLACE: bool = true;

    fn shape(&self, inputs: &[Shape]) -> Shape {
        assert!(!self.adjoint || inputs[0] == inputs[1], "signal and cotangent under {self:?}");
        self.blocks().of(inputs[0]);
        inputs[0]
    }

    fn value<E: Element>(&self, inputs: &[View<E>], shape: Shape, out: &mut [E]) {
        if self.adjoint {
            self.adjoint(shape.rows, inputs[0].data, inputs[1].data, out)
        } else {
            self.forward(shape.rows, inputs[0].data, out)
        }
    }

    fn reads(&self, which: usize, active: &[bool]) -> bool {
        which == 0 || active[0]
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let (x, rows) = (args.inputs[0].data, args.shape.rows);
        for (j, out) in out.chunks_exact_mut(args.shape.size()).enumerate() {
            let of = |which: usize| args.tangents.get(which).copied().flatten().map(|t| t.slab(j).data);
            match (of(0), of(1)) {
                (Some(dx), None) if !self.adjoint => self.adjoint(rows, x, dx, out),
                (None, Some(dg)) => self.adjoint(rows, x, dg, out),
                (Some(dx), dg) => self.adjoint_tangent(rows, [x, args.inputs[1].data, dx], dg, out),
                (None, None) => out.fill(E::ZERO),
            }
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, which: usize) -> Node {
        let (rows, cols) = (self.rows, self.cols);
        let map = Self { adjoint: true, ..*self };
        if !self.adjoint || which == 1 {
            return tape.push(map, &[inputs[0], g]);
        }
        // The tangent's formula with dg = 0 is symmetric in g and the cotangent h: transposed,
        // -s q z(x, h) - s r z(x, g) - s w y, where r = M(y h) and w = s (M(g h) - M g M h - q r).
        let (x, g, h) = (inputs[0], inputs[1], g);
        let inverse: Arc<dyn super::map::Curve> = Arc::new(InverseSqrt { eps: self.eps });
        let variance = tape.variance(x, rows, cols);
        let s = tape.map(&inverse, 0, variance);
        let y = tape.standardize(x, rows, cols, self.eps);
        let mean = |tape: &mut Tape, a: Node, b: Node| {
            let product = tape.mul(a, b);
            tape.block_mean(product, rows, cols)
        };
        let (q, r, gh) = (mean(tape, y, g), mean(tape, y, h), mean(tape, g, h));
        let (mean_g, mean_h) = (tape.block_mean(g, rows, cols), tape.block_mean(h, rows, cols));
        let means = tape.mul(mean_g, mean_h);
        let qr = tape.mul(q, r);
        let covariance = tape.add_scaled(gh, -1.0, means);
        let covariance = tape.add_scaled(covariance, -1.0, qr);
        let (z_h, z_g) = (tape.push(map, &[x, h]), tape.push(map, &[x, g]));
        let w = tape.mul(s, covariance);
        let mut sum = None;
        for (factor, map) in [(q, z_h), (r, z_g), (w, y)] {
            let factor = tape.mul(factor, s);
            let factor = tape.block_broadcast(factor, rows, cols);
            let part = tape.mul(map, factor);
            sum = Some(match sum {
                Some(sum) => tape.add(sum, part),
                None => part,
            });
        }
        tape.scale(-1.0, sum.unwrap_or(y))
    }

    fn degree(&self, inputs: &[Degree]) -> Degree {
        match (self.adjoint, inputs[0]) {
            (true, Degree::Constant) => inputs[1],
            _ => nonlinear(inputs),
        }
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        let mut all = Vec::new();
        for (blocks, shape) in super::block_broadcast::example_blocks() {
            for adjoint in [false, true] {
                let op = Self { rows: blocks.rows, cols: blocks.cols, eps: 0.1, adjoint };
                all.push((op, vec![shape; 1 + usize::from(adjoint)]));
            }
        }
        all
    }
}
