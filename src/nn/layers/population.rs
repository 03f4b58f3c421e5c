//! The population loss of ReLU units over Gaussian inputs, in closed form. The input is not x but the teacher: each row of
//! its last axis is one vector v_j. The layer's weights are the student's w_i, and each unit puts out its share
//!
//! ```text
//! 1/2 sum_i' f(w_i, w_i') - sum_j f(w_i, v_j)
//! f(w, v) = E relu(w . x) relu(v . x) = |w| |v| (sin t + (pi - t) cos t) / (2 pi),   x ~ N(0, I), t the angle
//! ```
//!
//! (Cho and Saul 2009). The sum of the shares is 1/2 E (sum_i relu(w_i . x) - sum_j relu(v_j . x))^2 without its constant
//! 1/2 sum_jj' f(v_j, v_j'), by which it is smallest at minus that (Safran and Shamir 2018, arXiv 1712.08968; Brutzkus and
//! Globerson 2017). Its Hessian is continuous wherever no vector is zero, also where some are parallel.

use super::{Forward, Recorder, Signal};
use crate::autodiff::curves::InverseSqrt;
use crate::autodiff::primitives::map::{Curve, Scalar};
use crate::autodiff::{Element, Node, Shape, Tape};
use crate::base::statistics::relu_moment;
use crate::base::{Error, Result};
use crate::nn::layout::Role;
use crate::nn::recorder::Need;
use crate::nn::units::Ties;
use std::f64::consts::PI;
use std::sync::Arc;

crate::kind! {
    /// Each unit's share in the loss.
    Population = "population",
        "each ReLU unit's share in the loss over Gaussian inputs; the input is the teacher (Safran and Shamir 2018)";
    /// Units of the student.
    units: usize = 8,
}

impl Population {
    fn refuse(&self) -> Result<()> {
        match self.units {
            0 => Err(Error::expected("units", "at least 1", 0)),
            _ => Ok(()),
        }
    }
}

impl Forward for Population {
    fn forward(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        let input = cx.flat(input);
        let (units, samples) = (self.units, cx.samples);
        let dimension = input.shape.last().copied().unwrap_or(1);
        let teachers = input.size() / dimension;
        let shape = vec![units, dimension];
        cx.room("weight", &shape)?;
        let own = cx.ties.fresh(units);
        // The rows of an image may change places, its columns may not.
        let across = if input.shape.len() == 1 { input.units.clone() } else { Ties::fixed(dimension) };
        let axes = vec![own.clone(), across];
        let weight = cx.parameter(Need {
            name: "weight",
            shape,
            role: Role::Weight,
            fan_in: dimension,
            fan_out: units,
            start: 0.0,
            axes,
        })?;
        let tape = &mut *cx.tape;
        let students = Vectors::of(tape, weight);
        // A vector a column, those of a sample side by side.
        let teacher = tape.permute(input.node, 1, 1, Shape::new(dimension, teachers * samples));
        let teacher = Vectors::of(tape, teacher);
        let among = students.moments(tape, &students);
        let among = tape.sum_cols(among);
        let between = students.moments(tape, &teacher);
        let between = tape.block_mean(between, 1, teachers);
        let between = tape.scale(-(teachers as f64), between);
        let among = tape.scale(0.5, among);
        let node = tape.add(between, among);
        Ok(Signal { node, shape: vec![units], image: false, units: own })
    }
}

/// Vectors, with their lengths and what is one over those, as rows.
struct Vectors {
    matrix: Node,
    length: Node,
    inverse: Node,
}

impl Vectors {
    /// The columns of a matrix.
    fn of(tape: &mut Tape, matrix: Node) -> Self {
        // A vector below 1e-12 has no direction: its moments are 0, and so is their gradient.
        let curve: Arc<dyn Curve> = Arc::new(InverseSqrt { eps: 1e-24 });
        let squares = tape.mul(matrix, matrix);
        let squares = tape.sum_rows(squares);
        let inverse = tape.map(&curve, 0, squares);
        Self { matrix, length: tape.mul(squares, inverse), inverse }
    }

    /// f of each of these, a row, with each of the others, a column.
    fn moments(&self, tape: &mut Tape, others: &Self) -> Node {
        let curve: Arc<dyn Curve> = Arc::new(ReluMoment);
        let count = tape.shape(self.length).cols;
        let [length, inverse] =
            [self.length, self.inverse].map(|n| tape.permute(n, 1, 1, Shape::new(count, 1)));
        let products = tape.matmul((self.matrix, true), (others.matrix, false));
        let scaled = tape.mul(products, inverse);
        let cosines = tape.mul(scaled, others.inverse);
        let moments = tape.map(&curve, 0, cosines);
        let scaled = tape.mul(moments, length);
        tape.mul(scaled, others.length)
    }
}

/// [`relu_moment`] of a cosine. One within rounding of 1 or -1 counts as that: an angle has no digits there, and that of a
/// vector with itself is zero. Number by number in f64: there are few, and acos is libm's.
#[derive(Debug)]
struct ReluMoment;

/// sin t squared of a cosine, and whether that is more than rounding.
fn sine_squared<E: Element>(c: E) -> (E, bool) {
    let squared = (E::ONE - c) * (E::ONE + c);
    (squared, squared > E::from_f64(8.0) * E::EPSILON)
}

impl Scalar for ReluMoment {
    fn value<E: Element>(&self, c: E) -> E {
        E::from_f64(relu_moment(c.to_f64()))
    }
    /// (pi - t) / (2 pi).
    fn slope<E: Element>(&self, c: E) -> E {
        let c = if sine_squared(c).1 { c.to_f64() } else { c.to_f64().round() };
        E::from_f64(libm::acos(-c) / (2.0 * PI))
    }
    /// 1 / (2 pi sin t). It multiplies the square of the cosine's gradient, of size sin t: where vectors are parallel the
    /// product vanishes.
    fn curvature<E: Element>(&self, c: E) -> E {
        let (squared, apart) = sine_squared(c);
        if apart { E::from_f64(0.5 / PI) / squared.sqrt() } else { E::ZERO }
    }
}
