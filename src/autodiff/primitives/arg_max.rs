//! Which position of each window holds its maximum: the first in reading order on ties, and a NaN wherever there is one,
//! so that divergence shows.
//!
//! The value is the position's number within the window, i kw + j, as an element. It is constant almost everywhere:
//! it has no tangent and nothing is pulled back through it. Max pooling picks the entry that it names
//! ([`Pick`](super::Pick)).

use super::softmax::nonlinear;
use super::window::{Window, example_windows};
use super::{Degree, Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View, elementary::vectorised};

/// Index of the maximum in each window: channels x (n H W) to channels x (n H' W').
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArgMax {
    /// The images and the window.
    pub window: Window,
}

impl Rule for ArgMax {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        let samples = self.window.samples(inputs[0]);
        Shape::new(self.window.channels, samples * self.window.outputs())
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        let (window, channels) = (&self.window, self.window.channels);
        let mut best = vec![E::ZERO; channels];
        let samples = inputs[0].data.chunks_exact(channels * window.positions());
        // A window with gaps may meet nothing of a small image.
        if window.dilation != [1, 1] {
            out.fill(E::ZERO);
        }
        vectorised(
            #[inline(always)]
            || {
                for (out, x) in out.chunks_exact_mut(channels * window.outputs()).zip(samples) {
                    window.walk(
                        #[inline(always)]
                        |place, position, tap, first| {
                            let x = &x[position * channels..][..channels];
                            let out = &mut out[place * channels..][..channels];
                            let index = E::from_f64(tap as f64);
                            for ((o, b), x) in out.iter_mut().zip(&mut best).zip(x) {
                                // `!(x <= b)` lets NaN in, and nothing replaces one.
                                #[expect(clippy::eq_op, reason = "true for NaN alone")]
                                let keep = !first & ((*x <= *b) | (*b != *b));
                                *o = if keep { *o } else { index };
                                *b = if keep { *b } else { *x };
                            }
                        },
                    );
                }
            },
        );
    }

    fn still(&self, _active: &[bool]) -> bool {
        true
    }

    fn tangent<E: Element>(&self, _args: &TangentArgs<E>, out: &mut [E]) {
        out.fill(E::ZERO);
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], _g: Node, _which: usize) -> Node {
        let shape = tape.shape(inputs[0]);
        tape.fill(0.0, shape)
    }

    fn degree(&self, inputs: &[Degree]) -> Degree {
        nonlinear(inputs)
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        let shape = |w: &Window| Shape::new(w.channels, 2 * w.positions());
        // A window of one position has nothing to choose.
        let windows = example_windows().into_iter().filter(|w| w.area() > 1);
        windows.map(|window| (Self { window }, vec![shape(&window)])).collect()
    }
}
