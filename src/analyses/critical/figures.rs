//! Index, smallest eigenvalue and gradient norm against the loss: a dot a critical point, coloured by its start.

use super::result::CriticalResult;
use super::starts::Kind;
use crate::figure::{Axis, Figure, Panel, Scale, Series, Style};
use crate::landscape::newton::Stopped;

/// The least gradient norm that is drawn: below it is rounding, and zero has no place on a logarithmic axis.
const FLOOR: f64 = 1e-18;

pub(super) fn figures(result: &CriticalResult) -> Vec<Figure> {
    let (kind, stopped) = (result.array("kind"), result.array("stopped"));
    let loss = result.array("loss");
    let critical = |i: &usize| stopped[*i] == 0.0;
    let series = |name: &str| -> Vec<Series> {
        let values = result.array(name);
        let shown = |y: f64| if name == "gradient_norm" { y.max(FLOOR) } else { y };
        let of = |label: String, style: Style, at: Vec<usize>| Series {
            label,
            x: at.iter().map(|i| loss[*i]).collect(),
            y: at.iter().map(|i| if values[*i].is_finite() { shown(values[*i]) } else { f64::NAN }).collect(),
            band: None,
            style,
        };
        let all = || 0..loss.len();
        let kinds = Kind::ALL.iter().enumerate().map(|(k, name)| {
            let at = all().filter(|i| kind[*i] == k as f64).filter(critical).collect();
            of(words(*name).to_owned(), Style::Dots, at)
        });
        let rejected: Vec<usize> = all().filter(|i| !critical(i) && loss[*i].is_finite()).collect();
        let mut series: Vec<Series> = kinds.filter(|s| !s.x.is_empty()).collect();
        if !rejected.is_empty() {
            series.push(of("no critical point".to_owned(), Style::Specks, rejected));
        }
        series
    };
    let axis = |label: &str, scale| Axis { label: label.to_owned(), scale, range: None };
    // Rejected ends may lie far above all critical points.
    let highest = (0..loss.len()).filter(critical).map(|i| loss[i]).fold(f64::NEG_INFINITY, f64::max);
    let lowest = (0..loss.len()).filter(critical).map(|i| loss[i]).fold(f64::INFINITY, f64::min);
    let pad = 0.06 * (highest - lowest);
    let range = (pad > 0.0).then_some((lowest - pad, highest + pad));
    let panel = |name: &str, label: &str, scale| Panel {
        x: Axis { range, ..axis("loss", Scale::Linear) },
        y: axis(label, scale),
        series: series(name),
        ..Panel::default()
    };
    let summary = result.summary();
    let rho = &summary["rank_correlation"];
    let number = |x: &serde_json::Value| x.as_f64().map_or("none".to_owned(), |x| format!("{x:.2}"));
    let interval = match rho["interval"].as_array().map(Vec::as_slice) {
        Some([low, high]) => format!(" ({} to {})", number(low), number(high)),
        _ => String::new(),
    };
    let ended: Vec<String> = Stopped::ALL[1..]
        .iter()
        .filter_map(|s| {
            summary["ended"][s.name()].as_u64().filter(|n| *n > 0).map(|n| format!("{n} {}", s.name()))
        })
        .collect();
    let rejected = if ended.is_empty() { "none".to_owned() } else { ended.join(", ") };
    vec![Figure {
        name: "critical".to_owned(),
        chart: "lines".to_owned(),
        title: format!("Critical points: {}", result.title()),
        subtitle: format!(
            "{} of {} descents, {} distinct points; rank correlation of index and loss {}{interval}; rejected: {rejected}",
            summary["kept"],
            summary["starts"],
            summary["distinct"],
            number(&rho["value"]),
        ),
        panels: vec![
            panel("index", "index (share of negative eigenvalues)", Scale::Linear),
            panel("lambda_min", "smallest eigenvalue \u{3bb}min", Scale::Linear),
            panel("gradient_norm", "gradient norm", Scale::Log),
        ],
    }]
}

/// What a kind of start is called in the legend.
fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::Initial => "from random weights",
        Kind::Training => "from a run of training",
        Kind::Minimum => "from a minimum",
        Kind::Saddle => "from a known saddle",
    }
}
