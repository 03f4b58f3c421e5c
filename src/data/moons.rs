//! Two interleaved half circles: two classes in the plane.
//!
//! With t uniform in [0, pi), a point is (cos t, sin t) in class 0 and (1 - cos t, 1/2 - sin t) in class 1, plus
//! noise N(0, I): the shapes of scikit-learn's make_moons.

use crate::base::random::normal;
use crate::base::{Result, Streams};
use crate::data::{Raw, Samples, Split, within};
use rand::RngExt;
use std::f64::consts::PI;

crate::kind! {
    /// Two interleaved half circles.
    Moons = "moons", "two interleaved half circles in the plane, 2 classes (as scikit-learn's make_moons)";
    // The noise of scikit-learn's examples of decision boundaries is .3, where the classes overlap; at .1 they
    // can be told apart.
    /// Samples in both classes together; a quarter of them is held out for testing.
    samples: usize = 1000,
    /// Standard deviation of the noise on each coordinate; the radius is 1.
    noise: f64 = 0.1,
}

impl Moons {
    fn refuse(&self) -> Result<()> {
        within("samples", self.samples, 8..=10_000_000)?;
        within("noise", self.noise, 0.0..=100.0)
    }
}

impl Moons {
    /// The points, of either class in turn.
    pub fn load(&self, streams: &Streams) -> Result<Raw> {
        let mut rng = streams.stream("data/moons", 0);
        let (mut x, mut labels) = (Vec::new(), Vec::new());
        for i in 0..self.samples {
            let (sin, cos) = libm::sincos(PI * rng.random::<f64>());
            let point = if i % 2 == 0 { [cos, sin] } else { [1.0 - cos, 0.5 - sin] };
            x.extend(point.map(|c| c + self.noise * normal(&mut rng)));
            labels.push((i % 2) as u32);
        }
        let samples = Samples::of_classes(x, labels);
        let split = Split::Random(self.samples / 4);
        Ok(Raw { shape: vec![2], outputs: 2, samples, split, ..Raw::default() })
    }
}
