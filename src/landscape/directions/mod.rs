//! Directions: vectors in parameter space along which a slice moves, before normalisation.
//!
//! To add one: a file with a struct that implements [`Kind`](crate::base::registry::Kind) and [`Draw`], and a line below.

use crate::base::{Result, Streams};
use crate::nn::Network;
use crate::registry;

/// Where a direction comes from.
pub trait Draw {
    /// Direction number `index` for `network` at `theta`.
    fn draw(&self, network: &Network, theta: &[f64], streams: &Streams, index: u64) -> Result<Vec<f64>>;
}

registry! {
    /// Where a slice's directions come from.
    Direction, "direction", match_direction {
        gaussian => Gaussian;
    }
}

impl Draw for Direction {
    fn draw(&self, network: &Network, theta: &[f64], streams: &Streams, index: u64) -> Result<Vec<f64>> {
        match_direction!(self, kind => kind.draw(network, theta, streams, index))
    }
}
