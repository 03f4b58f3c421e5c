//! How far a map may be from the loss that it stands for, at all points at once.
//!
//! Of losses over a part of the samples there is a standard error s_i at each of N points. With probability 1 - a none of the N
//! is off by more than
//!
//! ```text
//! c = z(1 - a / 2N) max s_i,
//! ```
//!
//! z the quantile of the normal distribution (Bonferroni 1936: however the errors depend on each other, and those of the same samples
//! do). Of a loss over all samples rounding is left, which is also the least that any band is: 16 units of it, as for the curvature of a
//! slice, of the highest end of a bar, since what is higher has no say in any bar. Where points are interpolated, the largest error that
//! is expected of them comes on top.

use crate::analyses::slice::View;
use crate::base::statistics::normal_quantile;

/// A band around a map, which holds at all points at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// How far the map may be off; none where nothing is known of it.
    pub width: Option<f64>,
    /// What that comes from, in words.
    pub status: String,
}

impl Band {
    /// Whether a bar of this length cannot be an error of the map.
    pub fn certifies(&self, length: f64) -> bool {
        length == f64::INFINITY || self.width.is_some_and(|c| length > 2.0 * c)
    }

    /// That of a view's map, whose bars have no end above `highest`; `interpolated` is the error that is expected of points that were
    /// not computed, relative to the range of the map.
    pub fn of(view: &View, map: &str, confidence: f64, highest: f64, interpolated: Option<f64>) -> Self {
        let none = |status: String| Self { width: None, status };
        let (part, k) = match map {
            "train_loss" => ("training", 0),
            "test_loss" => ("test", 1),
            other => {
                return none(format!("nothing is known of the errors of {other}: only losses have a band"));
            }
        };
        let facts = &view.facts;
        let (samples, all) = match k {
            0 => (facts.samples.train, facts.population.train),
            _ => (facts.samples.test, facts.population.test),
        };
        let values = view.map(map);
        let rounding = 16.0 * facts.precision.epsilon() * highest.abs().max(1.0);
        let (mut width, mut status) = if facts.sampled()[k] {
            let errors = view.map(&format!("{map}_stderr"));
            let at_numbers: Vec<f64> =
                errors.iter().zip(&values).filter(|(_, v)| v.is_finite()).map(|(e, _)| *e).collect();
            let largest = at_numbers.iter().copied().fold(f64::NAN, f64::max);
            let what = format!("{samples} of {all} {part} samples");
            if at_numbers.is_empty() || at_numbers.iter().any(|e| !e.is_finite()) {
                let why = if errors.is_empty() { ", whose errors depend on each other" } else { "" };
                return none(format!("{what}{why}: there are no standard errors"));
            }
            let n = at_numbers.len();
            let z = normal_quantile((1.0 - confidence) / (2.0 * n as f64));
            let status = format!(
                "{what}: {z:.2} times the largest standard error, which holds at all {n} points at once with probability {confidence}"
            );
            (z * largest, status)
        } else {
            (0.0, format!("all {all} {part} samples: rounding of {}", facts.precision))
        };
        if width < rounding {
            width = rounding;
            if facts.sampled()[k] {
                status += &format!(", and no less than the rounding of {}", facts.precision);
            }
        }
        if let Some(share) = interpolated {
            let finite = || values.iter().copied().filter(|v| v.is_finite());
            let range = finite().fold(f64::NEG_INFINITY, f64::max) - finite().fold(f64::INFINITY, f64::min);
            width += share * range;
            status += "; and the largest error that is expected of interpolated points";
        }
        Self { width: Some(width).filter(|c| c.is_finite()), status }
    }
}
