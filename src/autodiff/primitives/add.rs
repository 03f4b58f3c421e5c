//! `A + c B` for a fixed number c (1 or -1, mostly), where B may also be a column (r x 1, a bias), a row (1 x n) or a number (1 x 1), repeated over A.

use super::share::share;
use super::{Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View, elementary::vectorised};

/// Elementwise sum with a scaled and broadcast second operand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Add(pub f64);

/// Elements of a repeated column that [`zip`] lays out, so that short columns fill vector registers too.
const PATTERN: usize = 256;

/// Writes `f(a_ij, b_ij)`, with b broadcast to a's shape. An empty `a` is in `out` already.
#[inline(always)]
pub(super) fn zip<E: Element>(a: View<E>, b: View<E>, out: &mut [E], f: impl Fn(E, E) -> E + Copy + Sync) {
    let rows = a.shape.rows.max(1);
    share(
        out,
        rows,
        #[inline(always)]
        |start, out| {
            let (first, shape) = (start / rows, Shape::new(a.shape.rows, out.len() / rows));
            let data = if a.data.is_empty() { a.data } else { &a.data[start..][..out.len()] };
            let own = if b.shape.cols == 1 { b } else { b.columns(first..first + shape.cols) };
            zip_part(View { data, shape }, own, out, f);
        },
    );
}

#[inline(always)]
fn zip_part<E: Element>(a: View<E>, b: View<E>, out: &mut [E], f: impl Fn(E, E) -> E + Copy) {
    let rows = a.shape.rows.max(1);
    match (b.shape.rows == a.shape.rows, b.shape.cols == a.shape.cols) {
        (true, true) => runs(a.data, b.data, out, f),
        (true, false) if rows <= PATTERN / 2 => {
            let mut pattern = [E::ZERO; PATTERN];
            pattern.chunks_exact_mut(rows).for_each(|p| p.copy_from_slice(b.data));
            runs(a.data, &pattern[..PATTERN / rows * rows], out, f);
        }
        (true, false) => runs(a.data, b.data, out, f),
        (false, per_column) => {
            for (j, out) in out.chunks_exact_mut(rows).enumerate() {
                let x = if a.data.is_empty() { a.data } else { &a.data[j * rows..][..rows] };
                let y = b.data[if per_column { j } else { 0 }];
                vectorised(
                    #[inline(always)]
                    move || apply(x, std::iter::repeat(&y), out, f),
                );
            }
        }
    }
}

/// `f(a, b)` with b repeated over runs of its own length.
#[inline(always)]
fn runs<E: Element>(a: &[E], b: &[E], out: &mut [E], f: impl Fn(E, E) -> E + Copy) {
    vectorised(
        #[inline(always)]
        move || {
            let length = b.len().max(1);
            for (i, out) in out.chunks_mut(length).enumerate() {
                let a = if a.is_empty() { a } else { &a[i * length..][..out.len()] };
                apply(a, b.iter(), out, f);
            }
        },
    );
}

#[inline(always)]
fn apply<'a, E: Element>(
    a: &[E],
    b: impl Iterator<Item = &'a E>,
    out: &mut [E],
    f: impl Fn(E, E) -> E + Copy,
) {
    if a.is_empty() {
        out.iter_mut().zip(b).for_each(|(o, y)| *o = f(*o, *y))
    } else {
        out.iter_mut().zip(a).zip(b).for_each(|((o, x), y)| *o = f(*x, *y))
    }
}

/// The shape of `a`, which `b` must match or be broadcast to.
pub(super) fn broadcast_shape(inputs: &[Shape]) -> Shape {
    let (a, b) = (inputs[0], inputs[1]);
    let fits = (b.rows == a.rows || b.rows == 1) && (b.cols == a.cols || b.cols == 1);
    assert!(fits, "{b:?} does not broadcast to {a:?}");
    a
}

/// The shapes that broadcasting must be tried on.
pub(super) fn broadcast_examples() -> [Vec<Shape>; 4] {
    [(4, 3), (4, 1), (1, 3), (1, 1)].map(|(rows, cols)| vec![Shape::new(4, 3), Shape::new(rows, cols)])
}

impl Rule for Add {
    const IN_PLACE: bool = true;

    fn shape(&self, inputs: &[Shape]) -> Shape {
        broadcast_shape(inputs)
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        let c = E::from_f64(self.0);
        zip(inputs[0], inputs[1], out, move |x, y| x + c * y);
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let c = E::from_f64(self.0);
        for (j, out) in out.chunks_exact_mut(args.shape.size()).enumerate() {
            match (args.tangents[0], args.tangents[1]) {
                (Some(da), Some(db)) => zip(da.slab(j), db.slab(j), out, move |x, y| x + c * y),
                (Some(da), None) if da.data.is_empty() => {}
                (Some(da), None) => out.copy_from_slice(da.slab(j).data),
                // The first input is there with its shape only.
                (None, Some(db)) => zip(args.inputs[0], db.slab(j), out, move |_, y| c * y),
                (None, None) => out.fill(E::ZERO),
            }
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, which: usize) -> Node {
        let shape = tape.shape(inputs[which]);
        let g = if which == 1 { tape.scale(self.0, g) } else { g };
        tape.sum_to(g, shape)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        broadcast_examples().map(|shapes| (Self(-0.5), shapes)).to_vec()
    }
}
