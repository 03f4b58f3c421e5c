//! The picture of a run at the edge of stability: loss, sharpness against the threshold, trace and noise by step.

use super::Probes;
use crate::analyses::training::{batches, extras, unit};
use crate::figure::{Axis, Figure, Mark, Panel, Scale, Series, Style};
use crate::train::{Epoch, TrainSettings};

/// Probes up to which each is a dot on its curve.
const FEW: usize = 40;
/// Largest multiple of what there is to see that a threshold may be off and still be on the picture.
const FAR: f64 = 10.0;

/// The figure of a run's probes; `network` names it with its data.
pub fn figure(network: &str, settings: &TrainSettings, epochs: &[Epoch], probes: &Probes) -> Figure {
    let steps = probes.of("step");
    let style = if steps.len() <= FEW { Style::Marked } else { Style::Line };
    let curve =
        |label: &str, y: Vec<f64>| Series { label: label.to_owned(), x: steps.clone(), y, band: None, style };
    let panel = |label: &str, scale: Scale, series: Vec<Series>| Panel {
        x: Axis { label: "step".to_owned(), scale: Scale::Linear, range: None },
        y: Axis { label: label.to_owned(), scale, range: None },
        series,
        ..Panel::default()
    };
    let band = |name: &str| {
        let (value, error) = (probes.of(name), probes.of(&format!("{name}_stderr")));
        let edge = |sign: f64| value.iter().zip(&error).map(|(v, e)| v + sign * e).collect::<Vec<f64>>();
        Series { band: Some((edge(-1.0), edge(1.0))), ..curve("", value.clone()) }
    };
    // The epochs' losses are of the same function where no statistics are shared and all samples are probed; where each
    // is a step, nothing between two probes is missed.
    let whole = !probes.facts.coupled && settings.probe_samples.is_none() && epochs.len() > steps.len();
    let loss = if whole {
        Series {
            x: epochs.iter().map(|e| e.step as f64).collect(),
            y: epochs.iter().map(|e| e.train_loss).collect(),
            ..Series::default()
        }
    } else {
        curve("", probes.of("train_loss"))
    };
    // Near a minimum the gradient is lost in its noise, and the scale with it: then the noise itself is shown.
    let scales = probes.of("noise_scale").iter().filter(|x| x.is_finite()).count();
    let noise = if 2 * scales >= steps.len() {
        let mut scale = band("noise_scale");
        // A band that reaches zero would take the axis for itself, where all that is said is that nothing is known.
        if let Some((low, high)) = &mut scale.band {
            for (low, high) in low.iter_mut().zip(high).filter(|(low, _)| **low <= 0.0) {
                (*low, *high) = (f64::NAN, f64::NAN);
            }
        }
        panel("gradient noise scale (samples)", Scale::Auto, vec![scale])
    } else {
        panel("gradient noise tr Σ", Scale::Auto, vec![band("noise_trace")])
    };
    let mut panels = vec![
        panel(&format!("training loss: {}", unit(settings)), Scale::Auto, vec![loss]),
        sharpness(settings, probes, &curve, &panel),
        panel("trace of the Hessian", Scale::Linear, vec![band("trace")]),
        noise,
    ];
    panels.retain(Panel::has_curves);
    Figure {
        name: "edge-of-stability".to_owned(),
        chart: "lines".to_owned(),
        title: format!("Sharpness along training: {network}"),
        subtitle: conditions(settings, probes),
        panels,
    }
}

/// How training went, and what was probed.
pub(super) fn conditions(settings: &TrainSettings, probes: &Probes) -> String {
    let what = if probes.facts.coupled {
        format!(", statistics {}", probes.facts.statistics)
    } else {
        String::new()
    };
    format!(
        "{}, {} rate {}, {}, {} samples{what}, seed {}{}",
        settings.optimizer,
        settings.schedule,
        settings.rate(),
        batches(settings),
        probes.facts.samples,
        settings.seed,
        extras(settings)
    )
}

/// lambda_max and the threshold.
fn sharpness(
    settings: &TrainSettings,
    probes: &Probes,
    curve: &dyn Fn(&str, Vec<f64>) -> Series,
    panel: &dyn Fn(&str, Scale, Vec<Series>) -> Panel,
) -> Panel {
    let (steps, lambda, threshold) = (probes.of("step"), probes.of("lambda_max"), probes.of("threshold"));
    let certified = probes.of("lambda_max_certified");
    let finite = |v: &[f64]| v.iter().copied().filter(|x| x.is_finite()).collect::<Vec<f64>>();
    let highest = finite(&lambda).into_iter().fold(f64::NAN, f64::max);
    let lowest = finite(&threshold).into_iter().fold(f64::NAN, f64::min);
    // A threshold far above all there is, as at the small rates of a warmup, would leave the rest no room.
    let far = FAR * highest.max(lowest);
    let seen: Vec<f64> = threshold.iter().map(|t| if *t <= far { *t } else { f64::NAN }).collect();
    let mut series = vec![curve("largest eigenvalue λmax", lambda.clone())];
    if !finite(&seen).is_empty() {
        let label = format!("stability threshold{}", formula(settings));
        series.push(Series { style: Style::Dashed, ..curve(&label, seen) });
    }
    let uncertified: Vec<usize> =
        (0..lambda.len()).filter(|i| lambda[*i].is_finite() && certified[*i] != 1.0).collect();
    if !uncertified.is_empty() {
        series.push(Series {
            label: "converged, not certified".to_owned(),
            x: uncertified.iter().map(|i| steps[*i]).collect(),
            y: uncertified.iter().map(|i| lambda[*i]).collect(),
            band: None,
            style: Style::Dots,
        });
    }
    let mut panel = panel("λmax of the Hessian", Scale::Auto, series);
    let (ratio, _) = probes.edge();
    panel.title = match settings.stability(settings.rate()) {
        Err(why) => format!("no threshold: {why}"),
        Ok(_) if ratio.is_finite() => format!("{ratio:.3} of the threshold (median, last quarter)"),
        Ok(_) => String::new(),
    };
    // Where nothing spans decades, zero is on the axis: how far from the edge is then seen.
    let top =
        highest.max(finite(&threshold).into_iter().fold(f64::NAN, f64::max)).min(1.5 * highest.max(lowest));
    if top > 0.0
        && finite(&lambda).into_iter().all(|l| l >= 0.0)
        && highest.max(lowest) < FAR * highest.min(lowest)
    {
        panel.y.scale = Scale::Linear;
        panel.y.range = Some((0.0, 1.08 * top));
    }
    let estimate = probes.of("lambda_max_estimate");
    for i in (0..lambda.len()).filter(|i| !lambda[*i].is_finite() && estimate[*i].is_finite()) {
        panel.marks.push(Mark { x: steps[i], y: estimate[i], label: "not converged".to_owned() });
    }
    panel
}

/// " 2/η", where the threshold is a multiple of 1/η alone; η is the rate.
fn formula(settings: &TrainSettings) -> String {
    let times = |rate: f64| settings.stability(rate).map_or(f64::NAN, |t| t * rate);
    let (a, b) = (times(1.0), times(0.125));
    // Full batches are what it holds for.
    let batches = if settings.resolved().batch_size.is_some() { " of full batches" } else { "" };
    if (a - b).abs() <= 1e-12 * a.abs() {
        format!(" {}/η{batches}", (a * 1e4).round() / 1e4)
    } else {
        batches.to_owned()
    }
}
