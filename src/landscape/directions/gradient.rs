//! The first axis goes down the gradient of the training loss, the others along random directions; all of length 1.

use super::gaussian::gaussian;
use super::{Axis, Draw, Frame, Length, Place};
use crate::base::Result;
use crate::landscape::geometry::unit;

crate::kind! {
    /// Steepest descent, and random directions.
    Gradient = "gradient", "x down the gradient of the training loss, y (and z) random, all of length 1";
}

impl Draw for Gradient {
    fn draw(&self, place: &dyn Place, count: usize) -> Result<Frame> {
        let gradient = place.gradient()?;
        let axis = |index: usize| {
            let (direction, label) = match index {
                0 => (gradient.iter().map(|g| -g).collect(), "steepest descent"),
                k => (gaussian(place.streams(), k as u64, gradient.len()), "random direction"),
            };
            Axis { direction: unit(direction), label: label.to_owned(), ends: (-1.0, 1.0), ..Axis::default() }
        };
        Ok(Frame { axes: (0..count).map(axis).collect(), ..Frame::default() })
    }

    fn length(&self) -> Length {
        Length::Own
    }

    fn adjective(&self) -> &'static str {
        "gradient"
    }

    fn varies(&self, count: usize) -> bool {
        count > 1
    }
}
