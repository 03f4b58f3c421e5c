//! Random: every coordinate from N(0, 1), independently (Li et al. 2018).

use super::{Axis, Draw, Frame, Length, Place};
use crate::base::{Result, Streams, random::normal};

crate::kind! {
    /// Every coordinate from N(0, 1).
    Gaussian = "gaussian", "every coordinate from N(0, 1) (Li et al. 2018)";
}

/// The random direction number `index` in so many dimensions.
pub fn gaussian(streams: &Streams, index: u64, dimension: usize) -> Vec<f64> {
    let mut rng = streams.stream("slice/direction", index);
    (0..dimension).map(|_| normal(&mut rng)).collect()
}

impl Draw for Gaussian {
    fn draw(&self, place: &dyn Place, count: usize) -> Result<Frame> {
        let axis = |index| Axis {
            direction: gaussian(place.streams(), index as u64, place.theta().len()),
            label: "direction".to_owned(),
            ends: (-1.0, 1.0), // Li et al. 2018
            ..Axis::default()
        };
        Ok(Frame { axes: (0..count).map(axis).collect(), ..Frame::default() })
    }

    fn length(&self) -> Length {
        Length::Drawn
    }

    fn adjective(&self) -> &'static str {
        "random"
    }

    fn varies(&self, _count: usize) -> bool {
        true
    }
}
