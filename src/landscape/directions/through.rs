//! Through other minima: the center is A, `b` and `c` are runs or weight files of the same network.
//!
//! x = B - A, so that B lies at x = 1. With `c`, y is the part of C - A that is orthogonal to x, scaled to the length
//! of x: distances in the picture are true, in units of ||B - A|| (Garipov et al. 2018, arXiv 1802.10026).
//! Running statistics, and singular vectors of spectral norm, move as the weights do.

use super::{Axis, Draw, Frame, Length, Place};
use crate::base::{Error, Result};
use crate::landscape::geometry::{combined, difference, dot};
use std::path::Path;

crate::kind! {
    /// Through two or three minima.
    Through = "through",
        "through the network (A) and those of b=RUN and, for a plane, c=RUN; statistics move along";
    /// Run directory or weight file of B.
    b: String,
    /// That of C, for a plane.
    c: String,
}

impl Draw for Through {
    fn draw(&self, place: &dyn Place, count: usize) -> Result<Frame> {
        self.fits(count)?;
        // Theta and state side by side: what is done to one is done to the other.
        let from = [place.theta(), place.state()];
        let to = |path: &str| -> Result<[Vec<f64>; 2]> {
            let found = place.weights(Path::new(path)).map_err(|e| match e {
                Error::Request { at, what } => Error::request(format!("--directions through: {at}"), what),
                other => other,
            });
            let (theta, mut state) = found?;
            place.network().align_singular(from[1], &mut state);
            Ok([difference(&theta, from[0]), difference(&state, from[1])])
        };
        let x = to(&self.b)?;
        let length = dot(&x[0], &x[0]);
        if length == 0.0 {
            return Err(Error::expected("--directions through: b", "another network", "the same weights"));
        }
        let mark = |coordinates: &[f64], name: &str| (coordinates.to_vec(), name.to_owned());
        if count == 1 {
            let [direction, state] = x;
            let label = "from A (0) to B (1)".to_owned();
            let axis = Axis { direction, state, label, ends: (-0.5, 1.5) };
            return Ok(Frame { axes: vec![axis], marks: vec![mark(&[1.0], "B")], ..Frame::default() });
        }
        let c = to(&self.c)?;
        let along = dot(&c[0], &x[0]) / length;
        let off = combined(&c[0], -along, &x[0]);
        let height = (dot(&off, &off) / length).sqrt();
        if height < 1e-6 {
            return Err(Error::expected(
                "--directions through: c",
                "a network off the line through A and B",
                "one on it",
            ));
        }
        let y =
            [0, 1].map(|k| combined(&c[k], -along, &x[k]).iter().map(|v| v / height).collect::<Vec<f64>>());
        // A third of the larger extent around what is to be seen, the same on both axes.
        let (low, high) = (along.min(0.0), along.max(1.0));
        let margin = (high - low).max(height) / 3.0;
        let axis = |[direction, state]: [Vec<f64>; 2], label: &str, ends: (f64, f64)| {
            let ends = (ends.0 - margin, ends.1 + margin);
            Axis { direction, state, label: label.to_owned(), ends }
        };
        Ok(Frame {
            axes: vec![
                axis(x, "from A (0) to B (1)", (low, high)),
                axis(y, "towards C, same unit", (0.0, height)),
            ],
            marks: vec![mark(&[1.0, 0.0], "B"), mark(&[along, height], "C")],
            ..Frame::default()
        })
    }

    fn fits(&self, count: usize) -> Result<()> {
        if self.b.is_empty() {
            return Err(Error::expected("--directions through: b", "a run directory or weight file", "none"));
        }
        let (wanted, found) = (count - 1, usize::from(!self.c.is_empty()));
        if wanted != found {
            let expected =
                ["no c for a line", "c, a third network, for a plane", "a line or a plane"][wanted.min(2)];
            return Err(Error::expected("--directions through", expected, ["none", "one"][found]));
        }
        Ok(())
    }

    fn length(&self) -> Length {
        Length::Fixed
    }

    fn adjective(&self) -> &'static str {
        "interpolation"
    }

    fn inputs(&self) -> Vec<&str> {
        [self.b.as_str(), &self.c].into_iter().filter(|path| !path.is_empty()).collect()
    }

    fn center(&self) -> &'static str {
        "A"
    }
}
