//! The barrier between two branches against the step at which they parted: of the loss, and of the error.

use super::result::InstabilityResult;
use crate::figure::{Axis, Figure, Panel, Scale, Series, Style};
use crate::passes::over_seeds::median;

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
    let settings = &result.summary()["settings"];
    if let (Some(stable), Some(first), Some(last)) =
        (settings["stable"].as_f64(), steps.first(), steps.last())
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
    let seeds = result.summary()["seeds"].as_array().map_or(0, Vec::len);
    let noise: Vec<&str> =
        result.summary()["noise"].as_array().into_iter().flatten().filter_map(|n| n.as_str()).collect();
    let batches = match result.summary()["train"]["batch-size"].as_u64() {
        Some(size) => format!("batches of {size}"),
        None => "full batches".to_owned(),
    };
    let panels = [loss, error];
    vec![Figure {
        name: "instability".to_owned(),
        chart: "lines".to_owned(),
        title: format!("Instability to the noise of SGD: {}", result.title()),
        subtitle: format!(
            "{batches}, {} steps; noise from step k on: {}; median and quartiles of {seeds} seeds, a dot each",
            result.summary()["steps"],
            noise.join(", "),
        ),
        panels: panels.into_iter().filter(Panel::has_curves).collect(),
    }]
}
