//! Pictures of a complex: planes through its points, sorted losses beside those of the flat simplex, ensembles, the training.

use super::result::{ENSEMBLES, PLANES, Simplex, SimplexResult};
use crate::analyses::{plane, together};
use crate::figure::{Axis, Figure, Mark, Panel, Scale, Series, Style};

/// All figures that there are numbers for.
pub(super) fn figures(result: &SimplexResult) -> Vec<Figure> {
    let planes = PLANES.into_iter().map(|name| map(result, name));
    let rest = [Some(losses(result)), Some(ensembles(result)), training(result)];
    planes.chain(rest).flatten().collect()
}

fn axis(label: &str, scale: Scale) -> Axis {
    Axis { label: label.to_owned(), scale, range: None }
}

/// What the axis of a loss is called.
fn loss(result: &SimplexResult, what: &str) -> String {
    result.numbers.subject.loss.axis(what)
}

/// What every picture says below its title.
fn subtitle(result: &SimplexResult) -> String {
    let Simplex { subject, settings, minima, .. } = &result.numbers;
    let points = match settings.connectors {
        1 => "1 connecting point".to_owned(),
        n => format!("{n} connecting points"),
    };
    format!("{}; {} minima, {points}", subject.title, minima.len())
}

/// The training loss over a plane, with the way through its points.
fn map(result: &SimplexResult, name: &str) -> Option<Figure> {
    let array = |part: &str| result.array(&format!("{name}_{part}"));
    let label = loss(result, "training loss");
    let axes = ["from A (0) to B (1)", "across, same unit", &label];
    let panel = plane::panel(&array, "train_loss", axes, Scale::Auto)?;
    let (x, y) = (array("control_x"), array("control_y"));
    let letters = if name == "triangle" { ["A", "B", "C"] } else { ["A", "connecting point", "B"] };
    let places = x.iter().zip(&y).zip(letters);
    let mark = |((x, y), label): ((&f64, &f64), &str)| Mark { x: *x, y: *y, label: label.to_owned() };
    let marks = places.map(mark).collect();
    let (way, title) = match name {
        "triangle" => ("flat triangle", "Training loss between three minima".to_owned()),
        _ => ("trained segments", "Training loss around a connecting point".to_owned()),
    };
    let way = Series { label: way.to_owned(), x, y, ..Series::default() };
    Some(Figure {
        name: name.to_owned(),
        chart: "contour".to_owned(),
        title,
        subtitle: subtitle(result),
        panels: vec![Panel { series: vec![way], marks, ..panel }],
    })
}

/// Loss and error of random points, sorted: what share of them lies below.
fn losses(result: &SimplexResult) -> Figure {
    let sorted = |label: &str, name: String, style: Style| {
        let mut y: Vec<f64> = result.array(&name).into_iter().filter(|y| y.is_finite()).collect();
        y.sort_by(f64::total_cmp);
        let x = (0..y.len()).map(|i| (i as f64 + 0.5) / y.len() as f64).collect();
        Series { label: label.to_owned(), x, y, style, ..Series::default() }
    };
    let Simplex { settings, vertices, .. } = &result.numbers;
    let panel = |measure: &str, label: String, scale: Scale, minima: f64| {
        let mut series = Vec::new();
        for (words, of) in [("flat simplex of the minima", "flat"), (settings.complex_name(), "complex")] {
            series.push(sorted(
                &format!("{words} (dashed: test)"),
                format!("{of}_train_{measure}"),
                Style::Line,
            ));
            // A dashed curve has the colour of the solid one before it.
            series.push(sorted("", format!("{of}_test_{measure}"), Style::Dashed));
        }
        series.push(Series {
            label: "minima, mean".to_owned(),
            x: vec![0.0, 1.0],
            y: vec![minima; 2],
            ..Series::default()
        });
        Panel {
            x: axis("share of random points", Scale::Linear),
            y: axis(&label, scale),
            series,
            ..Panel::default()
        }
    };
    let panels = [
        panel("loss", loss(result, "loss"), Scale::Auto, vertices.mean.train_loss),
        panel("error", "error".to_owned(), Scale::Linear, vertices.mean.train_error),
    ];
    let points = settings.points;
    Figure {
        name: "losses".to_owned(),
        chart: "lines".to_owned(),
        title: "Losses at random points, sorted".to_owned(),
        subtitle: format!("{}; {points} points of each simplex", subtitle(result)),
        panels: Panel::shown(panels),
    }
}

/// Error and loss of points that predict together.
fn ensembles(result: &SimplexResult) -> Figure {
    let Simplex { subject, settings, vertices, .. } = &result.numbers;
    let (part, words, train) = together::part(subject.samples);
    let [error_of_one, loss_of_one] = vertices.mean.part(train);
    let points = format!("points of the {}", settings.complex_name());
    let panel = |measure: &str, label: String, single: f64| {
        let of = |name: &str| result.array(&format!("{name}_{part}_{measure}"));
        let curves = [("minima", of(ENSEMBLES[0])), (points.as_str(), of(ENSEMBLES[1]))];
        together::panel(&label, &curves, &[("one minimum, mean", single)])
    };
    let panels = [
        panel("error", format!("{words} error"), error_of_one),
        panel("loss", loss(result, &format!("{words} loss")), loss_of_one),
    ];
    Figure {
        name: "ensembles".to_owned(),
        chart: "lines".to_owned(),
        title: "Ensembles of minima, and of points between them".to_owned(),
        subtitle: subtitle(result),
        panels: Panel::shown(panels),
    }
}

/// The loss of mini-batches at random points, by epochs.
fn training(result: &SimplexResult) -> Option<Figure> {
    let (x, y) = (result.array("epoch"), result.array("epoch_loss"));
    if x.is_empty() {
        return None;
    }
    let panel = Panel {
        x: axis("epoch", Scale::Linear),
        y: axis(&loss(result, "mean loss of mini-batches at random points"), Scale::Auto),
        series: vec![Series { x, y, ..Series::default() }],
        ..Panel::default()
    };
    Some(Figure {
        name: "training".to_owned(),
        chart: "lines".to_owned(),
        title: "Training of the connecting points".to_owned(),
        subtitle: subtitle(result),
        panels: vec![panel],
    })
}
