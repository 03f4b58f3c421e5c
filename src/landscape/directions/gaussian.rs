//! Random: every coordinate from N(0, 1), independently (Li et al. 2018).

use super::Draw;
use crate::base::{Result, Streams, random::normal, registry::Kind};
use crate::nn::Network;
use serde::{Deserialize, Serialize};

/// Every coordinate from N(0, 1).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gaussian;

impl Kind for Gaussian {
    const NAME: &'static str = "gaussian";
    const SUMMARY: &'static str = "every coordinate from N(0, 1) (Li et al. 2018)";
}

impl Draw for Gaussian {
    fn draw(&self, _network: &Network, theta: &[f64], streams: &Streams, index: u64) -> Result<Vec<f64>> {
        let mut rng = streams.stream("slice/direction", index);
        Ok(theta.iter().map(|_| normal(&mut rng)).collect())
    }
}
