//! Heat maps of barriers and distances, the dendrogram of the barriers, and their minimum spanning tree.

use super::cluster::order;
use super::result::MinimaResult;
use crate::figure::{Axis, Figure, Grid, Mark, Panel, Scale, Series, Style};

/// Up to as many minima, every edge has its barrier beside it; with more, those of the tree.
const FEW: usize = 4;

pub(super) fn figures(result: &MinimaResult) -> Vec<Figure> {
    let names = result.names();
    let merges = result.merges();
    // In every picture the same order, in which groups stand together.
    let order = order(&merges, names.len());
    vec![
        barriers(result, &names, &order),
        distances(result, &names, &order),
        dendrogram(result, &names, &order),
        tree(result, &names),
    ]
}

fn axis(label: &str, scale: Scale) -> Axis {
    Axis { label: label.to_owned(), scale, range: None }
}

fn marks(names: &[String], order: &[usize]) -> Vec<Mark> {
    order
        .iter()
        .enumerate()
        .map(|(row, i)| Mark { x: 0.0, y: row as f64, label: names[*i].clone() })
        .collect()
}

/// A symmetric matrix with its rows and columns in this order.
fn grid(values: &[f64], order: &[usize]) -> Grid {
    let n = order.len();
    let places: Vec<f64> = (0..n).map(|i| i as f64).collect();
    let values = order.iter().flat_map(|i| order.iter().map(move |j| values[i * n + j])).collect();
    Grid { x: places.clone(), y: places, values }
}

fn subtitle(result: &MinimaResult) -> String {
    let summary = result.summary();
    let settings = &summary["settings"];
    let statistics = match summary["statistics"].as_str() {
        Some("none in this network") | None => String::new(),
        Some(words) => format!("; statistics {words}"),
    };
    format!("straight lines, {} points each{statistics}", settings["points"])
}

fn barriers(result: &MinimaResult, names: &[String], order: &[usize]) -> Figure {
    let panels = [
        ("train_barrier", "loss, training samples", "barrier of the loss"),
        ("test_barrier", "loss, test samples", "barrier of the loss"),
        ("train_error_barrier", "error, training samples", "barrier of the error"),
        ("test_error_barrier", "error, test samples", "barrier of the error"),
    ];
    let panel = |(name, title, label): (&str, &str, &str)| Panel {
        title: title.to_owned(),
        z: axis(label, Scale::Auto),
        grids: vec![grid(&result.array(name), order)],
        marks: marks(names, order),
        ..Panel::default()
    };
    let some = |panel: &Panel| {
        let n = order.len();
        let apart = |i: &usize| i / n != i % n;
        panel.grids.iter().any(|g| (0..n * n).filter(apart).any(|i| g.values[i].is_finite()))
    };
    let all: Vec<Panel> = panels.map(panel).into_iter().collect();
    Figure {
        name: "barriers".to_owned(),
        chart: "matrix".to_owned(),
        title: format!("Barriers between {} minima: {}", names.len(), result.title()),
        subtitle: subtitle(result),
        // What has no number at all, as errors of a regression, has no picture; the training loss always has.
        panels: all.iter().enumerate().filter(|(i, p)| *i == 0 || some(p)).map(|(_, p)| p.clone()).collect(),
    }
}

fn distances(result: &MinimaResult, names: &[String], order: &[usize]) -> Figure {
    Figure {
        name: "distances".to_owned(),
        chart: "matrix".to_owned(),
        title: format!("Distances between {} minima: {}", names.len(), result.title()),
        subtitle: format!("norm of the difference of {} parameters", result.summary()["parameters"]),
        panels: vec![Panel {
            z: axis("distance", Scale::Auto),
            grids: vec![grid(&result.array("distance"), order)],
            marks: marks(names, order),
            ..Panel::default()
        }],
    }
}

/// How the linkage is called.
fn linkage(result: &MinimaResult) -> &str {
    result.summary()["settings"]["linkage"].as_str().unwrap_or_default()
}

fn dendrogram(result: &MinimaResult, names: &[String], order: &[usize]) -> Figure {
    // Where the line of a group ends: its height, and its row.
    let row = |i: usize| order.iter().position(|o| *o == i).unwrap_or_default() as f64;
    let mut ends: Vec<(f64, f64)> = (0..names.len()).map(|i| (0.0, row(i))).collect();
    let mut series = Vec::new();
    for merge in result.merges() {
        let (a, b) = (ends[merge.a], ends[merge.b]);
        if merge.height.is_finite() {
            series.push(Series {
                x: vec![a.0, merge.height, merge.height, b.0],
                y: vec![a.1, a.1, b.1, b.1],
                ..Series::default()
            });
        }
        ends.push((merge.height, (a.1 + b.1) / 2.0));
    }
    let linkage = linkage(result);
    Figure {
        name: "dendrogram".to_owned(),
        chart: "dendrogram".to_owned(),
        title: format!("Minima by the barriers between them: {}", result.title()),
        subtitle: format!("{linkage} linkage; {}", subtitle(result)),
        panels: vec![Panel {
            x: axis("barrier of the training loss at which groups join", Scale::Linear),
            series,
            marks: marks(names, order),
            ..Panel::default()
        }],
    }
}

fn tree(result: &MinimaResult, names: &[String]) -> Figure {
    let n = names.len();
    let barrier = result.array("train_barrier");
    let places: Vec<(f64, f64)> = result.array("place").chunks_exact(2).map(|p| (p[0], p[1])).collect();
    let edges: Vec<(usize, usize)> =
        result.array("tree").chunks_exact(2).map(|e| (e[0] as usize, e[1] as usize)).collect();
    let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
    let series = |(i, j): (usize, usize)| {
        let own = edges.contains(&(i, j));
        let value = barrier[i * n + j];
        let words = match value.is_finite() {
            true => format!("{value:.2}"),
            false => "not finite".to_owned(),
        };
        Series {
            label: if own || n <= FEW { words } else { String::new() },
            x: vec![places[i].0, places[j].0],
            y: vec![places[i].1, places[j].1],
            style: if own { Style::Line } else { Style::Faint },
            band: None,
        }
    };
    let all: Vec<(usize, usize)> = pairs.collect();
    let values: Vec<f64> = all.iter().map(|(i, j)| barrier[i * n + j]).collect();
    let share = result.summary()["plane"]["share"].as_f64().unwrap_or(f64::NAN);
    Figure {
        name: "tree".to_owned(),
        chart: "graph".to_owned(),
        title: format!("Minimum spanning tree of {n} minima: {}", result.title()),
        subtitle: format!(
            "bold: the lowest ways from any to any, by barriers of the training loss; {}; the plane keeps {:.0} % of the squared distances",
            subtitle(result),
            100.0 * share
        ),
        panels: vec![Panel {
            x: axis("first axis of the distances", Scale::Linear),
            y: axis("second axis of the distances", Scale::Linear),
            z: axis("barrier of the training loss", Scale::Auto),
            grids: vec![Grid { x: (0..all.len()).map(|i| i as f64).collect(), y: vec![0.0], values }],
            series: all.iter().map(|e| series(*e)).collect(),
            marks: places
                .iter()
                .zip(names)
                .map(|((x, y), name)| Mark { x: *x, y: *y, label: name.clone() })
                .collect(),
            ..Panel::default()
        }],
    }
}
