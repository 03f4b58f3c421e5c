//! Measures over two axes: cells in the plane of two axes of numbers, or a table where an axis has only names.

use super::axis::Axis;
use super::figures::{axis, grouped, of_case, summed};
use super::result::{Numbers, finite};
use super::written::Drawing;
use crate::figure::{self, Grid, Mark, Panel, Scale};

/// The chart and its panels: one for each measure and each group of cases.
pub(super) fn panels(numbers: &Numbers, drawing: &Drawing, cases: &[usize]) -> (&'static str, Vec<Panel>) {
    let recipe = numbers.recipe;
    let along = |name: &str| recipe.axes.iter().position(|a| a.name == name);
    let (Some(across), Some(up)) = (along(&drawing.x), along(&drawing.grid)) else {
        return ("matrix", Vec::new());
    };
    let named = !(recipe.axes[across].is_numeric() && recipe.axes[up].is_numeric());
    let mut panels: Vec<Panel> = Vec::new();
    for (measure, table) in drawing.y.iter().flat_map(|y| y.all()).filter_map(|name| numbers.measure(name)) {
        for (title, members) in grouped(numbers, cases, &drawing.by, &[&drawing.x, &drawing.grid]) {
            // The centre over the cases at a point of either axis.
            let value = |column: usize, row: usize| {
                let here = |c: &&usize| {
                    let case = &recipe.cases[**c];
                    (case[across], case[up]) == (column, row)
                };
                let all: Vec<(f64, bool)> =
                    members.iter().filter(here).flat_map(|c| of_case(numbers, measure, table, *c)).collect();
                summed(measure, &all)[0]
            };
            let axes = [&recipe.axes[across], &recipe.axes[up]];
            let panel = if named { of_names(axes, &value) } else { of_places(axes, &value) };
            let z = axis(&measure.label, drawing.y_scale.unwrap_or(measure.scale));
            panels.push(Panel { title, z, ..panel });
        }
    }
    // Panels of one measure have one scale.
    let scales: Vec<figure::Axis> = panels.iter().map(|panel| shared(&panels, &panel.z)).collect();
    panels.iter_mut().zip(scales).for_each(|(panel, z)| panel.z = z);
    (if named { "matrix" } else { "contour" }, panels)
}

/// The scale of the colours over all panels of a measure: signed where a good part of the values is on either side of zero,
/// from 0 to 1 for shares, which so are alike in all figures.
fn shared(panels: &[Panel], z: &figure::Axis) -> figure::Axis {
    let alike = panels.iter().filter(|p| p.z.label == z.label);
    let all = finite(alike.flat_map(|p| &p.grids).flat_map(|g| g.values.iter().copied()));
    let (Some(low), Some(high)) = (all.first().copied(), all.last().copied()) else { return z.clone() };
    let both = f64::min(-low, high) > 0.05 * f64::max(-low, high);
    let plain = matches!(z.scale, Scale::Auto | Scale::Linear);
    let scale = if both && plain { Scale::Signed } else { z.scale };
    let shares = z.scale == Scale::Linear && low >= 0.0 && high <= 1.0 && high > 0.5;
    let several = panels.len() > 1 && low < high && scale != Scale::Signed;
    let range = shares.then_some((0.0, 1.0)).or(several.then_some((low, high)));
    figure::Axis { scale, range, ..z.clone() }
}

/// The points of two axes of numbers where they stand.
fn of_places([across, up]: [&Axis; 2], value: &dyn Fn(usize, usize) -> f64) -> Panel {
    let sorted = |axis: &Axis| {
        let mut all: Vec<(f64, usize)> = axis.positions().into_iter().zip(0..).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        all
    };
    let (xs, ys) = (sorted(across), sorted(up));
    let values = ys.iter().flat_map(|y| xs.iter().map(|x| value(x.1, y.1))).collect();
    let at = |all: &[(f64, usize)]| all.iter().map(|place| place.0).collect();
    // What is not said to be logarithmic is linear.
    let of = |a: &Axis| axis(&a.label, if a.scale == Scale::Auto { Scale::Linear } else { a.scale });
    Panel {
        x: of(across),
        y: of(up),
        grids: vec![Grid { x: at(&xs), y: at(&ys), values }],
        ..Panel::default()
    }
}

/// A table: a column and a row for each point, by its name. Rows are numbered from 0 on, and columns after them.
fn of_names([across, up]: [&Axis; 2], value: &dyn Fn(usize, usize) -> f64) -> Panel {
    let (columns, rows) = (across.places.len(), up.places.len());
    let values = (0..rows).flat_map(|row| (0..columns).map(move |column| value(column, row))).collect();
    let names = up.places.iter().chain(&across.places).enumerate();
    let mark = |(i, place): (usize, &super::axis::Place)| Mark {
        x: f64::NAN,
        y: i as f64,
        label: place.name.clone(),
    };
    let numbered = |from: usize, count: usize| (from..from + count).map(|i| i as f64).collect();
    // Names say what they are of.
    let title = |a: &Axis| axis(if a.is_numeric() { &a.label } else { "" }, Scale::Linear);
    Panel {
        x: title(across),
        y: title(up),
        grids: vec![Grid { x: numbered(rows, columns), y: numbered(0, rows), values }],
        marks: names.map(mark).collect(),
        ..Panel::default()
    }
}
