//! Heat maps of barriers and distances, the dendrogram of the barriers, and minimum spanning trees: of the barriers of straight
//! lines, and of the saddles of bands.

use super::cluster::order;
use super::result::{ALIGNED, MinimaResult};
use crate::analyses::statistics::NO_STATISTICS;
use crate::figure::{Axis, Figure, Grid, Mark, Panel, Scale, Series, Style};
use crate::landscape::Alignment;
use crate::landscape::alignments::Align;
use serde::Deserialize;

/// Up to as many minima, every edge has its barrier beside it; with more, those of the tree.
const FEW: usize = 4;
/// Edges are coloured from zero up where the largest value is at most so many times the least.
const NEARLY: f64 = 1.3;

pub(super) fn figures(result: &MinimaResult) -> Vec<Figure> {
    let names = result.names();
    let merges = result.merges();
    // In every picture the same order, in which groups stand together.
    let order = order(&merges, names.len());
    let mut all = vec![
        barriers(result, &names, &order),
        distances(result, &names, &order),
        dendrogram(result, &names, &order),
        tree(result, &names),
    ];
    if alignment(result).is_some() {
        all.push(aligned(result, &names, &order));
    }
    if result.summary().get("neb").is_some() {
        all.extend([saddles(result, &names, &order), bands(result, &names)]);
    }
    all.extend(super::portraits::figures(result, &names, &order));
    all
}

/// How networks were aligned, if they were: "weight matching".
fn alignment(result: &MinimaResult) -> Option<&'static str> {
    let align = Alignment::deserialize(&result.summary()["settings"]["align"]).ok()?;
    Some(align.words())
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

/// What is said of the lines that groups and trees go by.
fn subtitle(result: &MinimaResult) -> String {
    lines(result, &alignment(result).map_or_else(String::new, |a| format!(" after {a}")))
}

/// What is said of straight lines.
fn lines(result: &MinimaResult, aligned: &str) -> String {
    let summary = result.summary();
    let statistics = match summary["statistics"].as_str() {
        Some(NO_STATISTICS) | None => String::new(),
        Some(words) => format!("; statistics {words}"),
    };
    format!("straight lines{aligned}, {} points each{statistics}", summary["settings"]["points"])
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
        subtitle: lines(result, ""),
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
        panels: match alignment(result) {
            Some(_) => before_and_after(result, "distance", "distance", names, order),
            None => vec![Panel {
                z: axis("distance", Scale::Auto),
                grids: vec![grid(&result.array("distance"), order)],
                marks: marks(names, order),
                ..Panel::default()
            }],
        },
    }
}

/// A matrix of networks as they are and of aligned ones, on one scale.
fn before_and_after(
    result: &MinimaResult,
    name: &str,
    label: &str,
    names: &[String],
    order: &[usize],
) -> Vec<Panel> {
    let kind = alignment(result).unwrap_or_default();
    let both = [
        (format!("{label}, as they are"), result.array(name)),
        (format!("{label}, after {kind}"), result.array(&format!("{ALIGNED}{name}"))),
    ];
    on_one_scale(both, label, names, order)
}

/// Matrices on one scale, which leaves out their diagonals.
fn on_one_scale(all: [(String, Vec<f64>); 2], label: &str, names: &[String], order: &[usize]) -> Vec<Panel> {
    let n = order.len();
    let apart = |(i, value): (usize, &f64)| Some(*value).filter(|v| i / n != i % n && v.is_finite());
    let values = || all.iter().flat_map(|(_, values)| values.iter().enumerate().filter_map(apart));
    let (least, most) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let z = Axis { range: (least < most).then_some((least, most)), ..axis(label, Scale::Auto) };
    let panel = |(title, values): &(String, Vec<f64>)| Panel {
        title: title.clone(),
        z: z.clone(),
        grids: vec![grid(values, order)],
        marks: marks(names, order),
        ..Panel::default()
    };
    all.iter().map(panel).collect()
}

/// Barriers before and after the alignment.
fn aligned(result: &MinimaResult, names: &[String], order: &[usize]) -> Figure {
    let of = |name: &str, label: &str| before_and_after(result, name, label, names, order);
    let mut panels = of("train_barrier", "barrier of the loss");
    // Regression has no errors.
    let errors = result.array("train_error_barrier");
    if errors.iter().enumerate().any(|(i, e)| i / order.len() != i % order.len() && e.is_finite()) {
        panels.extend(of("train_error_barrier", "barrier of the error"));
    }
    let summary = result.summary();
    let (median, units) =
        (&summary["over_aligned_pairs"]["moved"]["median"], &summary["over_aligned_pairs"]["units"]);
    Figure {
        name: "aligned".to_owned(),
        chart: "matrix".to_owned(),
        title: format!("Barriers before and after alignment: {}", result.title()),
        subtitle: format!(
            "training samples; {}; median {} of {} hidden units moved",
            lines(result, ""),
            median.as_f64().unwrap_or(f64::NAN),
            units.as_f64().unwrap_or(f64::NAN)
        ),
        panels,
    }
}

/// How the bands were chosen, in words.
fn relaxed(result: &MinimaResult) -> String {
    let neb = &result.summary()["neb"];
    let count = neb["edges"].as_array().map_or(0, Vec::len);
    format!("{count} AutoNEB bands: {}", neb["reason"].as_str().unwrap_or_default())
}

/// The highest training loss on the way between any two minima: along straight lines, and along the tree of bands.
fn saddles(result: &MinimaResult, names: &[String], order: &[usize]) -> Figure {
    let both = [
        ("on the straight line".to_owned(), result.array("line_highest")),
        ("on the lowest way of bands".to_owned(), result.array("bottleneck")),
    ];
    Figure {
        name: "saddles".to_owned(),
        chart: "matrix".to_owned(),
        title: format!("Highest loss between {} minima: {}", names.len(), result.title()),
        subtitle: format!("training samples; {}; {}", subtitle(result), relaxed(result)),
        panels: on_one_scale(both, "highest training loss", names, order),
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

/// The tree of straight lines among all pairs.
fn tree(result: &MinimaResult, names: &[String]) -> Figure {
    let n = names.len();
    let prefix = if alignment(result).is_some() { ALIGNED } else { "" };
    let barrier = result.array(&format!("{prefix}train_barrier"));
    let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
    let edges: Vec<((usize, usize), f64)> = pairs.map(|(i, j)| ((i, j), barrier[i * n + j])).collect();
    Figure {
        name: "tree".to_owned(),
        chart: "graph".to_owned(),
        title: format!("Minimum spanning tree of {n} minima: {}", result.title()),
        subtitle: format!(
            "bold: the lowest ways from any to any, by barriers of the training loss; {}; {}",
            subtitle(result),
            kept(result)
        ),
        panels: vec![graph(result, names, &edges, "tree", "barrier of the training loss")],
    }
}

/// The bands and their tree.
fn bands(result: &MinimaResult, names: &[String]) -> Figure {
    let saddles = result.array("band_saddle");
    let edges: Vec<((usize, usize), f64)> = edges(result, "band").into_iter().zip(saddles).collect();
    Figure {
        name: "bands".to_owned(),
        chart: "graph".to_owned(),
        title: format!("Lowest ways between {} minima: {}", names.len(), result.title()),
        subtitle: format!(
            "bold: the minimum spanning tree, by the training loss at the saddle; {}; {}",
            relaxed(result),
            kept(result)
        ),
        panels: vec![graph(result, names, &edges, "band_tree", "training loss at the saddle")],
    }
}

/// How much of the distances the plane of a graph shows.
fn kept(result: &MinimaResult) -> String {
    let share = result.summary()["plane"]["share"].as_f64().unwrap_or(f64::NAN);
    format!("the plane keeps {:.0} % of the squared distances", 100.0 * share)
}

/// The edges of an array.
fn edges(result: &MinimaResult, array: &str) -> Vec<(usize, usize)> {
    result.array(array).chunks_exact(2).map(|e| (e[0] as usize, e[1] as usize)).collect()
}

/// A number beside an edge.
fn short(x: f64) -> String {
    match x.abs() {
        _ if !x.is_finite() => "not finite".to_owned(),
        a if a >= 0.1 || a == 0.0 => format!("{x:.2}"),
        a if a >= 1e-2 => format!("{x:.3}"),
        a if a >= 1e-3 => format!("{x:.5}"),
        _ => format!("{x:.1e}"),
    }
}

/// Minima in the plane with the edges between them, those of the array `tree` bold.
fn graph(
    result: &MinimaResult,
    names: &[String],
    all: &[((usize, usize), f64)],
    tree: &str,
    label: &str,
) -> Panel {
    let places: Vec<(f64, f64)> = result.array("place").chunks_exact(2).map(|p| (p[0], p[1])).collect();
    let tree = edges(result, tree);
    let series = |((i, j), value): &((usize, usize), f64)| {
        let own = tree.contains(&(*i, *j));
        Series {
            label: if own || names.len() <= FEW { short(*value) } else { String::new() },
            x: vec![places[*i].0, places[*j].0],
            y: vec![places[*i].1, places[*j].1],
            style: if own { Style::Line } else { Style::Faint },
            band: None,
        }
    };
    let values: Vec<f64> = all.iter().map(|(_, value)| *value).collect();
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let (least, most) = (finite().fold(f64::INFINITY, f64::min), finite().fold(0.0, f64::max));
    // Values that are nearly the same have nearly the same colour.
    let near = least > 0.0 && most < NEARLY * least;
    let range = near.then_some((0.0, most));
    let marks = places.iter().zip(names);
    Panel {
        x: axis("first axis of the distances", Scale::Linear),
        y: axis("second axis of the distances", Scale::Linear),
        z: Axis { range, ..axis(label, Scale::Auto) },
        grids: vec![Grid { x: (0..all.len()).map(|i| i as f64).collect(), y: vec![0.0], values }],
        series: all.iter().map(series).collect(),
        marks: marks.map(|((x, y), name)| Mark { x: *x, y: *y, label: name.clone() }).collect(),
        ..Panel::default()
    }
}
