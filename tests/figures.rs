//! What readers see in curves and maps: nothing hidden under something else, nothing left out in silence, nothing made up.

use losscape::figure::{Axis, Figure, Grid, Panel, Scale, Series, Style};
use losscape::render::{Style as Look, draw};

fn axis(label: &str) -> Axis {
    Axis { label: label.to_owned(), scale: Scale::Linear, range: None }
}

fn svg(chart: &str, panels: Vec<Panel>) -> String {
    let figure = Figure {
        name: "test".to_owned(),
        chart: chart.to_owned(),
        title: "a title".to_owned(),
        subtitle: String::new(),
        panels,
    };
    draw(&figure, &Look::default()).unwrap().svg
}

fn curve(label: &str, x: &[f64], y: &[f64]) -> Series {
    let style = Style::Marked;
    Series { label: label.to_owned(), x: x.to_vec(), y: y.to_vec(), band: None, style }
}

fn lines(series: Vec<Series>) -> String {
    svg("lines", vec![Panel { x: axis("workers"), y: axis("accuracy"), series, ..Panel::default() }])
}

/// The words of a document, in order.
fn words(svg: &str) -> Vec<&str> {
    let texts = svg.split("<text ").skip(1);
    texts.filter_map(|t| t.split_once('>')?.1.split_once('<').map(|(words, _)| words)).collect()
}

const X: [f64; 4] = [1.0, 2.0, 4.0, 8.0];

#[test]
fn a_curve_that_covers_another_is_dashed_there() {
    let first = curve("first", &X, &[0.1, 0.5, 0.9, 0.2]);
    let apart = lines(vec![first.clone(), curve("second", &X, &[0.3, 0.6, 0.2, 0.8])]);
    assert!(!apart.contains("stroke-dasharray"));
    let over = lines(vec![first.clone(), curve("second", &X, &[0.1, 0.5, 0.2, 0.8])]);
    // The one step whose two ends lie on the first curve.
    assert_eq!(over.matches("stroke-dasharray").count(), 1);
}

#[test]
fn a_value_that_does_not_exist_is_a_cross_with_its_legend() {
    const MISSING: &str = "no value: diverged, or not reached";
    let whole = lines(vec![curve("a", &X, &[0.1, 0.5, 0.9, 0.2])]);
    assert!(!words(&whole).contains(&MISSING));
    let lost = lines(vec![curve("a", &X, &[0.1, 0.5, f64::NAN, f64::INFINITY])]);
    assert!(words(&lost).contains(&MISSING));
    let rows = |x: f64| {
        let dots = Series { style: Style::Dots, ..curve("", &[1.0, x], &[1.0, 0.0]) };
        svg("rows", vec![Panel { x: axis("epochs"), series: vec![dots], ..Panel::default() }])
    };
    assert!(words(&rows(f64::NAN)).contains(&MISSING) && !words(&rows(2.0)).contains(&MISSING));
}

#[test]
fn ticks_stand_where_a_few_points_are_and_are_whole_where_those_are() {
    let few = lines(vec![curve("a", &X, &[0.1, 0.5, 0.9, 0.2])]);
    let found: Vec<&str> =
        words(&few).into_iter().filter(|w| w.parse::<f64>().is_ok_and(|v| v >= 1.0)).collect();
    assert_eq!(found, ["1", "2", "4", "8"]);
    let many: Vec<f64> = (0..12).map(|k| f64::from(k) / 4.0).collect();
    let steps: Vec<f64> = (0..12).map(f64::from).collect();
    let whole = lines(vec![curve("a", &steps, &many)]);
    assert!(!words(&whole).contains(&"2.5"), "{:?}", words(&whole));
}

fn map(n: usize, f: impl Fn(f64, f64) -> f64) -> String {
    let side: Vec<f64> = (0..n).map(|i| -1.0 + 2.0 * i as f64 / (n - 1) as f64).collect();
    let values = side.iter().flat_map(|y| side.iter().map(|x| f(*x, *y))).collect();
    let grid = Grid { y: side.clone(), x: side, values };
    svg(
        "contour",
        vec![Panel { x: axis("x"), y: axis("y"), z: axis("loss"), grids: vec![grid], ..Panel::default() }],
    )
}

#[test]
fn rough_grids_are_cells_and_smooth_ones_contours() {
    let smooth = map(11, |x, y| x * x + 2.0 * y * y);
    let rough = map(11, |x, y| (40.0 * x).sin() * (35.0 * y).cos() + x);
    assert!(!smooth.contains("shape-rendering=\"crispEdges\" d="), "contours");
    assert_eq!(rough.matches("shape-rendering=\"crispEdges\" d=").count(), 121);
}

#[test]
fn two_quantities_have_an_axis_each() {
    let panel = |label: &str, y: &[f64]| Panel {
        x: axis("distance"),
        y: axis(label),
        series: vec![Series { style: Style::Line, ..curve(label, &X, y) }],
        ..Panel::default()
    };
    let twin =
        svg("twin", vec![panel("loss", &[3.0, 2.0, 1.0, 2.0]), panel("accuracy", &[0.2, 0.4, 0.9, 0.5])]);
    let words = words(&twin);
    assert!(
        ["loss", "accuracy"].iter().all(|label| words.iter().filter(|w| *w == label).count() == 2),
        "{words:?}"
    );
    assert_eq!(words.iter().filter(|w| **w == "distance").count(), 1);
}
