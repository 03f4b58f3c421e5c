//! Whether sparse networks keep up with the dense ones they come from, by test accuracy over seeds.
//!
//! A level *matches* the dense network if its median is at most one test sample below the dense median, or not below the
//! dense lower quartile. It *beats* it if, seed by seed, the lower quartile of the differences is at least one test sample.
//! Several levels are looked at, so the best of them is above by chance more often than one would be: how many there were is
//! said beside it.

use crate::analyses::over_seeds::{ascending, summed};
use crate::base::statistics::quantile;
use serde_json::{Value, json};

/// A level against the dense network.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    /// Median accuracy.
    pub median: f64,
    /// Accuracy less the dense one, seed by seed.
    pub differences: Vec<f64>,
    /// Whether it matches; none if a seed has no number.
    pub matches: Option<bool>,
    /// Whether it beats it; none if a seed has no number.
    pub beats: Option<bool>,
}

/// What rounding may take from a difference of two shares.
const ROUNDING: f64 = 1e-9;

impl Verdict {
    /// Judges accuracies over seeds on `samples` test samples.
    pub fn new(dense: &[f64], sparse: &[f64], samples: usize) -> Self {
        let one = 1.0 / samples as f64;
        let [before, after] = [ascending(dense), ascending(sparse)];
        let differences: Vec<f64> = sparse.iter().zip(dense).map(|(s, d)| s - d).collect();
        let known = before.len() == dense.len() && after.len() == dense.len();
        let median = quantile(&after, 0.5);
        let least = (quantile(&before, 0.5) - one).min(quantile(&before, 0.25));
        let matches = median >= least - ROUNDING;
        let beats = quantile(&ascending(&differences), 0.25) >= one - ROUNDING;
        Self { median, differences, matches: known.then_some(matches), beats: known.then_some(beats) }
    }

    /// The median of the differences.
    pub fn difference(&self) -> f64 {
        quantile(&ascending(&self.differences), 0.5)
    }

    /// In how many seeds it is above the dense network.
    pub fn higher(&self) -> usize {
        self.differences.iter().filter(|d| **d > ROUNDING).count()
    }

    /// As members of a result.
    pub fn members(&self) -> [(&'static str, Value); 5] {
        let lower = self.differences.iter().filter(|d| **d < -ROUNDING).count();
        [
            ("difference", summed(&self.differences)),
            ("higher", json!(self.higher())),
            ("lower", json!(lower)),
            ("matches", json!(self.matches)),
            ("beats", json!(self.beats)),
        ]
    }
}

/// The sparsest level that matches; level 0 is the dense network.
pub(super) fn sparsest(levels: &[Verdict]) -> Option<usize> {
    levels.iter().rposition(|v| v.matches == Some(true)).filter(|level| *level > 0)
}

/// The level that is furthest above the dense network in the median; the sparser of two.
pub(super) fn best(levels: &[Verdict]) -> Option<usize> {
    let known = levels.iter().enumerate().skip(1).filter(|(_, v)| v.difference().is_finite());
    known.max_by(|a, b| a.1.difference().total_cmp(&b.1.difference())).map(|(level, _)| level)
}

/// "24 %", "4.8 %", "0.31 %".
pub(super) fn share(x: f64) -> String {
    let percent = 100.0 * x;
    let digits = if percent >= 10.0 {
        0
    } else if percent >= 1.0 {
        1
    } else {
        2
    };
    format!("{percent:.digits$} %")
}

/// What came of it, in sentences; `left` has the share of weights at each level, `others` the controls by their names.
pub(super) fn statement(left: &[f64], tickets: &[Verdict], others: &[(&str, Vec<Verdict>)]) -> String {
    let Some(dense) = tickets.first() else { return String::new() };
    if !dense.median.is_finite() {
        return "The dense network diverged.".to_owned();
    }
    let accuracy = |x: f64| format!("{:.1} %", 100.0 * x);
    let mut text = match sparsest(tickets) {
        Some(level) => format!(
            "Tickets match the dense network ({} of test samples) down to {} of its weights ({})",
            accuracy(dense.median),
            share(left[level]),
            accuracy(tickets[level].median)
        ),
        None => format!("No ticket matches the dense network ({} of test samples)", accuracy(dense.median)),
    };
    for (name, levels) in others {
        text += &match sparsest(levels) {
            Some(level) => format!("; {name} down to {}", share(left[level])),
            None => format!("; {name} never"),
        };
    }
    text += ".";
    let levels = tickets.len() - 1;
    let beating: Vec<usize> = (1..tickets.len()).filter(|l| tickets[*l].beats == Some(true)).collect();
    if let Some(level) = best(tickets) {
        let v = &tickets[level];
        text += &match beating.len() {
            0 => " None of them beats it by a test sample in three of four seeds".to_owned(),
            1 => format!(" 1 of {levels} levels beats it by a test sample in three of four seeds"),
            n => format!(" {n} of {levels} levels beat it by a test sample in three of four seeds"),
        };
        text += &format!(
            "; the best is at {} of the weights, {:+.1} points in the median, above in {} of {} seeds.",
            share(left[level]),
            100.0 * v.difference(),
            v.higher(),
            v.differences.len()
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(sparse: &[f64]) -> Verdict {
        Verdict::new(&[0.97, 0.98, 0.99], sparse, 100)
    }

    #[test]
    fn one_sample_or_the_quartile_is_the_border() {
        // The median is 0.98: one sample below it is 0.97; the lower quartile is 0.975.
        assert_eq!(judged(&[0.97; 3]).matches, Some(true));
        assert_eq!(judged(&[0.969; 3]).matches, Some(false));
        // The lower quartile is 0.5 where seeds are far apart.
        let wide = Verdict::new(&[0.1, 0.9, 0.9], &[0.5; 3], 1000);
        assert_eq!((wide.matches, wide.beats), (Some(true), Some(false)));
        let unknown = judged(&[0.97, f64::NAN, 0.98]);
        assert_eq!((unknown.matches, unknown.beats), (None, None));
    }

    #[test]
    fn beating_needs_three_of_four_seeds() {
        assert_eq!(judged(&[0.98, 0.99, 1.0]).beats, Some(true));
        // Differences 0, 0.01, 0.01: their lower quartile is half a sample.
        let some = judged(&[0.97, 0.99, 1.0]);
        assert_eq!((some.beats, some.higher()), (Some(false), 2));
    }

    #[test]
    fn the_sparsest_and_the_best_are_told_of() {
        let dense = judged(&[0.97, 0.98, 0.99]);
        let levels = [dense, judged(&[0.98, 0.99, 1.0]), judged(&[0.97; 3]), judged(&[0.5; 3])];
        assert_eq!((sparsest(&levels), best(&levels)), (Some(2), Some(1)));
        let text = statement(&[1.0, 0.8, 0.096, 0.05], &levels, &[("random masks", vec![levels[0].clone()])]);
        assert_eq!(
            text,
            "Tickets match the dense network (98.0 % of test samples) down to 9.6 % of its weights (97.0 %); random \
             masks never. 1 of 3 levels beats it by a test sample in three of four seeds; the best is at 80 % of the \
             weights, +1.0 points in the median, above in 3 of 3 seeds."
        );
    }
}
