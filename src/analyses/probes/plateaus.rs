//! Plateaus and saddles along training: where steps are short because there is little slope, and not because training is over.
//!
//! ```text
//! flat      |g| <= 1/10 of the largest along the way, and so |lambda|, the larger of lambda_max and -lambda_min
//! plateau   a run of flat probes that ends before training does, from which the loss then falls by a tenth or more
//! saddle    |g| as small, lambda_min <= -1/10 |lambda|, and from there the loss falls by a tenth or more
//! ```
//!
//! A minimum is none of them, however flat: from there the loss falls no further, nor does the slope come back. Saddles lie on
//! plateaus and elsewhere (Dauphin et al. 2014, arXiv 1406.2572; plateaus of deep linear networks: Saxe et al. 2013, arXiv
//! 1312.6120). A probe stands for the steps up to the next one.

use super::Probes;
use super::figure::conditions;
use crate::analyses::training::unit;
use crate::figure::{Axis, Figure, Panel, Scale, Series, Style};
use crate::train::TrainSettings;

/// What counts as small beside the largest of its kind, and as a fall of the loss.
const SMALL: f64 = 0.1;

/// What training went over, a probe each.
#[derive(Clone, Debug, PartialEq)]
pub struct Terrain {
    /// Whether it was on a plateau.
    pub plateau: Vec<bool>,
    /// Whether it was near a saddle.
    pub saddle: Vec<bool>,
}

/// A run of probes, and the first one after it.
pub struct Part {
    /// The first of the run.
    pub start: usize,
    /// The one after the last.
    pub end: usize,
}

/// Runs of true.
fn runs(flags: &[bool]) -> Vec<Part> {
    let mut all: Vec<Part> = Vec::new();
    for i in (0..flags.len()).filter(|i| flags[*i]) {
        match all.last_mut() {
            Some(part) if part.end == i => part.end = i + 1,
            _ => all.push(Part { start: i, end: i + 1 }),
        }
    }
    all
}

/// The share of all steps at which a flag is set.
pub fn share(steps: &[f64], flags: &[bool]) -> f64 {
    let all = steps.last().zip(steps.first()).map_or(0.0, |(last, first)| last - first);
    let set = steps.windows(2).zip(flags).filter(|(_, flag)| **flag).map(|(s, _)| s[1] - s[0]);
    // Not `sum`, whose sum of nothing is -0.
    set.fold(0.0, |a, b| a + b) / all
}

impl Terrain {
    /// What probes show.
    pub fn of(probes: &Probes) -> Self {
        let of = |name: &str| probes.of(name);
        Self::from(&of("train_loss"), &of("gradient_norm"), &of("lambda_max"), &of("lambda_min"))
    }

    fn from(loss: &[f64], gradient: &[f64], highest: &[f64], lowest: &[f64]) -> Self {
        let n = loss.len();
        let extent: Vec<f64> = highest.iter().zip(lowest).map(|(a, b)| a.max(-b)).collect();
        let largest = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
        let (steepest, most) = (largest(gradient), largest(&extent));
        // The lowest loss of all that comes after each probe.
        let mut lower = vec![f64::INFINITY; n];
        for i in (1..n).rev() {
            lower[i - 1] = lower[i].min(loss[i]);
        }
        let still = |i: usize| gradient[i] <= SMALL * steepest;
        let falls = |i: usize| lower[i] <= (1.0 - SMALL) * loss[i];
        let flat: Vec<bool> = (0..n).map(|i| still(i) && extent[i] <= SMALL * most).collect();
        let mut plateau = vec![false; n];
        for part in runs(&flat).into_iter().filter(|part| part.end < n && falls(part.end - 1)) {
            plateau[part.start..part.end].fill(true);
        }
        let saddle = (0..n).map(|i| still(i) && falls(i) && lowest[i] <= -SMALL * extent[i]).collect();
        Self { plateau, saddle }
    }

    /// The plateaus.
    pub fn plateaus(&self) -> Vec<Part> {
        runs(&self.plateau)
    }
}

/// The figure of plateaus and saddles; `network` names it with its data.
pub fn figure(network: &str, settings: &TrainSettings, probes: &Probes) -> Figure {
    let (steps, terrain) = (probes.of("step"), Terrain::of(probes));
    let curve = |label: &str, y: Vec<f64>, style: Style| Series {
        label: label.to_owned(),
        x: steps.clone(),
        y,
        band: None,
        style,
    };
    let at = |flags: &[bool], y: &[f64]| -> Vec<f64> {
        flags.iter().zip(y).map(|(flag, y)| if *flag { *y } else { f64::NAN }).collect()
    };
    let panel = |label: &str, scale: Scale, series: Vec<Series>| Panel {
        x: Axis { label: "step".to_owned(), scale: Scale::Linear, range: None },
        y: Axis { label: label.to_owned(), scale, range: None },
        series,
        ..Panel::default()
    };
    let percent = |flags: &[bool]| format!("{:.0} %", 100.0 * share(&steps, flags));
    let marked = |y: &[f64]| {
        let mut all = vec![curve("", y.to_vec(), Style::Line)];
        if terrain.plateau.contains(&true) {
            all.push(curve("on a plateau", at(&terrain.plateau, y), Style::Dots));
        }
        all
    };
    let count = terrain.plateaus().len();
    let loss = Panel {
        title: format!(
            "{} of all steps on {count} plateau{}",
            percent(&terrain.plateau),
            if count == 1 { "" } else { "s" }
        ),
        ..panel(&format!("training loss: {}", unit(settings)), Scale::Auto, marked(&probes.of("train_loss")))
    };
    let slope = panel("norm of the gradient", Scale::Log, marked(&probes.of("gradient_norm")));
    let (highest, lowest) = (probes.of("lambda_max"), probes.of("lambda_min"));
    let mut ends = vec![
        curve("largest eigenvalue", highest, Style::Line),
        curve("smallest eigenvalue", lowest.clone(), Style::Line),
    ];
    if terrain.saddle.contains(&true) {
        ends.push(curve("near a saddle", at(&terrain.saddle, &lowest), Style::Dots));
    }
    let ends = Panel {
        title: format!("{} of all steps near saddles", percent(&terrain.saddle)),
        ..panel("eigenvalues of the Hessian", Scale::Linear, ends)
    };
    Figure {
        name: "plateaus".to_owned(),
        chart: "lines".to_owned(),
        title: format!("Plateaus and saddles along training: {network}"),
        subtitle: conditions(settings, probes),
        panels: vec![loss, slope, ends].into_iter().filter(Panel::has_curves).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plateau_ends_in_a_slope_and_a_minimum_does_not() {
        // Down from a saddle at the start, over a plateau with no curvature to speak of, and into a flat minimum.
        let loss = [2.0, 1.9, 1.0, 0.99, 0.98, 0.2, 0.01, 0.009];
        let gradient = [0.01, 1.0, 0.05, 0.01, 0.05, 1.0, 0.01, 0.01];
        let highest = [1.0, 5.0, 0.3, 0.1, 0.3, 10.0, 8.0, 0.5];
        let lowest = [-3.0, -1.0, -0.2, 0.0, -0.1, -1.0, -0.1, 0.0];
        let found = Terrain::from(&loss, &gradient, &highest, &lowest);
        let (yes, no) = (true, false);
        assert_eq!(found.plateau, [no, no, yes, yes, yes, no, no, no]);
        assert_eq!(found.saddle, [yes, no, yes, no, yes, no, no, no]);
        let parts: Vec<(usize, usize)> = found.plateaus().iter().map(|p| (p.start, p.end)).collect();
        assert_eq!(parts, [(2, 5)]);
        let steps = [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 80.0];
        assert_eq!(share(&steps, &found.plateau), 30.0 / 80.0);
        assert_eq!(share(&steps, &found.saddle), 30.0 / 80.0);
    }

    #[test]
    fn what_did_not_converge_is_no_plateau() {
        let nan = f64::NAN;
        let found = Terrain::from(&[2.0, 1.0, nan], &[0.0, 1.0, nan], &[0.0, 1.0, nan], &[nan, 0.0, nan]);
        assert_eq!(found.saddle, [false, false, false]);
        let all = Terrain::from(&[], &[], &[], &[]);
        assert!(all.plateau.is_empty() && share(&[], &[]).is_nan());
    }
}
