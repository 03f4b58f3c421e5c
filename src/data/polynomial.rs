//! Polynomial regression: noisy values of a random polynomial on [-1, 1].
//!
//! ```text
//! y = sum_{k=0}^{degree} c_k T_k(u) + noise N(0, 1),   u uniform in [-1, 1],   c_k ~ N(0, 1 / (degree + 1))
//! ```
//!
//! with Chebyshev's polynomials T_k, which stay within [-1, 1], so that values have the same size at every degree. A
//! network sees the features T_1(u) = u, T_2(u), ...: with one it must find the curve itself; with `degree` of them
//! or more a linear model holds it exactly.

use crate::base::random::normal;
use crate::base::{Result, Streams};
use crate::data::{Raw, Samples, Split, fits_in_memory, within};
use rand::RngExt;

crate::kind! {
    /// Noisy values of a random polynomial.
    Polynomial = "polynomial",
        "regression: y = sum of c_k T_k(u) + noise, a random polynomial on [-1, 1] in Chebyshev's basis";
    // A cubic is the simplest curve with two turns; the noise is a tenth of its size.
    /// Samples; a quarter of them is held out for testing.
    samples: usize = 200,
    /// Degree of the polynomial.
    degree: usize = 3,
    /// Standard deviation of the noise on each value.
    noise: f64 = 0.1,
    /// Features that a network sees: Chebyshev polynomials of u from the first, u itself.
    features: usize = 1,
}

impl Polynomial {
    fn refuse(&self) -> Result<()> {
        within("samples", self.samples, 8..=10_000_000)?;
        within("degree", self.degree, 0..=1000)?;
        within("noise", self.noise, 0.0..=1e6)?;
        within("features", self.features, 1..=10_000)?;
        fits_in_memory("samples", self.samples, self.features)
    }
}

impl Polynomial {
    /// The points, from left to right at random.
    pub fn load(&self, streams: &Streams) -> Result<Raw> {
        let mut rng = streams.stream("data/polynomial/coefficients", 0);
        let size = 1.0 / (self.degree as f64 + 1.0).sqrt();
        let coefficients: Vec<f64> = (0..=self.degree).map(|_| size * normal(&mut rng)).collect();
        let mut rng = streams.stream("data/polynomial", 0);
        let (mut x, mut values) = (Vec::new(), Vec::new());
        for _ in 0..self.samples {
            let u: f64 = rng.random_range(-1.0..=1.0);
            // T_{k+1}(u) = 2 u T_k(u) - T_{k-1}(u)
            let (mut t, mut next) = (1.0, u);
            let mut y = self.noise * normal(&mut rng);
            for k in 0..=self.degree.max(self.features) {
                y += coefficients.get(k).map_or(0.0, |c| c * t);
                if (1..=self.features).contains(&k) {
                    x.push(t);
                }
                (t, next) = (next, 2.0 * u * next - t);
            }
            values.push(y);
        }
        let samples = Samples::of_values(x, values, self.samples);
        let split = Split::Random(self.samples / 4);
        Ok(Raw { shape: vec![self.features], outputs: 1, samples, split, ..Raw::default() })
    }
}
