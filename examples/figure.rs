//! A figure of one's own numbers: `cargo run --release --example figure` writes `wave.svg`.

use losscape::base::{Error, Result};
use losscape::figure::{Axis, Figure, Panel, Scale, Series};
use losscape::render::{Style, draw};

fn main() -> Result<()> {
    let x: Vec<f64> = (0..200).map(|i| f64::from(i) * 0.05).collect();
    let axis = |label: &str| Axis { label: label.to_owned(), scale: Scale::Linear, range: None };
    let series = Series {
        label: "sin x / (1 + x)".to_owned(),
        y: x.iter().map(|x| x.sin() / (1.0 + x)).collect(),
        x,
        ..Series::default()
    };
    let figure = Figure {
        name: "wave".to_owned(),
        chart: "lines".to_owned(),
        title: "A wave that dies out".to_owned(),
        subtitle: String::new(),
        panels: vec![Panel { x: axis("x"), y: axis("y"), series: vec![series], ..Panel::default() }],
    };
    let svg = draw(&figure, &Style::default())?.svg;
    std::fs::write("wave.svg", svg).map_err(|e| Error::machine("wave.svg", e))
}
