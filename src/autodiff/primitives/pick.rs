//! The entry of each window that an index names, and the adjoint, which puts a number back where the index points and
//! adds up where windows overlap. Linear in the second input; the first is an index as
//! [`ArgMax`](super::ArgMax) gives it and constant under tangents.
//!
//! Indices are rounded towards zero and limited to the window; one that points into the padding picks nothing: 0.

use super::window::{Window, example_windows, whole};
use super::{Degree, Rule, TangentArgs};
use crate::autodiff::{Element, Node, Shape, Tape, View};

/// Picks, or puts back, one entry a window: (index, image) to outputs, or (index, outputs) to image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pick {
    /// The images and the window.
    pub window: Window,
    /// Whether numbers are put back into an image rather than picked from one.
    pub adjoint: bool,
}

impl Pick {
    fn apply<E: Element>(&self, index: View<E>, x: View<E>, out: &mut [E]) {
        let (window, channels) = (&self.window, self.window.channels);
        let (image, outputs) = (channels * window.positions(), channels * window.outputs());
        if self.adjoint {
            out.fill(E::ZERO);
            let samples = index.data.chunks_exact(outputs).zip(x.data.chunks_exact(outputs));
            for (out, (index, g)) in out.chunks_exact_mut(image).zip(samples) {
                self.each(index, |at, from| {
                    if let Some(from) = from {
                        out[from] += g[at];
                    }
                });
            }
        } else {
            let samples = index.data.chunks_exact(outputs).zip(x.data.chunks_exact(image));
            for (out, (index, x)) in out.chunks_exact_mut(outputs).zip(samples) {
                self.each(index, |at, from| out[at] = from.map_or(E::ZERO, |from| x[from]));
            }
        }
    }

    /// Shows `see` every output of a sample with the entry of the image that it is picked from.
    #[inline(always)]
    fn each<E: Element>(&self, index: &[E], mut see: impl FnMut(usize, Option<usize>)) {
        let (window, channels) = (&self.window, self.window.channels);
        let [rows, columns] = window.places();
        let last = window.area() - 1;
        for (place, index) in index.chunks_exact(channels).enumerate().take(rows * columns) {
            let (ranges, corner) = window.inside([place / columns, place % columns]);
            for (channel, index) in index.iter().enumerate() {
                let tap = (index.to_f64() as usize).min(last);
                let (i, j) = (tap / window.kernel[1], tap % window.kernel[1]);
                let from = (ranges[0].contains(&i) && ranges[1].contains(&j)).then(|| {
                    let y = (corner[0] + i as isize) as usize;
                    let x = (corner[1] + j as isize) as usize;
                    (y * window.width + x) * channels + channel
                });
                see(place * channels + channel, from);
            }
        }
    }
}

impl Rule for Pick {
    fn shape(&self, inputs: &[Shape]) -> Shape {
        let (window, index) = (&self.window, inputs[0]);
        let samples = whole(index.cols, window.outputs());
        let image = Shape::new(window.channels, samples * window.positions());
        let (from, to) = if self.adjoint { (index, image) } else { (image, index) };
        assert_eq!(index.rows, window.channels, "channels under {self:?}");
        assert_eq!(inputs[1], from, "numbers under {self:?}");
        to
    }

    fn value<E: Element>(&self, inputs: &[View<E>], _shape: Shape, out: &mut [E]) {
        self.apply(inputs[0], inputs[1], out);
    }

    fn still(&self, active: &[bool]) -> bool {
        !active[1]
    }

    fn reads(&self, which: usize, _active: &[bool]) -> bool {
        which == 0
    }

    fn tangent<E: Element>(&self, args: &TangentArgs<E>, out: &mut [E]) {
        let Some(dx) = args.tangents[1] else { return };
        for (j, out) in out.chunks_exact_mut(args.shape.size()).enumerate() {
            self.apply(args.inputs[0], dx.slab(j), out);
        }
    }

    fn pullback(&self, tape: &mut Tape, inputs: &[Node], g: Node, which: usize) -> Node {
        if which == 0 {
            let shape = tape.shape(inputs[0]);
            return tape.fill(0.0, shape);
        }
        tape.push(Self { adjoint: !self.adjoint, ..*self }, &[inputs[0], g])
    }

    fn degree(&self, inputs: &[Degree]) -> Degree {
        match inputs[0] {
            Degree::Constant => inputs[1],
            _ => Degree::General,
        }
    }

    fn examples() -> Vec<(Self, Vec<Shape>)> {
        let both = |window: Window| {
            let image = Shape::new(window.channels, 2 * window.positions());
            let outputs = Shape::new(window.channels, 2 * window.outputs());
            [(false, image), (true, outputs)].map(|(adjoint, x)| (Self { window, adjoint }, vec![outputs, x]))
        };
        example_windows().into_iter().flat_map(both).collect()
    }
}
