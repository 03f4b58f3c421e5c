//! Teacher and student: values of a random network with one hidden layer, for another one to find.
//!
//! ```text
//! x ~ N(0, I_dimension),   y = sum_{k=1}^{units} act(<w_k, x>) + noise N(0, 1)
//! ```
//!
//! I. Safran, O. Shamir, "Spurious Local Minima are Common in Two-Layer ReLU Neural Networks", ICML 2018: the w_k are
//! orthonormal. Here they are the first unit vectors, which is no loss of generality, because the distribution of x
//! looks the same in every direction. With `random` they are independent and uniform on the unit sphere.
//!
//! Inputs have a scale of their own and are left alone unless standardising is asked for. The loss over all x at once, for ReLU,
//! is that of [`GaussianTeacher`](super::GaussianTeacher).

use crate::base::random::normal;
use crate::base::registry::Kind;
use crate::base::{Error, Result, Streams};
use crate::data::{Raw, Samples, Split, fits_in_memory, within};
use serde::{Deserialize, Serialize};

/// Values of a random network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TeacherStudent {
    /// Samples; a quarter of them is held out for testing.
    pub samples: usize,
    /// Numbers an input.
    pub dimension: usize,
    /// Hidden units of the teacher.
    pub units: usize,
    /// The teacher's activation.
    pub activation: Activation,
    /// Standard deviation of the noise on each value.
    pub noise: f64,
    /// Whether the teacher's weights are random unit vectors, instead of orthonormal ones.
    pub random: bool,
}

/// What each unit of the teacher does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// max(z, 0)
    Relu,
    /// tanh z
    Tanh,
    /// log(1 + exp z)
    Softplus,
    /// z / (1 + exp -z), also called swish
    Silu,
}

impl Activation {
    /// Its value at `z`; libm's functions, the same on every system.
    pub fn at(self, z: f64) -> f64 {
        match self {
            Self::Relu => z.max(0.0),
            Self::Tanh => libm::tanh(z),
            Self::Softplus => z.max(0.0) + libm::log1p(libm::exp(-z.abs())),
            Self::Silu => z / (1.0 + libm::exp(-z)),
        }
    }
}

impl Default for TeacherStudent {
    fn default() -> Self {
        // Among Safran and Shamir's sizes, 8 units are a small one at which runs get stuck; the inputs have two
        // dimensions more than the teacher looks at, and there is no noise.
        let activation = Activation::Relu;
        Self { samples: 4000, dimension: 10, units: 8, activation, noise: 0.0, random: false }
    }
}

impl Kind for TeacherStudent {
    const NAME: &'static str = "teacher-student";
    const SUMMARY: &'static str =
        "regression: y = sum of act(<w_k, x>), x ~ N(0, I), orthonormal w_k (Safran and Shamir 2018)";

    fn check(&self) -> Result<()> {
        within("samples", self.samples, 8..=10_000_000)?;
        within("noise", self.noise, 0.0..=1e6)?;
        check_teacher(self.units, self.dimension, self.random)?;
        fits_in_memory("samples", self.samples, self.dimension)?;
        // The work of drawing the values, in products.
        within("units", self.samples as u64 * self.units as u64, 1..=10_000_000_000)
    }
}

/// Refuses a teacher of impossible size, and more orthonormal weights than there are dimensions.
pub(super) fn check_teacher(units: usize, dimension: usize, random: bool) -> Result<()> {
    within("dimension", dimension, 1..=100_000)?;
    within("units", units, 1..=100_000)?;
    fits_in_memory("units", units, dimension)?;
    if !random && units > dimension {
        let expected = format!("at most {dimension}, the dimension, or random=true");
        return Err(Error::expected("units", expected, units));
    }
    Ok(())
}

/// Weights of a random teacher: one row a unit, independent and uniform on the unit sphere.
pub(super) fn random_teacher(units: usize, dimension: usize, streams: &Streams) -> Vec<Vec<f64>> {
    let mut rng = streams.stream("data/teacher-student/teacher", 0);
    let mut unit = || {
        let w: Vec<f64> = (0..dimension).map(|_| normal(&mut rng)).collect();
        let norm = w.iter().map(|v| v * v).sum::<f64>().sqrt();
        w.into_iter().map(|v| v / norm).collect()
    };
    (0..units).map(|_| unit()).collect()
}

impl TeacherStudent {
    /// Inputs and values.
    pub fn load(&self, streams: &Streams) -> Result<Raw> {
        let teacher =
            if self.random { random_teacher(self.units, self.dimension, streams) } else { Vec::new() };
        let mut rng = streams.stream("data/teacher-student", 0);
        let mut noise = streams.stream("data/teacher-student/noise", 0);
        let (mut x, mut values) = (Vec::new(), Vec::new());
        for _ in 0..self.samples {
            let input: Vec<f64> = (0..self.dimension).map(|_| normal(&mut rng)).collect();
            let y: f64 = if self.random {
                teacher
                    .iter()
                    .map(|w| self.activation.at(w.iter().zip(&input).map(|(w, x)| w * x).sum()))
                    .sum()
            } else {
                input[..self.units].iter().map(|x| self.activation.at(*x)).sum()
            };
            values.push(y + self.noise * normal(&mut noise));
            x.extend(input);
        }
        let samples = Samples::of_values(x, values, self.samples);
        let split = Split::Random(self.samples / 4);
        Ok(Raw { shape: vec![self.dimension], outputs: 1, samples, split, own_scale: true, ..Raw::default() })
    }
}
