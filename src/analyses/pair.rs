//! Two networks of one kind and the straight line between them: how far apart they are, what is met on the way, barriers.

use crate::base::{Error, Result, json};
use crate::landscape::path::{Evaluator, Path, Profile, barrier, evenly};
use crate::nn::Evaluation;
use crate::train::Point;
use serde::{Deserialize, Serialize};

/// What is measured at each point of the line, in the order of a record.
pub(super) const MEASURES: [&str; 4] = ["train_loss", "train_error", "test_loss", "test_error"];

/// What is measured of a network, from its evaluations on training and on test samples.
pub(super) fn measures((train, test): &(Evaluation, Evaluation)) -> [f64; 4] {
    [train.loss, 1.0 - train.accuracy, test.loss, 1.0 - test.accuracy]
}

/// What is measured of a network: losses, and shares of wrong answers; NaN where there is no such number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// Training loss.
    #[serde(deserialize_with = "json::number")]
    pub train_loss: f64,
    /// Training error.
    #[serde(deserialize_with = "json::number")]
    pub train_error: f64,
    /// Test loss.
    #[serde(deserialize_with = "json::number")]
    pub test_loss: f64,
    /// Test error.
    #[serde(deserialize_with = "json::number")]
    pub test_error: f64,
}

impl Measures {
    /// Of values in the order of a record.
    pub(super) fn of(values: &[f64]) -> Self {
        let [train_loss, train_error, test_loss, test_error] =
            [0, 1, 2, 3].map(|m| values.get(m).copied().unwrap_or(f64::NAN));
        Self { train_loss, train_error, test_loss, test_error }
    }

    /// Error and loss of a part of the samples.
    pub(super) fn part(&self, train: bool) -> [f64; 2] {
        if train { [self.train_error, self.train_loss] } else { [self.test_error, self.test_loss] }
    }
}

/// The barriers of those, as arrays and members are called.
pub(super) const BARRIERS: [&str; 4] =
    ["train_barrier", "train_error_barrier", "test_barrier", "test_error_barrier"];

/// Points of a line: Frankle et al. 2020 use 30; one more has the middle among them.
pub(super) const POINTS: usize = 31;

/// Refuses numbers of points that no line has.
pub(super) fn check_points(points: usize) -> Result<()> {
    if (3..=10_001).contains(&points) {
        Ok(())
    } else {
        Err(Error::expected("--points", "3 to 10001", points))
    }
}

/// A line between two networks.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pair {
    /// Norm of the difference of their parameters.
    pub distance: f64,
    /// The losses and errors along it, evenly spread.
    pub profile: Profile,
}

impl Pair {
    /// Numbers of a record with so many points.
    pub fn width(points: usize) -> usize {
        1 + MEASURES.len() * points
    }

    /// One that was not measured.
    pub fn missing(points: usize) -> Self {
        Self::read(&vec![f64::NAN; Self::width(points)])
    }

    /// Measures the line from `a` to `b`. Between two networks that are one it is a point, and nothing rises on it.
    pub fn measure(evaluator: &Evaluator, a: &Point<f64>, b: &Point<f64>, points: usize) -> Self {
        let weights = |point: &Point<f64>| (point.theta.clone(), point.state.clone());
        let path = Path::line(weights(a), weights(b));
        let square: f64 = a.theta.iter().zip(&b.theta).map(|(a, b)| (a - b).powi(2)).sum();
        let profile = if a == b {
            let (train, test) = evaluator.evaluate(&a.theta, &a.state);
            let all = |x: f64| vec![x; points];
            Profile {
                t: evenly(points),
                train_loss: all(train.loss),
                train_error: all(1.0 - train.accuracy),
                test_loss: all(test.loss),
                test_error: all(1.0 - test.accuracy),
            }
        } else {
            evaluator.profile(&path, points, &|| ())
        };
        Self { distance: square.sqrt(), profile }
    }

    /// The values of each of [`MEASURES`].
    pub fn values(&self) -> [&[f64]; 4] {
        let Profile { train_loss, train_error, test_loss, test_error, .. } = &self.profile;
        [train_loss, train_error, test_loss, test_error]
    }

    /// As a record.
    pub fn numbers(&self) -> Vec<f64> {
        [&[self.distance][..], &self.values().concat()].concat()
    }

    /// From a record.
    pub fn read(numbers: &[f64]) -> Self {
        let (distance, rest) = numbers.split_first().map_or((f64::NAN, &[][..]), |(d, rest)| (*d, rest));
        let points = rest.len() / MEASURES.len();
        let of = |i: usize| rest[i * points..(i + 1) * points].to_vec();
        let profile = Profile {
            t: evenly(points),
            train_loss: of(0),
            train_error: of(1),
            test_loss: of(2),
            test_error: of(3),
        };
        Self { distance, profile }
    }

    /// The barrier of each of [`MEASURES`]; exactly 0 on a line of no length, whatever rounding does.
    pub fn barriers(&self) -> [f64; 4] {
        let of = |values: &[f64]| match values.iter().all(|v| *v == values[0]) {
            true if !values.is_empty() => 0.0,
            _ => barrier(&self.profile.t, values),
        };
        self.values().map(of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back_and_constants_have_no_barrier() {
        let all = |x: f64| vec![x, 3.0 * x, x];
        let profile = Profile {
            t: evenly(3),
            train_loss: all(0.1),
            train_error: vec![0.3; 3],
            test_loss: all(0.5),
            test_error: vec![f64::NAN; 3],
        };
        let pair = Pair { distance: 2.0, profile };
        let numbers = pair.numbers();
        assert_eq!(
            (numbers.len(), Pair::read(&numbers).numbers()[..10].to_vec()),
            (Pair::width(3), numbers[..10].to_vec())
        );
        let barriers = pair.barriers();
        assert!((barriers[0] - 0.2).abs() < 1e-15 && barriers[1] == 0.0 && (barriers[2] - 1.0).abs() < 1e-15);
        assert!(barriers[3].is_nan() && Pair::missing(3).barriers().iter().all(|b| b.is_nan()));
    }
}
