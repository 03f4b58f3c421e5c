//! Two circles, one inside the other: two classes in the plane that no straight line parts.
//!
//! With a uniform in [0, 2 pi), a point is r (cos a, sin a) + noise N(0, I), where r is 1 in class 0 and `factor` in
//! class 1: the shapes of scikit-learn's make_circles.

use crate::base::random::normal;
use crate::base::registry::Kind;
use crate::base::{Result, Streams};
use crate::data::{Raw, Samples, Split, within};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// Two circles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Circles {
    /// Samples in both classes together; a quarter of them is held out for testing.
    pub samples: usize,
    /// Standard deviation of the noise on each coordinate; the outer radius is 1.
    pub noise: f64,
    /// Radius of the inner circle.
    pub factor: f64,
}

impl Default for Circles {
    fn default() -> Self {
        // As in scikit-learn's comparison of clustering methods.
        Self { samples: 1000, noise: 0.05, factor: 0.5 }
    }
}

impl Kind for Circles {
    const NAME: &'static str = "circles";
    const SUMMARY: &'static str =
        "two circles in the plane, one inside the other, 2 classes (as scikit-learn's make_circles)";

    fn check(&self) -> Result<()> {
        within("samples", self.samples, 8..=10_000_000)?;
        within("noise", self.noise, 0.0..=100.0)?;
        within("factor", self.factor, 0.0..=1.0)
    }
}

impl Circles {
    /// The points, of either class in turn.
    pub fn load(&self, streams: &Streams) -> Result<Raw> {
        let mut rng = streams.stream("data/circles", 0);
        let (mut x, mut labels) = (Vec::new(), Vec::new());
        for i in 0..self.samples {
            let radius = if i % 2 == 0 { 1.0 } else { self.factor };
            let (sin, cos) = libm::sincos(2.0 * PI * rng.random::<f64>());
            x.extend([cos, sin].map(|c| radius * c + self.noise * normal(&mut rng)));
            labels.push((i % 2) as u32);
        }
        let samples = Samples::of_classes(x, labels);
        let split = Split::Random(self.samples / 4);
        Ok(Raw { shape: vec![2], outputs: 2, samples, split, ..Raw::default() })
    }
}
