//! Gaussian blobs: x = center of its class + spread N(0, I), the centers uniform in the cube [-10, 10]^dimension.

use crate::base::random::normal;
use crate::base::{Result, Streams};
use crate::data::{Raw, Samples, Split, fits_in_memory, within};
use rand::RngExt;

crate::kind! {
    /// Gaussian blobs, one a class.
    Blobs = "blobs", "Gaussian blobs, one a class, around random centers";
    // Cube, classes, dimension and spread as in scikit-learn's make_blobs.
    /// Samples in all classes together; a quarter of them is held out for testing.
    samples: usize = 1000,
    /// Blobs, each a class.
    classes: usize = 3,
    /// Numbers a sample.
    dimension: usize = 2,
    /// Standard deviation of each blob along each axis.
    spread: f64 = 1.0,
}

impl Blobs {
    fn refuse(&self) -> Result<()> {
        within("samples", self.samples, 8..=10_000_000)?;
        within("classes", self.classes, 2..=self.samples.min(10_000))?;
        within("dimension", self.dimension, 1..=1_000_000)?;
        within("spread", self.spread, 0.0..=1e6)?;
        fits_in_memory("samples", self.samples, self.dimension)?;
        // A target has a number a class.
        fits_in_memory("classes", self.samples, self.classes)
    }
}

impl Blobs {
    /// The points, of each class in turn.
    pub fn load(&self, streams: &Streams) -> Result<Raw> {
        let centers = |class: usize| {
            let mut rng = streams.stream("data/blobs/center", class as u64);
            (0..self.dimension).map(move |_| rng.random_range(-10.0..10.0)).collect::<Vec<f64>>()
        };
        let centers: Vec<Vec<f64>> = (0..self.classes).map(centers).collect();
        let mut rng = streams.stream("data/blobs", 0);
        let (mut x, mut labels) = (Vec::new(), Vec::new());
        for i in 0..self.samples {
            let class = i % self.classes;
            x.extend(centers[class].iter().map(|center| center + self.spread * normal(&mut rng)));
            labels.push(class as u32);
        }
        let samples = Samples::of_classes(x, labels);
        let (shape, split) = (vec![self.dimension], Split::Random(self.samples / 4));
        Ok(Raw { shape, outputs: self.classes, samples, split, ..Raw::default() })
    }
}
