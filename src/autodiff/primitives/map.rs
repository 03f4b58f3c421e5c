//! `f(A)` elementwise, for a function that carries f, f' and f''.
//!
//! `order` says which of the three is applied: the pullback of order 0 multiplies by order 1, and the tangent
//! of order 1 by order 2. Nothing on a gradient tape ever needs a third derivative, so the set is closed.

use super::share::share;
use super::{Degree, Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View, elementary::vectorised};
use std::fmt::Debug;
use std::sync::Arc;

/// A function of one number with two derivatives. Write each without branches (select between computed
/// values) and with `#[inline(always)]`, so that whole matrices go through vector registers.
pub trait Scalar: Debug + Send + Sync + 'static {
    /// f'' is zero wherever it exists; its tangent is then a structural zero.
    const PIECEWISE_LINEAR: bool = false;
    /// f' is zero wherever it exists: the function itself then has no tangent.
    const PIECEWISE_CONSTANT: bool = false;
    /// Where f' or f'' jumps, so that finite differences across say nothing.
    const KINKS: &'static [f64] = &[];

    /// f(x).
    fn value<E: Element>(&self, x: E) -> E;
    /// f'(x).
    fn slope<E: Element>(&self, x: E) -> E;
    /// f''(x).
    fn curvature<E: Element>(&self, x: E) -> E;
}

/// A [`Scalar`] whose type is forgotten, over whole slices.
pub trait Curve: Debug + Send + Sync {
    /// Writes the derivative of the given order at each `x` over `out`; an empty `x` is in `out` already.
    fn apply_f32(&self, order: u8, x: &[f32], out: &mut [f32]);
    /// The same in double precision.
    fn apply_f64(&self, order: u8, x: &[f64], out: &mut [f64]);
    /// Whether f'' is a structural zero.
    fn piecewise_linear(&self) -> bool;
    /// Whether f' is a structural zero.
    fn piecewise_constant(&self) -> bool;
    /// Whether f' or f'' jumps somewhere.
    fn has_kink(&self) -> bool;
}

/// Writes `f` of each `x`; an empty `x` is in `out` already.
#[inline(always)]
fn each<E: Element>(x: &[E], out: &mut [E], f: impl Fn(E) -> E) {
    if x.is_empty() {
        out.iter_mut().for_each(|o| *o = f(*o))
    } else {
        out.iter_mut().zip(x).for_each(|(o, x)| *o = f(*x))
    }
}

fn apply<S: Scalar, E: Element>(f: &S, order: u8, x: &[E], out: &mut [E]) {
    vectorised(
        #[inline(always)]
        move || match order {
            0 => each(
                x,
                out,
                #[inline(always)]
                |x| f.value(x),
            ),
            1 => each(
                x,
                out,
                #[inline(always)]
                |x| f.slope(x),
            ),
            _ => each(
                x,
                out,
                #[inline(always)]
                |x| f.curvature(x),
            ),
        },
    );
}

impl<S: Scalar> Curve for S {
    fn apply_f32(&self, order: u8, x: &[f32], out: &mut [f32]) {
        apply(self, order, x, out);
    }

    fn apply_f64(&self, order: u8, x: &[f64], out: &mut [f64]) {
        apply(self, order, x, out);
    }

    fn piecewise_linear(&self) -> bool {
        S::PIECEWISE_LINEAR
    }

    fn piecewise_constant(&self) -> bool {
        S::PIECEWISE_CONSTANT
    }

    fn has_kink(&self) -> bool {
        !S::KINKS.is_empty()
    }
}

/// An elementwise function, or one of its derivatives.
#[derive(Clone, Debug)]
pub struct Map {
    /// The function; compared by identity.
    pub curve: Arc<dyn Curve>,
    /// 0, 1 or 2: f, f' or f''.
    pub order: u8,
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order && Arc::ptr_eq(&self.curve, &other.curve)
    }
}

impl Rule for Map {
    const IN_PLACE: bool = true;

    fn shape(&self, inputs: &[Shape]) -> Shape {
        inputs[0]
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        let x = inputs[0].data;
        share(out, 1, |start, out| {
            let x = if x.is_empty() { x } else { &x[start..][..out.len()] };
            E::apply(self.curve.as_ref(), self.order, x, out);
        });
    }

    fn coefficients(&self, tape: &mut Tape, inputs: &[Node]) -> Vec<Node> {
        vec![tape.map(&self.curve, self.order + 1, inputs[0])]
    }

    fn still(&self, active: &[bool]) -> bool {
        let flat = match self.order {
            0 => self.curve.piecewise_constant(),
            _ => self.curve.piecewise_linear(),
        };
        flat || !active[0]
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let Some(da) = args.tangents[0] else { return };
        for (j, out) in out.chunks_exact_mut(args.shape.size()).enumerate() {
            super::add::zip(da.slab(j), args.coefficients[0], out, |x, y| x * y);
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, _which: usize) -> Node {
        let slope = tape.map(&self.curve, self.order + 1, inputs[0]);
        tape.mul(g, slope)
    }

    fn degree(&self, inputs: &[Degree]) -> Degree {
        super::softmax::nonlinear(inputs)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        /// f(x) = x^3: every derivative differs from every other.
        #[derive(Debug)]
        struct Cube;
        impl Scalar for Cube {
            #[inline(always)]
            fn value<E: Element>(&self, x: E) -> E {
                x * x * x
            }
            #[inline(always)]
            fn slope<E: Element>(&self, x: E) -> E {
                E::from_f64(3.0) * x * x
            }
            #[inline(always)]
            fn curvature<E: Element>(&self, x: E) -> E {
                E::from_f64(6.0) * x
            }
        }
        vec![(Self { curve: Arc::new(Cube), order: 0 }, vec![Shape::new(3, 4)])]
    }
}
