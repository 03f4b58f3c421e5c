//! Two interleaved spirals: two classes in the plane that no straight line parts.
//!
//! With u uniform in [0, 1) and r = sqrt(u), a point of class k is
//!
//! ```text
//! (x, y) = r (cos a, sin a) + noise N(0, I),   a = 2 pi turns r + pi k
//! ```
//!
//! The square root makes up for the arms growing longer with r. After K. J. Lang, M. J. Witbrock, "Learning to
//! tell two spirals apart", 1988, whose spirals make 3 turns.

use crate::base::random::normal;
use crate::base::{Result, Streams};
use crate::data::{Raw, Samples, Split, within};
use rand::RngExt;
use std::f64::consts::PI;

crate::kind! {
    /// Two interleaved spirals.
    Spirals = "spirals", "two interleaved spirals in the plane, 2 classes (after Lang and Witbrock, 1988)";
    // Half the turns of Lang and Witbrock, so that a small network learns them in seconds. Neighbouring arms
    // are 1 / (2 turns) apart, many times the noise.
    /// Samples in both classes together; a quarter of them is held out for testing.
    samples: usize = 1000,
    /// Standard deviation of the noise on each coordinate; the outer radius is 1.
    noise: f64 = 0.02,
    /// Turns that each arm makes around the origin.
    turns: f64 = 1.5,
}

impl Spirals {
    fn refuse(&self) -> Result<()> {
        within("samples", self.samples, 8..=10_000_000)?;
        within("noise", self.noise, 0.0..=100.0)?;
        within("turns", self.turns, 0.0..=100.0)
    }
}

impl Spirals {
    /// The points, of either class in turn.
    pub fn load(&self, streams: &Streams) -> Result<Raw> {
        let mut rng = streams.stream("data/spirals", 0);
        let (mut x, mut labels) = (Vec::new(), Vec::new());
        for i in 0..self.samples {
            let class = (i % 2) as u32;
            let radius = rng.random::<f64>().sqrt();
            let angle = 2.0 * PI * self.turns * radius + PI * f64::from(class);
            // libm's, because the system's sine differs between systems in its last bit.
            let (sin, cos) = libm::sincos(angle);
            x.push(radius * cos + self.noise * normal(&mut rng));
            x.push(radius * sin + self.noise * normal(&mut rng));
            labels.push(class);
        }
        let samples = Samples::of_classes(x, labels);
        let split = Split::Random(self.samples / 4);
        Ok(Raw { shape: vec![2], outputs: 2, samples, split, ..Raw::default() })
    }
}
