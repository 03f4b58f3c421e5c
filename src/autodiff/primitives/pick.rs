//! The entry of each window that an index names, and the adjoint, which puts a number back where the index points and
//! adds up where windows overlap. Linear in the second input; the first is an index as
//! [`ArgMax`](super::ArgMax) gives it and constant under tangents.
//!
//! Indices are rounded towards zero and limited to the window; one that points into the padding picks nothing: 0.

use super::window::{Window, example_windows, whole};
use super::{Degree, Rule, TangentArgs};
use crate::autodiff::elementary::vectorised;
use crate::autodiff::matrix::LANES;
use crate::autodiff::{Element, Node, Shape, Tape, View};
use std::ops::Range;

/// Picks, or puts back, one entry a window: (index, image) to outputs, or (index, outputs) to image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pick {
    /// The images and the window.
    pub window: Window,
    /// Whether numbers are put back into an image rather than picked from one.
    pub adjoint: bool,
}

/// The positions of a window, divided into rows and columns once for all of its places.
struct Taps<'a> {
    window: &'a Window,
    /// Row and column of each position.
    at: Vec<[usize; 2]>,
    /// Numbers in the image between the window's corner and each position.
    offsets: Vec<usize>,
}

/// A place of the window.
struct Place {
    /// What of the window lies in the image, and the position behind its corner.
    inside: ([Range<usize>; 2], [isize; 2]),
    /// Where in the image the corner's channels begin, if the whole window lies in it.
    corner: Option<usize>,
}

impl<'a> Taps<'a> {
    fn new(window: &'a Window) -> Self {
        let at: Vec<[usize; 2]> =
            (0..window.area()).map(|tap| [tap / window.kernel[1], tap % window.kernel[1]]).collect();
        let [down, right] = window.dilation;
        let offset = |[i, j]: &[usize; 2]| (i * down * window.width + j * right) * window.channels;
        let offsets = at.iter().map(offset).collect();
        Self { window, at, offsets }
    }

    /// Shows `see` every place of the window, with its number.
    #[inline(always)]
    fn places(&self, mut see: impl FnMut(usize, &Place)) {
        let (window, [rows, columns]) = (self.window, self.window.places());
        for row in 0..rows {
            for column in 0..columns {
                let inside = window.inside([row, column]);
                let whole = [0, 1].iter().all(|axis| inside.0[*axis].len() == window.kernel[*axis]);
                let [y, x] = inside.1;
                let corner = whole.then(|| (y as usize * window.width + x as usize) * window.channels);
                see(row * columns + column, &Place { inside, corner });
            }
        }
    }

    /// Where in the image the channels of the entry begin that an index names; none in the padding.
    #[inline(always)]
    fn from(&self, place: &Place, index: f64) -> Option<usize> {
        let tap = (index as usize).min(self.at.len() - 1);
        if let Some(corner) = place.corner {
            return Some(corner + self.offsets[tap]);
        }
        let ([vertical, horizontal], corner) = &place.inside;
        let [i, j] = self.at[tap];
        (vertical.contains(&i) && horizontal.contains(&j)).then(|| {
            let y = (corner[0] + (i * self.window.dilation[0]) as isize) as usize;
            let x = (corner[1] + (j * self.window.dilation[1]) as isize) as usize;
            (y * self.window.width + x) * self.window.channels
        })
    }
}

impl Pick {
    fn apply<E: Element>(&self, index: View<E>, x: View<E>, out: &mut [E]) {
        let (window, channels) = (&self.window, self.window.channels);
        let (image, outputs) = (channels * window.positions(), channels * window.outputs());
        let taps = Taps::new(window);
        if self.adjoint {
            out.fill(E::ZERO);
            let samples = index.data.chunks_exact(outputs).zip(x.data.chunks_exact(outputs));
            for (out, (index, g)) in out.chunks_exact_mut(image).zip(samples) {
                taps.places(|number, place| {
                    for channel in 0..channels {
                        let at = number * channels + channel;
                        if let Some(from) = taps.from(place, index[at].to_f64()) {
                            out[from + channel] += g[at];
                        }
                    }
                });
            }
            return;
        }
        let samples = index.data.chunks_exact(outputs).zip(x.data.chunks_exact(image));
        vectorised(
            #[inline(always)]
            || {
                for (out, (index, x)) in out.chunks_exact_mut(outputs).zip(samples) {
                    taps.places(
                        #[inline(always)]
                        |number, place| {
                            let range = number * channels..(number + 1) * channels;
                            let (index, out) = (&index[range.clone()], &mut out[range]);
                            let mut done = 0;
                            if let Some(corner) = place.corner {
                                let lanes = out.as_chunks_mut::<LANES>().0.iter_mut();
                                for (out, index) in lanes.zip(index.as_chunks::<LANES>().0) {
                                    *out = chosen(&taps.offsets, index, &x[corner + done..]);
                                    done += LANES;
                                }
                            }
                            for channel in done..channels {
                                let from = taps.from(place, index[channel].to_f64());
                                out[channel] = from.map_or(E::ZERO, |from| x[from + channel]);
                            }
                        },
                    );
                }
            },
        );
    }
}

/// What the indices of some channels name in a window that lies in the image: that of the last position which an index
/// reaches, which is the first where it reaches none. Without branches, all channels together.
#[inline(always)]
fn chosen<E: Element>(offsets: &[usize], index: &[E; LANES], x: &[E]) -> [E; LANES] {
    let mut chosen = [E::ZERO; LANES];
    for (tap, offset) in offsets.iter().enumerate() {
        let (x, least) = (&x[*offset..][..LANES], E::from_f64(tap as f64));
        chosen = std::array::from_fn(|k| if tap == 0 || index[k] >= least { x[k] } else { chosen[k] });
    }
    chosen
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
