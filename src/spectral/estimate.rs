//! A number known from random probes: their mean, its standard error, and an interval by Student's t, which for few probes is
//! much wider than two standard errors: 3.2 of them on each side for four probes.

use crate::base::files::null_is_nan;
use crate::base::statistics;
use serde::{Deserialize, Serialize};

/// How often the interval holds the true value.
const CONFIDENCE: f64 = 0.95;

/// A mean over random probes. What is not finite is null in JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean.
    #[serde(deserialize_with = "null_is_nan")]
    pub value: f64,
    /// Its standard error: NaN of one probe, exactly 0 where all agree.
    #[serde(deserialize_with = "null_is_nan")]
    pub standard_error: f64,
    /// Where the true value lies with a probability of 95 % (Student's t), as far as the mean over probes is normal; none of a
    /// single probe.
    pub interval: Option<[f64; 2]>,
    /// How many probes the standard error rests on; 0 of a value that is exact but for rounding.
    pub probes: usize,
    /// Products with single vectors that it took.
    pub products: usize,
}

impl Estimate {
    /// The mean of one number a probe.
    pub fn of(sample: &[f64], products: usize) -> Self {
        let (value, standard_error) = statistics::mean(sample);
        let half = statistics::student_t(CONFIDENCE, sample.len().saturating_sub(1)) * standard_error;
        let interval = half.is_finite().then_some([value - half, value + half]);
        Self { value, standard_error, interval, probes: sample.len(), products }
    }

    /// Whether nothing was sampled.
    pub fn is_exact(&self) -> bool {
        self.probes == 0 && self.value.is_finite()
    }

    /// A value without any chance in it.
    pub fn exact(value: f64, products: usize) -> Self {
        let interval = value.is_finite().then_some([value; 2]);
        let standard_error = if value.is_finite() { 0.0 } else { f64::NAN };
        Self { value, standard_error, interval, probes: 0, products }
    }

    /// The same with `by` added to the value.
    pub(super) fn plus(self, by: f64) -> Self {
        let interval = self.interval.map(|i| i.map(|x| x + by)).filter(|i| i.iter().all(|x| x.is_finite()));
        Self { value: self.value + by, interval, ..self }
    }

    /// Of a positive quantity, its square root: the error by the delta method, d sqrt(x) = dx / (2 sqrt(x)), and the
    /// interval's ends by the root of each.
    pub(super) fn sqrt(self) -> Self {
        // Not `max`, which would make a zero of NaN.
        let root = |x: f64| if x < 0.0 { 0.0 } else { x.sqrt() };
        let value = root(self.value);
        let standard_error = match self.standard_error {
            0.0 => 0.0,
            error => error / (2.0 * value),
        };
        let interval = self.interval.map(|i| i.map(root));
        Self { value, standard_error, interval, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_null() {
        let few = Estimate::of(&[2.0], 1);
        let text = serde_json::to_string(&few).unwrap();
        assert_eq!(text, r#"{"value":2.0,"standard_error":null,"interval":null,"probes":1,"products":1}"#);
        let back: Estimate = serde_json::from_str(&text).unwrap();
        assert!(back.value == 2.0 && back.standard_error.is_nan() && back.interval.is_none());
        let lost = Estimate::of(&[f64::NAN; 40], 40);
        assert!(lost.value.is_nan() && lost.interval.is_none());
    }

    #[test]
    fn intervals_are_students() {
        let sample: Vec<f64> = (0..30).map(|i| if i % 2 == 0 { 1.0 } else { 3.0 }).collect();
        // Of one probe nothing is known; of four, t with 3 degrees is 3.182446, and the standard error 1 / sqrt(3).
        assert_eq!(Estimate::of(&sample[..1], 1).interval, None);
        let [low, high] = Estimate::of(&sample[..4], 4).interval.unwrap();
        assert!((high - low - 2.0 * 3.182_446 / 3f64.sqrt()).abs() < 1e-6, "{low} {high}");
        let found = Estimate::of(&sample, 30);
        // A standard deviation of sqrt(30 / 29), over sqrt(30); t of 29 degrees.
        let error = 1.0 / 29f64.sqrt();
        assert!((found.value - 2.0).abs() < 1e-15 && (found.standard_error - error).abs() < 1e-15);
        let [low, high] = found.interval.unwrap();
        assert!((high - 2.0 - 2.045_230 * error).abs() < 1e-6 && (high + low - 4.0).abs() < 1e-14);
        let root = found.sqrt();
        assert_eq!(root.value, 2f64.sqrt());
        assert!((root.standard_error - error / (2.0 * 2f64.sqrt())).abs() < 1e-15);
        assert!(Estimate::of(&[f64::NAN; 40], 40).sqrt().value.is_nan());
    }
}
