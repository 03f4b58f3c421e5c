//! The barrier between two branches against the step at which they parted: of the loss, and of the error.

use super::result::InstabilityResult;
use crate::analyses::over_seeds::median;
use crate::figure::{Axis, Figure, Panel, Scale, Series, Style};

pub(super) fn figures(result: &InstabilityResult) -> Vec<Figure> {
    let steps = result.array("branch");
    let axis = |label: &str, scale| Axis { label: label.to_owned(), scale, range: None };
    let panel = |label: &str, names: [&str; 2]| {
        let curves = ["training samples", "test samples"].iter().zip(names);
        let series: Vec<Series> =
            curves.flat_map(|(label, name)| median(label, &steps, &result.array(name))).collect();
        Panel {
            x: axis("step k at which the branches part", Scale::LogZero),
            y: axis(label, Scale::Linear),
            series,
            ..Panel::default()
        }
    };
    let loss = panel("barrier of the loss", ["train_barrier", "test_barrier"]);
    let mut error = panel("barrier of the error", ["train_error_barrier", "test_error_barrier"]);
    let numbers = &result.numbers;
    let stable = numbers.settings.stable;
    if let (Some(first), Some(last)) = (steps.first(), steps.last())
        && error.has_curves()
    {
        error.series.push(Series {
            label: format!("stable: at most {} %", 100.0 * stable),
            x: vec![*first, *last],
            y: vec![stable; 2],
            band: None,
            style: Style::Dashed,
        });
    }
    let batches = match numbers.train.batch_size {
        Some(size) => format!("batches of {size}"),
        None => "full batches".to_owned(),
    };
    let panels = [loss, error];
    vec![Figure {
        name: "instability".to_owned(),
        chart: "lines".to_owned(),
        title: format!("Instability to the noise of SGD: {}", numbers.title),
        subtitle: format!(
            "{batches}, {} steps; noise from step k on: {}; median and quartiles of {} seeds, a dot each",
            numbers.steps,
            numbers.noise.join(", "),
            numbers.seeds.len(),
        ),
        panels: Panel::shown(panels),
    }]
}
