//! A figure's numbers as the page's script reads them.

use super::super::colorbar::Scale;
use super::super::contour::{ends, scale_of};
use super::super::curves::{Legend, Look, Sign};
use super::super::maps;
use super::super::style::{Cmap, Style};
use super::super::ticks::{Span, labels};
use crate::base::vtk::base64;
use crate::figure::{Axis, Figure, Grid, Mark, Panel, Series, Style as Shape};
use serde_json::{Value, json};

/// Ticks of an axis of a map or a surface.
const TICKS: usize = 6;

/// A figure: where it has grids with the scale of its colours and heights, axes with their ends and ticks.
pub fn figure(figure: &Figure, style: &Style) -> Value {
    let gridded = maps(figure) && figure.panels.iter().any(|panel| !panel.grids.is_empty());
    let legend = Legend::of(figure, style.theme, gridded);
    let panels: Vec<Value> = figure.panels.iter().map(|p| panel(p, &legend, gridded)).collect();
    let choice = figure.panels.first().map_or("", |p| &p.z.label);
    json!({
        "name": figure.name,
        "chart": figure.chart,
        "title": figure.title,
        "subtitle": figure.subtitle,
        "choice": if choice.is_empty() { &figure.name } else { choice },
        "scale": gridded.then(|| scale(&scale_of(figure, style))),
        "panels": panels,
    })
}

/// A colour map in 256 steps, six digits each.
pub fn colors(cmap: Cmap) -> String {
    (0..256).map(|k| cmap.at(f64::from(k) / 255.0).hex_digits()).collect()
}

fn scale(scale: &Scale) -> Value {
    let words = labels(&scale.levels);
    json!({
        "low": scale.span.low,
        "high": scale.span.high,
        "log": scale.span.log,
        "knee": scale.span.knee,
        "down": scale.span.down,
        "cmap": scale.cmap,
        "ticks": scale.span.ticks(TICKS).major,
        "levels": scale.levels.iter().zip(words).collect::<Vec<_>>(),
    })
}

fn panel(panel: &Panel, legend: &Legend, gridded: bool) -> Value {
    let (x, y) = ends(panel);
    let axis = |axis: &Axis, span: &Span| {
        if gridded {
            json!({"label": axis.label, "low": span.low, "high": span.high, "ticks": span.ticks(TICKS).major})
        } else {
            json!({"label": axis.label})
        }
    };
    let mark = |mark: &Mark| {
        let sign = match legend.sign(mark) {
            Sign::Shape(number) => json!(number),
            Sign::Letter(letter) => json!(letter),
        };
        json!({"x": number(mark.x), "y": number(mark.y), "label": mark.label, "sign": sign})
    };
    let series = |(series, look): (&Series, Look)| {
        let mut all = json!({
            "label": series.label,
            "ink": look.ink.hex_digits(),
            "lined": !matches!(series.style, Shape::Dots | Shape::Specks),
            "dotted": matches!(series.style, Shape::Dots | Shape::Marked | Shape::Path),
            "x": array(&series.x),
            "y": array(&series.y),
        });
        if let Some((low, high)) = &series.band {
            (all["low"], all["high"]) = (array(low), array(high));
        }
        all
    };
    let grid = |grid: &Grid| json!({"x": array(&grid.x), "y": array(&grid.y), "values": array(&grid.values)});
    json!({
        "title": panel.title,
        "x": axis(&panel.x, &x),
        "y": axis(&panel.y, &y),
        "z": {"label": panel.z.label},
        "grids": panel.grids.iter().map(grid).collect::<Vec<Value>>(),
        "series": panel.series.iter().zip(legend.looks(panel)).map(series).collect::<Vec<Value>>(),
        "marks": panel.marks.iter().map(mark).collect::<Vec<Value>>(),
    })
}

/// A number, or its name where JSON has none for it.
fn number(x: f64) -> Value {
    if x.is_finite() { json!(x) } else { json!(x.to_string()) }
}

/// Numbers to the last bit: a list where that is the shorter one, base64 of their bytes (f64, little-endian) elsewhere.
fn array(values: &[f64]) -> Value {
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let packed = base64(&bytes);
    // Zero has two signs, of which a list would keep one.
    let listed = values.iter().all(|x| x.is_finite() && (*x != 0.0 || x.is_sign_positive()));
    let list = json!(values);
    if listed && list.to_string().len() <= packed.len() + 8 { list } else { json!({"f64": packed}) }
}
