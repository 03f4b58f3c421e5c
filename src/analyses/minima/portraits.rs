//! Pictures of the minima as a whole: the disconnectivity graph, maps of them in the plane, and how alike they are.

use super::barcode;
use super::result::MinimaResult;
use crate::figure::{Axis, Figure, Grid, Mark, Panel, Scale, Series};
use crate::nn::losses::Loss;
use serde_json::Value;

/// Those that there are numbers for, with networks in this order.
pub(super) fn figures(result: &MinimaResult, names: &[String], order: &[usize]) -> Vec<Figure> {
    let all = [
        disconnectivity(result, names),
        map(result, names),
        predictions(result, names, order),
        similarity(result, names, order),
        layers(result, names),
    ];
    all.into_iter().flatten().collect()
}

fn axis(label: &str, scale: Scale) -> Axis {
    Axis { label: label.to_owned(), scale, range: None }
}

/// "test samples", as a part of the document says.
fn samples(of: &Value) -> String {
    let part = if of["part"] == "train" { "training" } else { "test" };
    format!("{} {part} samples", of["samples"])
}

/// Every minimum a line from its loss up to the pass at which it joins a lower one.
fn disconnectivity(result: &MinimaResult, names: &[String]) -> Option<Figure> {
    let barcode = result.summary().get("barcode")?;
    let rows = result.array("barcode");
    let bars: Vec<&[f64]> = rows.chunks_exact(barcode::WIDTH).collect();
    let older = |k: usize| (bars[k][3] >= 0.0).then_some(bars[k][3] as usize);
    let number = |minimum: usize| bars.iter().position(|b| b[0] as usize == minimum);
    // Each, then what joins it, the highest pass first: brackets do not cross.
    let mut open: Vec<usize> = (0..bars.len()).rev().filter(|k| older(*k).is_none()).collect();
    let mut order = Vec::new();
    while let Some(k) = open.pop() {
        order.push(k);
        let own = bars[k][0] as usize;
        let mut joins: Vec<usize> = (0..bars.len()).filter(|j| older(*j) == Some(own)).collect();
        joins.sort_by(|a, b| bars[*b][2].total_cmp(&bars[*a][2]));
        open.extend(joins);
    }
    let mut row = vec![0.0; bars.len()];
    order.iter().enumerate().for_each(|(place, k)| row[*k] = place as f64);
    let top = bars.iter().map(|b| b[2]).filter(|d| d.is_finite()).fold(f64::NEG_INFINITY, f64::max);
    let series = bars.iter().enumerate().map(|(k, bar)| {
        let end = if bar[2].is_finite() { bar[2] } else { top };
        let across = older(k).and_then(number).map(|other| (end, row[other]));
        let (x, y) = [(bar[1], row[k]), (end, row[k])].into_iter().chain(across).unzip();
        Series { x, y, ..Series::default() }
    });
    let loss = serde_json::from_value::<Loss>(result.summary()["loss"].clone());
    let label = loss.map_or_else(|_| "training loss".to_owned(), |loss| loss.axis("training loss"));
    Some(Figure {
        name: "disconnectivity".to_owned(),
        chart: "dendrogram".to_owned(),
        title: format!("Disconnectivity graph of {} minima: {}", names.len(), result.title()),
        subtitle: format!(
            "each minimum from its loss to the lowest pass to a lower one; passes along {}",
            barcode["ways"].as_str().unwrap_or_default()
        ),
        panels: vec![Panel {
            x: axis(&label, Scale::Auto),
            series: series.filter(|s| s.x.iter().all(|x| x.is_finite())).collect(),
            marks: bars
                .iter()
                .enumerate()
                .map(|(k, bar)| Mark { x: bar[1], y: row[k], label: names[bar[0] as usize].clone() })
                .collect(),
            ..Panel::default()
        }],
    })
}

/// The minima in the plane by their distances, in weights and in predictions.
fn map(result: &MinimaResult, names: &[String]) -> Option<Figure> {
    let summary = result.summary();
    let stress = |of: &Value| of["stress"].as_f64().map(|s| format!("stress {s:.3}"));
    let panel = |title: String, places: &str| {
        let places = result.array(places);
        let marks = places.chunks_exact(2).zip(names);
        Panel {
            title,
            x: axis("MDS 1", Scale::Linear),
            y: axis("MDS 2", Scale::Linear),
            marks: marks.map(|(p, name)| Mark { x: p[0], y: p[1], label: name.clone() }).collect(),
            ..Panel::default()
        }
    };
    let mut panels = vec![panel(format!("distances in weights: {}", stress(&summary["plane"])?), "place")];
    if let Some(stress) = summary.get("predictions").and_then(|p| stress(&p["plane"])) {
        panels.push(panel(format!("distances in predictions: {stress}"), "prediction_place"));
    }
    let said = match panels.len() {
        2 => format!("; predictions of {}", samples(&summary["predictions"])),
        _ => String::new(),
    };
    Some(Figure {
        name: "map".to_owned(),
        chart: "graph".to_owned(),
        title: format!("Map of {} minima: {}", names.len(), result.title()),
        subtitle: format!("classical multidimensional scaling{said}"),
        panels,
    })
}

fn grid(values: &[f64], order: &[usize]) -> Grid {
    let n = order.len();
    let places: Vec<f64> = (0..n).map(|i| i as f64).collect();
    let values = order.iter().flat_map(|i| order.iter().map(move |j| values[i * n + j])).collect();
    Grid { x: places.clone(), y: places, values }
}

fn marks(names: &[String], order: &[usize]) -> Vec<Mark> {
    order
        .iter()
        .enumerate()
        .map(|(row, i)| Mark { x: 0.0, y: row as f64, label: names[*i].clone() })
        .collect()
}

/// How far predictions are from each other.
fn predictions(result: &MinimaResult, names: &[String], order: &[usize]) -> Option<Figure> {
    let of = result.summary().get("predictions").filter(|of| of["status"] == "computed")?;
    let panel = |array: &str, title: &str| {
        let values = result.array(array);
        (!values.is_empty()).then(|| Panel {
            title: title.to_owned(),
            z: axis(title, Scale::Linear),
            grids: vec![grid(&values, order)],
            marks: marks(names, order),
            ..Panel::default()
        })
    };
    let panels = [
        panel("prediction_distance", "distance of the predictions"),
        panel("disagreement", "share of samples of which they say different classes"),
    ];
    Some(Figure {
        name: "predictions".to_owned(),
        chart: "matrix".to_owned(),
        title: format!("What {} minima predict: {}", names.len(), result.title()),
        subtitle: samples(of),
        panels: panels.into_iter().flatten().collect(),
    })
}

/// Most layers of which the matrix of networks is drawn.
const DRAWN: usize = 4;

/// The names of the layers that were compared.
fn compared(result: &MinimaResult) -> Option<(&Value, Vec<String>)> {
    let of = result.summary().get("similarity").filter(|of| of["status"] == "computed")?;
    let names = of["layers"].as_array()?.iter().map(|n| n.as_str().unwrap_or_default().to_owned());
    Some((of, names.collect()))
}

/// How alike the layers of the networks are, a matrix a layer.
fn similarity(result: &MinimaResult, names: &[String], order: &[usize]) -> Option<Figure> {
    let (of, layers) = compared(result)?;
    let (all, n, count) = (result.array("cka"), names.len(), layers.len());
    let drawn = count.min(DRAWN);
    // The first and the last among them.
    let chosen = (0..drawn).map(|k| if drawn > 1 { k * (count - 1) / (drawn - 1) } else { 0 });
    let panel = |k: usize| Panel {
        title: format!("layer {}", layers[k]),
        z: axis("CKA", Scale::Linear),
        grids: vec![grid(&all[k * n * n..(k + 1) * n * n], order)],
        marks: marks(names, order),
        ..Panel::default()
    };
    Some(Figure {
        name: "similarity".to_owned(),
        chart: "matrix".to_owned(),
        title: format!("Similarity of representations of {n} minima: {}", result.title()),
        subtitle: format!("linear CKA, unbiased; {}", samples(of)),
        panels: chosen.map(panel).collect(),
    })
}

/// How alike layers are, within the first network and between the first two.
fn layers(result: &MinimaResult, names: &[String]) -> Option<Figure> {
    let (of, layers) = compared(result).filter(|(_, layers)| layers.len() > 1)?;
    let count = layers.len();
    // Columns have numbers of their own: that a layer is like itself in another network is worth a cell.
    let places = |from: usize| (from..from + count).map(|k| k as f64).collect::<Vec<f64>>();
    let named = places(0).into_iter().chain(places(count)).zip(layers.iter().chain(&layers));
    let marks: Vec<Mark> = named.map(|(y, name)| Mark { x: 0.0, y, label: name.clone() }).collect();
    let panel = |array: &str, title: String| Panel {
        title,
        z: axis("CKA", Scale::Linear),
        grids: vec![Grid { x: places(count), y: places(0), values: result.array(array) }],
        marks: marks.clone(),
        ..Panel::default()
    };
    let [a, b, ..] = names else { return None };
    Some(Figure {
        name: "similarity-layers".to_owned(),
        chart: "matrix".to_owned(),
        title: format!("Similarity of layers: {}", result.title()),
        subtitle: format!("linear CKA, unbiased; {}", samples(of)),
        panels: vec![
            panel("cka_within", format!("layers of {a}")),
            panel("cka_across", format!("layers of {a} (rows) and of {b} (columns)")),
        ],
    })
}
