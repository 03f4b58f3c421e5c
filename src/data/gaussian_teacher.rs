//! A ReLU teacher under Gaussian inputs, all of them: what [`TeacherStudent`](super::TeacherStudent) draws samples of, the
//! same teacher from the same seed, is here one sample that holds the teacher's weights v_j, row by row.
//!
//! ```text
//! input: v_j, units x dimension      value: -1/2 E (sum_j relu(v_j . x))^2,   x ~ N(0, I)
//! ```
//!
//! A student w has the population loss 1/2 E (sum_i relu(w_i . x) - sum_j relu(v_j . x))^2. The model `population-student`
//! puts out all of it that depends on w, of which the value is the smallest that there can be, and the loss `excess`
//! is the difference: there are no samples, and a loss of zero is the teacher found (Safran and Shamir 2018).
//!
//! Testing has the same sample: where all inputs are trained on, none is new. The input is left alone unless standardising is
//! asked for.

use super::teacher_student::{check_teacher, random_teacher};
use crate::base::statistics::relu_moment;
use crate::base::{Result, Streams};
use crate::data::{Raw, Samples, Split, within};

crate::kind! {
    /// The weights of a ReLU teacher.
    GaussianTeacher = "gaussian-teacher",
        "the weights of a ReLU teacher, for the exact loss over x ~ N(0, I) of the model population-student";
    // As teacher-student.
    /// Numbers an input.
    dimension: usize = 10,
    /// Hidden units of the teacher.
    units: usize = 8,
    /// Whether the teacher's weights are random unit vectors, instead of orthonormal ones.
    random: bool = false,
}

impl GaussianTeacher {
    fn refuse(&self) -> Result<()> {
        check_teacher(self.units, self.dimension, self.random)?;
        // The work of the teacher's own moment, in products.
        within("units", self.units as u64 * self.units as u64 * self.dimension as u64, 1..=10_000_000_000)
    }
}

impl GaussianTeacher {
    /// The teacher's weights, once for training and once for testing.
    pub fn load(&self, streams: &Streams) -> Result<Raw> {
        let (d, k) = (self.dimension, self.units);
        let weights: Vec<f64> = if self.random {
            random_teacher(k, d, streams).concat()
        } else {
            (0..k * d).map(|i| f64::from(u8::from(i / d == i % d))).collect()
        };
        let dot = |v: &[f64], w: &[f64]| v.iter().zip(w).map(|(v, w)| v * w).sum();
        let rows = || weights.chunks_exact(d);
        // All weights are unit vectors.
        let moment: f64 = rows().flat_map(|v| rows().map(move |w| relu_moment(dot(v, w)))).sum();
        let samples = Samples::of_values(weights.repeat(2), vec![-0.5 * moment; 2], 2);
        Ok(Raw {
            shape: vec![1, k, d],
            outputs: 1,
            samples,
            split: Split::Last(1),
            own_scale: true,
            ..Raw::default()
        })
    }
}
