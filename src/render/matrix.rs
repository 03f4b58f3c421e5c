//! Values between pairs of named things, a cell each, with the value in it where there is room. Rows go down from the top.
//! A panel's marks name rows and columns: at their y stands
//! their label, the same for the column of that number; its axes' labels, where there are some, say what they are of. The diagonal of a square of named things, a thing and itself, stays
//! empty; without names it is a square of places, as the pixels of an image are.

use super::canvas::{Anchor, Rect, Type, pen, text};
use super::contour::{contrast, scale_of};
use super::curves::{Entry, Key, MISSING};
use super::page::{Page, columns, hatch, nothing};
use super::style::{Style, size};
use super::ticks::labels;
use super::{Draw, Drawing, colorbar, font};
use crate::base::registry::Kind;
use crate::figure::{Figure, Grid, Panel};
use serde::{Deserialize, Serialize};

/// A table of colours.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Matrix {}

impl Kind for Matrix {
    const NAME: &'static str = "matrix";
    const SUMMARY: &'static str = "values between pairs of named things, a coloured cell each";
}

/// Room between a panel's area and its names or its bar.
const GAP: f64 = 4.0;
/// Width of the longest name; the rest of one that is longer is left out.
const LONGEST: f64 = 90.0;

impl Draw for Matrix {
    fn draw(&self, figure: &Figure, style: &Style) -> Drawing {
        // Panels of one quantity share its scale; losses and errors do not compare.
        let shared = |panel: &Panel| {
            let alike = figure.panels.iter().filter(|other| other.z == panel.z);
            let grids = alike.flat_map(|p| p.grids.iter().map(|g| shown(p, g))).collect();
            scale_of(&Figure { panels: vec![Panel { grids, ..panel.clone() }], ..figure.clone() }, style)
        };
        let scales: Vec<colorbar::Scale> = figure.panels.iter().map(shared).collect();
        let lost = |p: &Panel| p.grids.iter().any(|g| shown(p, g).values.iter().any(|v| !v.is_finite()));
        let hatched = figure.panels.iter().any(lost);
        let hatched = hatched.then(|| Entry { keys: vec![Key::Hatch], label: MISSING.to_owned() });
        let (columns, width) = style.columns([330.0, 560.0, 740.0], columns(figure.panels.len()));
        let mut page = Page::new(figure, style, width, hatched.as_slice());
        let names = |p: &Panel| -> Vec<f64> {
            let places = p.grids.iter().flat_map(|g| g.x.iter().chain(&g.y));
            places.map(|at| font::width(&name(p, *at), size::TICK, false)).collect()
        };
        let widest = figure.panels.iter().flat_map(names).fold(0.0, f64::max).min(LONGEST);
        let bar = |side: f64| {
            let widths = figure.panels.iter().zip(&scales).map(|(p, s)| s.width(&p.z.label, side));
            widths.fold(0.0, f64::max)
        };
        let each = (width - 2.0 * size::MARGIN) / columns as f64;
        let line = size::LABEL * size::LEADING;
        let titled = figure.panels.iter().any(|p| !p.y.label.is_empty());
        let beside = widest + if titled { line } else { 0.0 };
        let side = each - beside - 2.0 * GAP - bar(each / 2.0) - 10.0;
        for (panels, scales) in figure.panels.chunks(columns).zip(scales.chunks(columns)) {
            let title = Page::title_height(panels.iter().map(|p| &p.title), each - 10.0);
            let mut lowest = page.top;
            for (i, (panel, scale)) in panels.iter().zip(scales).enumerate() {
                let left = size::MARGIN + i as f64 * each;
                page.panel_title(&panel.title, left, each - 10.0);
                let rect = Rect {
                    left: left + beside + GAP,
                    top: page.top + title + 2.0,
                    width: side,
                    height: side,
                };
                let mut foot = table(&mut page, panel, scale, rect);
                let how = text(size::LABEL, style.theme.ink(), Anchor::Middle);
                if !panel.x.label.is_empty() {
                    foot += line;
                    let at = (rect.left + side / 2.0, rect.bottom() + foot - 0.3 * size::LABEL);
                    page.canvas.text(at, &panel.x.label, how);
                }
                if !panel.y.label.is_empty() {
                    let at = (left + 0.7 * line, rect.top + side / 2.0);
                    page.canvas.text(at, &panel.y.label, Type { angle: -90.0, ..how });
                }
                scale.draw(
                    &mut page.canvas,
                    style.theme,
                    &panel.z.label,
                    rect.right() + 2.0 * GAP,
                    rect.top,
                    side,
                );
                lowest = f64::max(lowest, rect.bottom() + foot);
            }
            page.top = lowest + 8.0;
        }
        page.top -= 8.0;
        page.finish()
    }
}

/// Whether a grid is of pairs of the same named things.
fn paired(panel: &Panel, grid: &Grid) -> bool {
    grid.x == grid.y && !panel.marks.is_empty()
}

/// A grid without what stays empty.
fn shown(panel: &Panel, grid: &Grid) -> Grid {
    if !paired(panel, grid) {
        return grid.clone();
    }
    let n = grid.x.len();
    let apart = |i: &usize| i / n != i % n;
    let values = (0..n * n).filter(apart).map(|i| grid.values[i]).collect();
    Grid { values, ..grid.clone() }
}

/// What a row or column is called: by the mark at its place, else by its number.
fn name(panel: &Panel, at: f64) -> String {
    let mark = panel.marks.iter().find(|m| m.y == at);
    mark.map_or_else(|| labels(&[at]).concat(), |m| m.label.clone())
}

/// What is written into cells: on a linear scale all with as many decimals as tell a twelfth of their range, on a logarithmic
/// one two digits of each.
fn written(grid: &Grid, scale: &colorbar::Scale) -> Vec<String> {
    let range = scale.span.high - scale.span.low;
    let decimals = (-(range / 12.0).log10()).ceil().clamp(0.0, 9.0) as usize;
    let word = |value: f64| match value.is_finite() {
        false => String::new(),
        true if scale.span.log || decimals > 4 || value.abs() >= 1e5 => {
            let rounded: f64 = format!("{value:.1e}").parse().unwrap_or(value);
            labels(&[rounded]).concat()
        }
        true => format!("{value:.decimals$}").replace('-', "−"),
    };
    grid.values.iter().map(|v| word(*v)).collect()
}

/// Cells and names; returns the room that the names below take.
fn table(page: &mut Page, panel: &Panel, scale: &colorbar::Scale, rect: Rect) -> f64 {
    let theme = page.style.theme;
    let Some(grid) = panel.grids.first().filter(|g| !g.values.is_empty()) else {
        nothing(&mut page.canvas, rect, theme);
        page.canvas.outline(&rect.corners(), pen(theme.ink(), size::AXIS));
        return size::TICK;
    };
    let (w, h) = (grid.x.len(), grid.y.len());
    let cell = (rect.width / w as f64, rect.height / h as f64);
    let square = paired(panel, grid);
    let words = written(grid, scale);
    let widest = words.iter().map(|t| font::width(t, 1.0, false)).fold(0.1, f64::max);
    let points = size::TICK.min((cell.0 - 2.0) / widest).min(0.6 * cell.1);
    let off = |i: usize| !(square && i / w == i % w);
    for (i, value) in grid.values.iter().enumerate().filter(|(i, _)| off(*i)) {
        let (left, top) = (rect.left + (i % w) as f64 * cell.0, rect.top + (i / w) as f64 * cell.1);
        let place = Rect { left, top, width: cell.0, height: cell.1 };
        if !value.is_finite() {
            page.canvas.clipped(place, |canvas| hatch(canvas, place, theme));
            continue;
        }
        let ink = scale.ink(*value);
        page.canvas.pixels(&[place], ink);
        if points >= 4.5 {
            let at = (left + cell.0 / 2.0, top + cell.1 / 2.0 + font::MIDDLE * points);
            page.canvas.text(at, &words[i], text(points, contrast(ink), Anchor::Middle));
        }
    }
    page.canvas.outline(&rect.corners(), pen(theme.ink(), size::AXIS));
    // Every name, or every second one, and so on, as there is room.
    let every = |room: f64| (size::TICK * 1.25 / room).ceil().max(1.0) as usize;
    for (j, y) in grid.y.iter().enumerate().step_by(every(cell.1)) {
        let at = (rect.left - GAP, rect.top + (j as f64 + 0.5) * cell.1 + font::MIDDLE * size::TICK);
        let label =
            font::wrap(&name(panel, *y), size::TICK, false, LONGEST).into_iter().next().unwrap_or_default();
        page.canvas.text(at, &label, text(size::TICK, theme.ink(), Anchor::End));
    }
    let below: Vec<String> = grid
        .x
        .iter()
        .map(|x| {
            font::wrap(&name(panel, *x), size::TICK, false, LONGEST).into_iter().next().unwrap_or_default()
        })
        .collect();
    let widest = below.iter().map(|t| font::width(t, size::TICK, false)).fold(0.0, f64::max);
    let upright = widest + 4.0 <= cell.0;
    for (i, label) in below.iter().enumerate().step_by(if upright { 1 } else { every(cell.0) }) {
        let x = rect.left + (i as f64 + 0.5) * cell.0;
        if upright {
            let at = (x, rect.bottom() + GAP + 0.75 * size::TICK);
            page.canvas.text(at, label, text(size::TICK, theme.ink(), Anchor::Middle));
        } else {
            let how = Type { angle: -90.0, ..text(size::TICK, theme.ink(), Anchor::End) };
            page.canvas.text((x + font::MIDDLE * size::TICK, rect.bottom() + GAP), label, how);
        }
    }
    GAP + if upright { size::TICK } else { widest }
}
