//! Accuracy against the weights that are left, the barrier between two trainings of a ticket, and which weights are left.

use super::result::{TICKET, TicketResult};
use super::verdict::share;
use crate::analyses::over_seeds::median;
use crate::figure::{Axis, Figure, Grid, Panel, Scale, Series, Style};
use serde_json::Value;

/// Kinds of networks, and what the legend calls them.
const KINDS: [(&str, &str); 3] = [
    (TICKET, "ticket"),
    ("reinit", "same mask, other initial weights"),
    ("random_mask", "random mask, same initial weights"),
];

/// Up to as many layers, each has a line of its own colour.
const FEW: usize = 6;

pub(super) fn figures(result: &TicketResult) -> Vec<Figure> {
    let all = [Some(accuracy(result)), stability(result), Some(layers(result)), pixels(result)];
    all.into_iter().flatten().collect()
}

fn axis(label: &str, scale: Scale) -> Axis {
    Axis { label: label.to_owned(), scale, range: None }
}

/// The weights left at each level, in percent.
fn left(result: &TicketResult) -> Vec<f64> {
    result.array("remaining").iter().map(|share| 100.0 * share).collect()
}

fn left_axis() -> Axis {
    axis("weights left (%)", Scale::LogDown)
}

/// How tickets came about.
fn subtitle(result: &TicketResult) -> String {
    let settings = &result.summary()["settings"];
    let scope = match settings["scope"].as_str() {
        Some("global") => "of all hidden layers together",
        _ => "a layer",
    };
    let start = match settings["rewind"].as_u64() {
        Some(0) | None => "the initialization".to_owned(),
        Some(step) => format!("step {step}"),
    };
    let prune = settings["prune"].as_f64().map(share).unwrap_or_default();
    let seeds = result.array("seed").len();
    format!(
        "{prune} {scope} pruned at each level, back to {start}, {} steps; median and quartiles of {seeds} seeds, a dot each",
        result.summary()["steps"]
    )
}

fn line(label: &str, x: &[f64], y: f64, style: Style) -> Series {
    let ends = [x.first(), x.last()].into_iter().flatten().copied().collect::<Vec<f64>>();
    Series { label: label.to_owned(), y: vec![y; ends.len()], x: ends, band: None, style }
}

fn accuracy(result: &TicketResult) -> Figure {
    let x = left(result);
    let dense = result.summary()["levels"][0][TICKET]["test_accuracy"]["median"].as_f64();
    let mut absolute = Panel {
        x: left_axis(),
        y: axis("test accuracy", Scale::Linear),
        series: KINDS
            .iter()
            .flat_map(|(kind, label)| median(label, &x, &result.of(kind, "test_accuracy")))
            .collect(),
        ..Panel::default()
    };
    if let Some(dense) = dense {
        absolute.series.push(line("dense network", &x, dense, Style::Dashed));
    }
    // The same numbers less each seed's own dense one: what is left of the spread between seeds, and the scale of what counts.
    let own = result.of(TICKET, "test_accuracy");
    let seeds = result.array("seed").len().max(1);
    let less: Vec<f64> = own.iter().enumerate().map(|(i, a)| 100.0 * (a - own[i % seeds])).collect();
    let mut relative = Panel {
        x: left_axis(),
        y: axis("ticket above dense (points)", Scale::Linear),
        series: median("ticket", &x, &less),
        ..Panel::default()
    };
    if dense.is_some() {
        relative.series.push(line("dense network", &x, 0.0, Style::Dashed));
    }
    Figure {
        name: "ticket".to_owned(),
        chart: "lines".to_owned(),
        title: format!("Lottery tickets: {}", result.title()),
        subtitle: subtitle(result),
        panels: vec![absolute, relative],
    }
}

fn stability(result: &TicketResult) -> Option<Figure> {
    if result.array("train_barrier").is_empty() {
        return None;
    }
    let x = left(result);
    let panel = |label: &str, names: [&str; 2]| {
        let curves = ["training samples", "test samples"].iter().zip(names);
        Panel {
            x: left_axis(),
            y: axis(label, Scale::Linear),
            series: curves.flat_map(|(label, name)| median(label, &x, &result.array(name))).collect(),
            ..Panel::default()
        }
    };
    Some(Figure {
        name: "stability".to_owned(),
        chart: "lines".to_owned(),
        title: format!("Barrier between two trainings of each ticket: {}", result.title()),
        subtitle: subtitle(result),
        panels: vec![
            panel("barrier of the loss", ["train_barrier", "test_barrier"]),
            panel("barrier of the error", ["train_error_barrier", "test_error_barrier"]),
        ],
    })
}

fn layers(result: &TicketResult) -> Figure {
    let x = left(result);
    let list = result.summary()["layers"].as_array().map_or(&[][..], Vec::as_slice);
    let (shares, seeds) = (result.array("layer_remaining"), result.array("seed").len());
    let name = |layer: &Value| layer["name"].as_str().unwrap_or_default().to_owned();
    let own = |layer: usize| -> Vec<f64> {
        (0..x.len() * seeds).map(|row| 100.0 * shares[row * list.len() + layer]).collect()
    };
    let mut series = Vec::new();
    if list.len() <= FEW {
        // Layers that lose the same lie on one line, and share it.
        let mut lines: Vec<(String, Vec<f64>)> = Vec::new();
        for (i, layer) in list.iter().enumerate() {
            let values = own(i);
            match lines.iter_mut().find(|(_, others)| alike(others, &values)) {
                Some((label, _)) => *label += &format!(", {}", name(layer)),
                None => lines.push((name(layer), values)),
            }
        }
        series.extend(lines.iter().flat_map(|(label, values)| median(label, &x, values)));
    } else {
        for (i, layer) in list.iter().enumerate() {
            let curves = median(&name(layer), &x, &own(i)).into_iter();
            if i == 0 || i + 1 == list.len() {
                series.extend(curves)
            } else {
                // Of many layers the first and the last are told apart.
                series.extend(curves.take(1).map(|line| Series {
                    label: "layers between".to_owned(),
                    band: None,
                    style: Style::Faint,
                    ..line
                }))
            }
        }
    }
    Figure {
        name: "layers".to_owned(),
        chart: "lines".to_owned(),
        title: format!("Weights left in each layer: {}", result.title()),
        subtitle: subtitle(result),
        panels: vec![Panel {
            x: axis("weights left in the whole network (%)", Scale::LogDown),
            y: axis("weights left in the layer (%)", Scale::Log),
            series,
            ..Panel::default()
        }],
    }
}

/// Whether two curves would hide each other: nowhere more than a hundredth apart.
fn alike(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 0.01 * a.max(*b) || a.is_nan() && b.is_nan())
}

/// How many weights are left for each pixel, at three levels.
fn pixels(result: &TicketResult) -> Option<Figure> {
    let shape: Vec<usize> =
        result.summary()["input"].as_array()?.iter().filter_map(|d| d.as_u64().map(|d| d as usize)).collect();
    let [channels, height, width] = shape[..] else { return None };
    let (inputs, seeds) = (result.array("inputs"), result.array("seed").len());
    if inputs.is_empty() || height < 2 || width < 2 {
        return None;
    }
    let (left, plane) = (result.array("remaining"), height * width);
    // As far as tickets came.
    let levels = left.iter().rposition(|share| share.is_finite()).filter(|last| *last > 0)?;
    let places = |n: usize| (0..n).map(|i| i as f64).collect::<Vec<f64>>();
    // Over seeds whose tickets came so far, and over channels.
    let mean = |level: usize, pixel: usize| {
        let of = |seed: usize| {
            let sample = &inputs[(level * seeds + seed) * channels * plane..][..channels * plane];
            (0..channels).map(|c| sample[c * plane + pixel]).sum::<f64>()
        };
        let known: Vec<f64> = (0..seeds).map(of).filter(|n| n.is_finite()).collect();
        known.iter().sum::<f64>() / known.len() as f64
    };
    let mut chosen = vec![levels.div_ceil(3), (2 * levels).div_ceil(3), levels];
    chosen.dedup();
    let panel = |level: &usize| Panel {
        title: format!("{} of all weights left", share(left[*level])),
        z: axis("weights of the pixel", Scale::Linear),
        grids: vec![Grid {
            x: places(width),
            y: places(height),
            values: (0..plane).map(|pixel| mean(*level, pixel)).collect(),
        }],
        ..Panel::default()
    };
    let outputs = result.summary()["layers"][0]["shape"][0].as_u64().unwrap_or_default() * channels as u64;
    Some(Figure {
        name: "pixels".to_owned(),
        chart: "matrix".to_owned(),
        title: format!("Weights of the first layer left for each pixel: {}", result.title()),
        subtitle: format!("of {outputs} each in the dense network; mean of {seeds} seeds"),
        panels: chosen.iter().map(panel).collect(),
    })
}
