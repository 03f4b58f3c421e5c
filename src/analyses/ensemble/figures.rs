//! Pictures of ensembles along a cycle: the cycles, errors by number of members, the plane of the average.

use super::{Ensemble, EnsembleResult};
use crate::analyses::pair::Measures;
use crate::analyses::{plane, together};
use crate::figure::{Axis, Figure, Mark, Panel, Scale, Series, Style};

/// All figures that there are numbers for.
pub(super) fn figures(result: &EnsembleResult) -> Vec<Figure> {
    [Some(cycles(result)), Some(members(result)), map(result)].into_iter().flatten().collect()
}

fn axis(label: &str, scale: Scale) -> Axis {
    Axis { label: label.to_owned(), scale, range: None }
}

/// What the axis of a loss is called.
fn loss(result: &EnsembleResult, what: &str) -> String {
    result.numbers.subject.loss.axis(what)
}

/// What every picture says below its title.
fn subtitle(result: &EnsembleResult) -> String {
    let Ensemble { subject, settings, start, .. } = &result.numbers;
    format!(
        "{}; {} cycles of {} epochs after {} epochs of training",
        subject.title, settings.cycles, settings.cycle, start.epochs
    )
}

/// Rate and losses along the cycles, with the places where networks are collected.
fn cycles(result: &EnsembleResult) -> Figure {
    let (turn, lr) = (result.array("turn"), result.array("turn_lr"));
    let epoch = result.array("epoch");
    let settings = &result.numbers.settings;
    let ends: Vec<f64> = (1..=settings.cycles).map(|i| (i * settings.cycle) as f64).collect();
    // Where a curve is at the ends of the cycles.
    let at_ends = |x: &[f64], y: &[f64]| Series {
        label: "collected".to_owned(),
        x: ends.clone(),
        y: ends
            .iter()
            .map(|end| x.iter().position(|x| x == end).and_then(|i| y.get(i)).copied().unwrap_or(f64::NAN))
            .collect(),
        style: Style::Dots,
        ..Series::default()
    };
    let highest = lr.iter().copied().fold(0.0, f64::max);
    let mut rate = axis("learning rate", Scale::Linear);
    rate.range = (highest > 0.0).then_some((0.0, 1.08 * highest));
    // Each curve in a colour of its own, and the dots of all of them in one.
    let panel = |label: &str, x: &[f64], y: Vec<f64>, axis_of: Axis| {
        let dots = at_ends(x, &y);
        let line = Series { label: label.to_owned(), x: x.to_vec(), y, ..Series::default() };
        Panel {
            x: axis("epoch of the cycles", Scale::Linear),
            y: axis_of,
            series: vec![line, dots],
            ..Panel::default()
        }
    };
    let losses = |part: &str, words: &str| {
        let label = loss(result, &format!("{words} loss"));
        let y = result.array(&format!("epoch_{part}_loss"));
        panel(words, &epoch, y, axis(&label, Scale::Auto))
    };
    let panels =
        [panel("rate", &turn, lr.clone(), rate), losses("train", "training"), losses("test", "test")];
    Figure {
        name: "cycles".to_owned(),
        chart: "lines".to_owned(),
        title: format!("Networks collected along a cyclical rate: {} of them", settings.cycles),
        subtitle: subtitle(result),
        panels: Panel::shown(panels),
    }
}

/// Error and loss by number of members.
fn members(result: &EnsembleResult) -> Figure {
    let Ensemble { subject, swa, single, ensemble, independent, .. } = &result.numbers;
    let (part, words, train) = together::part(subject.samples);
    let [errors, losses] = [0, 1].map(|m| {
        let of = |measures: &Measures| measures.part(train)[m];
        [of(&swa.measures), of(&single.each(|s| s.median))]
    });
    let panel = |measure: &str, label: String, [swa, single]: [f64; 2]| {
        let of = |name: &str| result.array(&format!("{name}_{part}_{measure}"));
        let curves =
            [("fast geometric ensemble", of("ensemble")), ("independent networks", of("independent"))];
        let levels = [("average of the weights (SWA)", swa), ("one collected network, median", single)];
        together::panel(&label, &curves, &levels)
    };
    let panels = [
        panel("error", format!("{words} error"), errors),
        panel("loss", loss(result, &format!("{words} loss")), losses),
    ];
    Figure {
        name: "members".to_owned(),
        chart: "lines".to_owned(),
        title: "Ensembles along a cycle, and of networks trained apart".to_owned(),
        subtitle: format!(
            "{}; all members cost {} epochs along the cycles, {} apart",
            subtitle(result),
            ensemble.epochs,
            independent.joint.epochs
        ),
        panels: Panel::shown(panels),
    }
}

/// The loss over the plane through start, average and last network.
fn map(result: &EnsembleResult) -> Option<Figure> {
    let array = |part: &str| result.array(&format!("plane_{part}"));
    let (part, words, _) = together::part(result.numbers.subject.samples);
    let label = loss(result, &format!("{words} loss"));
    let axes = ["from the start (0) to the last network (1)", "across, same unit", &label];
    let panel = plane::panel(&array, &format!("{part}_loss"), axes, Scale::Auto)?;
    let (x, y, third) = (array("control_x"), array("control_y"), array("third"));
    let (first, swa) = ((*x.first()?, *y.first()?), (*third.first()?, *third.get(1)?));
    let way =
        Series { label: "collected, in order".to_owned(), x, y, style: Style::Marked, ..Series::default() };
    let mark = |(x, y): (f64, f64), label: &str| Mark { x, y, label: label.to_owned() };
    let off = result.numbers.plane.as_ref().map_or(0.0, |plane| plane.off);
    // Rounding of single precision is no distance.
    let projected = if off > 1e-4 { format!("; projected, at most {off:.2} off") } else { String::new() };
    Some(Figure {
        name: "plane".to_owned(),
        chart: "contour".to_owned(),
        title: format!("The {words} loss around the average of the weights"),
        subtitle: format!("{}{projected}", subtitle(result)),
        panels: vec![Panel {
            series: vec![way],
            marks: vec![mark(first, "start"), mark(swa, "average (SWA)")],
            ..panel
        }],
    })
}
