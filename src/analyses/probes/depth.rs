//! Probes beyond the Hessian's spectrum.
//!
//! - `critical-sharpness`: 2 / eta_c along the gradient, and along the update that the optimizer would make of this gradient, of the
//!   loss that is probed ([`critical_sharpness`](crate::landscape::sharpness::critical_sharpness)). Along the update eta_c is a learning
//!   rate, above which the next step would not lower that loss: the step in use is such a one where 2 / eta_c is above 2 / rate. Of
//!   clipped or sharpness-aware steps it is the update without that.
//! - `learning-coefficient`: by four chains from where training is ([`learning_coefficient`](crate::landscape::learning_coefficient)).
//!   Where training has not come to a minimum, chains find lower losses, and it may be negative.

use super::figure::conditions;
use super::result::Row;
use super::{Prober, Probes};
use crate::analyses::training::unit;
use crate::base::registry::Registry;
use crate::base::{Result, Streams, interrupt};
use crate::figure::{Axis, Figure, Panel, Scale, Series, Style};
use crate::landscape::Sampler;
use crate::landscape::geometry::dot;
use crate::landscape::learning_coefficient::Posterior;
use crate::landscape::sharpness::Quantity;
use crate::landscape::sharpness::critical_sharpness::{CriticalSharpness, critical, first_step};
use crate::nn::{At, Point};
use crate::train::gradient::squares;
use crate::train::{Event, Place, TrainSettings};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

const UNFINISHED: &str = "an unfinished one is not kept";

impl Prober {
    /// Critical sharpness at a point.
    pub(super) fn updates(&self, place: &Place, point: &Point, mut row: Row) -> Result<Row> {
        let at = point.at();
        let (_, gradient) = self.objective.gradient(at);
        interrupt::check("probe", UNFINISHED)?;
        row.gradient_norm = squares(&gradient).sqrt();
        let start = row.train_loss;
        let settings = CriticalSharpness::default();
        let along = |update: &[f64], first: Option<f64>| -> Result<Quantity> {
            let slope = dot(&gradient, update);
            let first = first.unwrap_or_else(|| first_step(start, slope, at.theta, update));
            let facts = (start, slope, self.objective.precision().epsilon());
            critical(facts, first, (settings.losses, settings.tolerance), |step| {
                let theta: Vec<f64> = at.theta.iter().zip(update).map(|(t, u)| t - step * u).collect();
                let loss = self.objective.evaluate(At { theta: &theta, ..at }).loss;
                interrupt::check("probe", UNFINISHED)?;
                // Overflow is a loss without bound.
                Ok(if loss.is_finite() { loss } else { f64::INFINITY })
            })
        };
        let told = |found: Quantity| {
            let of = |name: &str| found.details.get(name).copied().flatten().unwrap_or(f64::NAN);
            [found.value, of("low"), of("high"), of("losses")]
        };
        [
            row.critical_sharpness,
            row.critical_sharpness_low,
            row.critical_sharpness_high,
            row.critical_losses,
        ] = told(along(&gradient, None)?);
        if let Some(optimizer) = place.optimizer {
            // Where the rate is zero, or not known, that of the optimizer tells the same update.
            let known = Some(place.rate).filter(|rate| *rate > 0.0 && rate.is_finite());
            let rate = known.unwrap_or_else(|| self.settings.optimizer.rate());
            let update = optimizer.update(rate, at.theta, &gradient);
            [row.update_sharpness, row.update_sharpness_low, row.update_sharpness_high, row.update_losses] =
                told(along(&update, Some(rate))?);
        }
        Ok(row)
    }

    /// The learning coefficient at a point.
    pub(super) fn coefficient(
        &self,
        place: &Place,
        point: &Point,
        mut row: Row,
        observe: &mut (dyn FnMut(Event) + Send),
    ) -> Result<Row> {
        let at = point.at();
        let loss = |u: &[f64]| {
            let theta: Vec<f64> = at.theta.iter().zip(u).map(|(t, u)| t + u).collect();
            let (evaluation, gradient) = self.objective.gradient(At { theta: &theta, ..at });
            interrupt::check("probe", UNFINISHED)?;
            Ok((evaluation.loss, gradient))
        };
        let (center, gradient) = loss(&vec![0.0; at.theta.len()])?;
        row.gradient_norm = squares(&gradient).sqrt();
        let posterior = Posterior { loss: &loss, dimension: at.theta.len(), center, n: self.facts.samples };
        let sampler = Sampler::default();
        let streams = Streams::new(self.settings.seed).derived("probe/learning-coefficient", place.step);
        let (observe, steps) = (Mutex::new(observe), AtomicU64::new(0));
        let done = || {
            let made = steps.fetch_add(1, Ordering::Relaxed) + 1;
            let mut observe = observe.lock().unwrap_or_else(|e| e.into_inner());
            observe(Event::Probing(place.step, made));
        };
        let (found, _) = sampler.estimate(&posterior, &streams, &done)?;
        row.learning_coefficient = if found.converged { found.value } else { f64::NAN };
        row.learning_coefficient_estimate = found.value;
        row.learning_coefficient_stderr = found.standard_error;
        [row.learning_coefficient_low, row.learning_coefficient_high] = found.interval;
        row.learning_coefficient_rhat = found.rhat;
        row.learning_coefficient_ess = found.ess;
        row.learning_coefficient_acceptance = found.acceptance;
        Ok(row)
    }
}

/// Probes up to which each is a dot on its curve.
const FEW: usize = 40;

/// Curves over the steps that were probed.
struct Curves {
    steps: Vec<f64>,
}

impl Curves {
    fn of(probes: &Probes) -> Self {
        Self { steps: probes.of("step") }
    }

    fn curve(&self, label: &str, y: Vec<f64>) -> Series {
        let style = if self.steps.len() <= FEW { Style::Marked } else { Style::Line };
        Series { label: label.to_owned(), x: self.steps.clone(), y, band: None, style }
    }

    fn panel(&self, title: String, label: &str, scale: Scale, series: Vec<Series>) -> Panel {
        Panel {
            title,
            x: Axis { label: "step".to_owned(), scale: Scale::Linear, range: None },
            y: Axis { label: label.to_owned(), scale, range: None },
            series,
            ..Panel::default()
        }
    }

    fn loss(&self, settings: &TrainSettings, probes: &Probes) -> Panel {
        let loss = self.curve("", probes.of("train_loss"));
        self.panel(String::new(), &format!("training loss: {}", unit(settings)), Scale::Auto, vec![loss])
    }

    fn banded(&self, probes: &Probes, label: &str, value: &str, name: &str) -> Series {
        let ends = ["low", "high"].map(|end| probes.of(&format!("{name}_{end}")));
        let [low, high] = ends;
        Series { band: Some((low, high)), ..self.curve(label, probes.of(value)) }
    }
}

/// Loss and critical sharpness by step, beside 2 / rate.
pub(super) fn updates(network: &str, settings: &TrainSettings, probes: &Probes) -> Figure {
    let curves = Curves::of(probes);
    let optimizer = settings.optimizer.name();
    let edge: Vec<f64> = probes.of("lr").iter().map(|rate| 2.0 / rate).collect();
    let beyond = probes.of("update_sharpness").iter().zip(&edge).filter(|(s, e)| *s > *e).count();
    let gradient = curves.banded(probes, "along the gradient", "critical_sharpness", "critical_sharpness");
    let label = format!("along the update of {optimizer}");
    let update = curves.banded(probes, &label, "update_sharpness", "update_sharpness");
    let edge = Series { style: Style::Dashed, ..curves.curve("2 / rate", edge) };
    let title = format!("{beyond} of {} next steps do not lower the loss", curves.steps.len());
    let mut panels = vec![
        curves.loss(settings, probes),
        curves.panel(String::new(), "critical sharpness 2/\u{3b7}c", Scale::Auto, vec![gradient]),
        curves.panel(title, "critical sharpness 2/\u{3b7}c", Scale::Auto, vec![update, edge]),
        curves.panel(
            String::new(),
            "norm of the gradient",
            Scale::Auto,
            vec![curves.curve("", probes.of("gradient_norm"))],
        ),
    ];
    panels.retain(Panel::has_curves);
    Figure {
        name: "critical-sharpness".to_owned(),
        chart: "lines".to_owned(),
        title: format!("Critical sharpness along training: {network}"),
        subtitle: conditions(settings, probes),
        panels,
    }
}

/// Loss and learning coefficient by step, and how its chains went.
pub(super) fn coefficients(network: &str, settings: &TrainSettings, probes: &Probes) -> Figure {
    let curves = Curves::of(probes);
    let found = curves.banded(probes, "", "learning_coefficient_estimate", "learning_coefficient");
    let converged = probes.of("learning_coefficient");
    let estimates = probes.of("learning_coefficient_estimate");
    let failed: Vec<usize> =
        (0..converged.len()).filter(|i| converged[*i].is_nan() && estimates[*i].is_finite()).collect();
    let mut all = vec![found];
    if !failed.is_empty() {
        all.push(Series {
            label: "not converged".to_owned(),
            x: failed.iter().map(|i| curves.steps[*i]).collect(),
            y: failed.iter().map(|i| estimates[*i]).collect(),
            band: None,
            style: Style::Dots,
        });
    }
    let title = "95 % intervals of the chains".to_owned();
    let rhat = curves.curve("", probes.of("learning_coefficient_rhat"));
    let mut panels = vec![
        curves.loss(settings, probes),
        curves.panel(title, "local learning coefficient \u{3bb}", Scale::Linear, all),
        curves.panel(String::new(), "R-hat", Scale::Auto, vec![rhat]),
    ];
    panels.retain(Panel::has_curves);
    Figure {
        name: "learning-coefficient".to_owned(),
        chart: "lines".to_owned(),
        title: format!("Local learning coefficient along training: {network}"),
        subtitle: conditions(settings, probes),
        panels,
    }
}
