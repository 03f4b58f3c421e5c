//! Two circles, one inside the other: two classes in the plane that no straight line parts.
//!
//! With a uniform in [0, 2 pi), a point is r (cos a, sin a) + noise N(0, I), where r is 1 in class 0 and `factor` in
//! class 1: the shapes of scikit-learn's make_circles.

use crate::base::random::normal;
use crate::base::{Result, Streams};
use crate::data::{Raw, Samples, Split, within};
use rand::RngExt;
use std::f64::consts::PI;

crate::kind! {
    /// Two circles.
    Circles = "circles",
        "two circles in the plane, one inside the other, 2 classes (as scikit-learn's make_circles)";
    // As in scikit-learn's comparison of clustering methods.
    /// Samples in both classes together; a quarter of them is held out for testing.
    samples: usize = 1000,
    /// Standard deviation of the noise on each coordinate; the outer radius is 1.
    noise: f64 = 0.05,
    /// Radius of the inner circle.
    factor: f64 = 0.5,
}

impl Circles {
    fn refuse(&self) -> Result<()> {
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
