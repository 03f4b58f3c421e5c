//! Pictures of a connection: the losses along t, the plane that the curve lies in, how the curve was trained.

use super::ConnectResult;
use crate::analyses::plane;
use crate::analyses::statistics::NO_STATISTICS;
use crate::figure::{Axis, Figure, Mark, Panel, Scale, Series, Style};
use crate::landscape::alignments::Align;
use crate::nn::losses::Loss;

fn axis(label: &str, scale: Scale) -> Axis {
    Axis { label: label.to_owned(), scale, range: None }
}

/// All figures that there are numbers for.
pub fn figures(result: &ConnectResult) -> Vec<Figure> {
    let planes = [("plane", "train", "loss"), ("plane", "test", "error"), ("permuted", "train", "loss")];
    let planes = planes.into_iter().filter_map(|(name, part, what)| map_of(result, name, part, what));
    std::iter::once(along(result)).chain(planes).chain(training(result)).collect()
}

/// What the axis of the loss is called.
fn loss(result: &ConnectResult, what: &str) -> String {
    let loss = result.summary().get("loss").cloned().unwrap_or_default();
    serde_json::from_value::<Loss>(loss).map_or_else(|_| what.to_owned(), |l| l.axis(what))
}

fn subtitle(result: &ConnectResult) -> String {
    let statistics = match result.text("norm_statistics") {
        NO_STATISTICS | "" => String::new(),
        words => format!("; statistics {words}"),
    };
    let n = result.number(&["samples", "train"]);
    format!("{}; {n} training samples{statistics}", result.text("title"))
}

/// A number of a title.
fn short(x: f64) -> String {
    match x.abs() {
        0.0 => "0".to_owned(),
        a if a >= 100.0 => format!("{x:.0}"),
        a if a >= 1.0 => format!("{x:.2}"),
        a if a >= 0.01 => format!("{x:.3}"),
        a if a.is_finite() => format!("{x:.1e}"),
        _ => "not finite".to_owned(),
    }
}

/// Losses and errors along t.
fn along(result: &ConnectResult) -> Figure {
    let t = result.array("t");
    let curve = result.settings.curve_name();
    let aligned =
        result.settings.align.as_ref().map_or_else(String::new, |a| format!("line after {}", a.words()));
    let repaired = if aligned.is_empty() { "line, REPAIR".to_owned() } else { format!("{aligned}, REPAIR") };
    let ways = [
        ("linear", "straight line"),
        ("aligned", aligned.as_str()),
        ("repaired", repaired.as_str()),
        ("curve", curve.as_str()),
        ("band", "AutoNEB band"),
    ];
    let panel = |what: &str, label: String| {
        let mut panel = Panel {
            x: axis("t, from A (0) to B (1)", Scale::Linear),
            y: axis(&label, Scale::Linear),
            ..Panel::default()
        };
        for (way, name) in ways {
            for (part, style) in [("train", Style::Line), ("test", Style::Dashed)] {
                let y = result.array(&format!("{way}_{part}_{what}"));
                if !y.iter().any(|y| y.is_finite()) {
                    continue;
                }
                if part == "train" {
                    let ends = [(0.0, y[0], "A"), (1.0, y[y.len() - 1], "B")];
                    let marks = ends.into_iter().filter(|_| way == "linear");
                    panel.marks.extend(marks.map(|(x, y, label)| Mark { x, y, label: label.to_owned() }));
                }
                // A dashed curve has the colour of the solid one before it.
                let label = if part == "train" { format!("{name} (dashed: test)") } else { String::new() };
                panel.series.push(Series { label, x: t.clone(), y, style, ..Series::default() });
            }
        }
        panel
    };
    let panels = [panel("loss", loss(result, "loss")), panel("error", "error".to_owned())];
    let words = [
        ("linear", "on the line"),
        ("aligned", "aligned"),
        ("repaired", "repaired"),
        ("curve", "on the curve"),
        ("band", "on the band"),
    ];
    let barrier = |(way, words): (&str, &str)| {
        let barrier = result.summary().get(way)?["barrier"].as_f64();
        Some(format!("{} {words}", short(barrier.unwrap_or(f64::NAN))))
    };
    let barriers: Vec<String> = words.into_iter().filter_map(barrier).collect();
    let barriers = barriers.join(", ");
    Figure {
        name: "paths".to_owned(),
        chart: "lines".to_owned(),
        title: format!("Barrier: {barriers}"),
        subtitle: subtitle(result),
        panels: Panel::shown(panels),
    }
}

/// A map over the plane of the curve, with the line and the curve on it.
fn map_of(result: &ConnectResult, name: &str, part: &str, what: &str) -> Option<Figure> {
    let permuted = name == "permuted";
    let array = |part: &str| result.array(&format!("{name}_{part}"));
    let (cx, cy) = (array("control_x"), array("control_y"));
    let last = cx.len().checked_sub(1)?;
    let aligned = result.settings.align.as_ref().map_or("", |a| a.words());
    let end = if aligned.is_empty() || permuted { "B" } else { "B permuted" };
    let name_of = |k: usize| match k {
        0 => "A".to_owned(),
        k if k == last => end.to_owned(),
        k if last == 2 => format!("bend{}", if k == 1 { "" } else { "s" }),
        _ => "bends".to_owned(),
    };
    let words = if part == "train" { "training" } else { "test" };
    let label = match what {
        "loss" => loss(result, &format!("{words} loss")),
        _ => format!("{words} error"),
    };
    let line = |label: &str, x: [f64; 2], y: [f64; 2]| Series {
        label: label.to_owned(),
        x: x.to_vec(),
        y: y.to_vec(),
        style: Style::Dashed,
        ..Series::default()
    };
    let places = cx.iter().zip(&cy).enumerate();
    let mut marks: Vec<Mark> = places.map(|(k, (x, y))| Mark { x: *x, y: *y, label: name_of(k) }).collect();
    let straight = line("straight line", [cx[0], cx[last]], [cy[0], cy[last]]);
    let series = if permuted {
        // The third point of this plane.
        let [x, y] = *array("third").as_slice() else { return None };
        marks.push(Mark { x, y, label: "B permuted".to_owned() });
        let label = format!("line after {aligned}");
        vec![straight, Series { style: Style::Line, ..line(&label, [cx[0], x], [cy[0], y]) }]
    } else {
        let (x, y) = (array("path_x"), array("path_y"));
        vec![straight, Series { label: result.settings.curve_name(), x, y, ..Series::default() }]
    };
    let off = result.number(&[name, "off"]);
    // Rounding of single precision is no distance.
    let projected =
        if off > 1e-4 { format!(" (projected, at most {} off)", short(off)) } else { String::new() };
    let scale = if what == "loss" { Scale::Auto } else { Scale::Linear };
    let axes = ["from A (0) to B (1)", "across, same unit", &label];
    let map = plane::panel(&array, &format!("{part}_{what}"), axes, scale)?;
    let panel = Panel { series, marks, ..map };
    let mut heading = label.split(" (").next().unwrap_or_default().to_owned();
    heading[..1].make_ascii_uppercase();
    Some(Figure {
        name: if what == "error" { format!("{name}-error") } else { name.to_owned() },
        chart: "contour".to_owned(),
        title: if permuted {
            format!("{heading} between A, B and B permuted")
        } else {
            format!("{heading} in the plane of the curve{projected}")
        },
        subtitle: subtitle(result),
        panels: vec![panel],
    })
}

/// The loss of mini-batches on the curve, by epochs.
fn training(result: &ConnectResult) -> Option<Figure> {
    let (x, y) = (result.array("epoch"), result.array("epoch_loss"));
    if x.is_empty() {
        return None;
    }
    let panel = Panel {
        x: axis("epoch", Scale::Linear),
        y: axis(&loss(result, "mean loss of mini-batches at random places"), Scale::Auto),
        series: vec![Series { label: result.settings.curve_name(), x, y, ..Series::default() }],
        ..Panel::default()
    };
    Some(Figure {
        name: "training".to_owned(),
        chart: "lines".to_owned(),
        title: format!("Training of the curve: {}", result.settings.curve_name()),
        subtitle: subtitle(result),
        panels: vec![panel],
    })
}
