//! The mean over each window, zeros in the padding counted (PyTorch's default), and the adjoint, which spreads a number
//! over its window.

use super::window::{Window, example_windows, whole};
use super::{Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View, elementary::vectorised};

/// Means of windows, channels x (n H W) to channels x (n H' W'), or the adjoint of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AveragePool {
    /// The images and the window.
    pub window: Window,
    /// Whether numbers are spread over the image rather than averaged.
    pub adjoint: bool,
}

impl AveragePool {
    fn apply<E: Element>(&self, x: &[E], out: &mut [E]) {
        let (window, channels) = (&self.window, self.window.channels);
        let (image, outputs) = (channels * window.positions(), channels * window.outputs());
        let (read, written) = if self.adjoint { (outputs, image) } else { (image, outputs) };
        let share = E::from_f64(1.0 / window.area() as f64);
        vectorised(
            #[inline(always)]
            || {
                out.fill(E::ZERO);
                for (out, x) in out.chunks_exact_mut(written).zip(x.chunks_exact(read)) {
                    window.walk(
                        #[inline(always)]
                        |place, position, _, _| {
                            let (from, to) = if self.adjoint { (place, position) } else { (position, place) };
                            let x = &x[from * channels..][..channels];
                            let out = &mut out[to * channels..][..channels];
                            out.iter_mut().zip(x).for_each(|(o, x)| *o += *x);
                        },
                    );
                }
                out.iter_mut().for_each(|o| *o *= share);
            },
        );
    }
}

impl Rule for AveragePool {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        let (window, x) = (&self.window, inputs[0]);
        if self.adjoint {
            assert_eq!(x.rows, window.channels, "channels under {self:?}");
            Shape::new(x.rows, whole(x.cols, window.outputs()) * window.positions())
        } else {
            Shape::new(x.rows, window.samples(x) * window.outputs())
        }
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        self.apply(inputs[0].data, out);
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let Some(da) = args.tangents[0] else { return };
        for (j, out) in out.chunks_exact_mut(args.shape.size()).enumerate() {
            self.apply(da.slab(j).data, out);
        }
    }

    fn pullback(&self, tape: &mut Tape, _inputs: &[Node], g: Node, _which: usize) -> Node {
        tape.push(Self { adjoint: !self.adjoint, ..*self }, &[g])
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        let both = |window: Window| {
            let of = |positions: usize| vec![Shape::new(window.channels, 2 * positions)];
            [(false, of(window.positions())), (true, of(window.outputs()))]
                .map(|(adjoint, shapes)| (Self { window, adjoint }, shapes))
        };
        example_windows().into_iter().flat_map(both).collect()
    }
}
