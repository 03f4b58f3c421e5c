//! Filled contours of a grid: bands of one colour between round levels, labelled iso-lines, a colorbar.
//!
//! The bands are painted from the lowest up, each as the whole area at or above its level, so that no seam can
//! open between two of them. Interpolation is linear in what the colours are linear in: the logarithm, on a
//! logarithmic scale. Several panels share one colour scale, so that networks can be compared.

use super::animation::Moving;
use super::canvas::{Canvas, Point, Rect, pen};
use super::colorbar::Scale;
use super::curves::{Entry, Key, Legend, seen};
use super::isolines::{Field, Iso};
use super::labels::{self, Contour as Line};
use super::page::{self, Page, hatch, nothing};
use super::path;
use super::plane::{Plane, Written, foot, gutter, overhang};
use super::style::{BLACK, Cmap, Ink, Style, WHITE, size};
use super::ticks::{self, Span};
use super::{Draw, Drawing};
use crate::base::registry::Kind;
use crate::figure::{Axis, Figure, Grid, Panel};
use serde::{Deserialize, Serialize};

/// Filled contours with labelled lines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Contour {}

impl Kind for Contour {
    const NAME: &'static str = "contour";
    const SUMMARY: &'static str =
        "filled contours of a grid with labelled lines, paths and marks, one colorbar";
}

/// Bands of colour between two contour lines: the lines carry round values, the colours run smoothly.
const SHADES: usize = 4;
/// Cells a side below which the straight pieces of a contour show.
const SMOOTH: usize = 100;
/// Points a side below which what lies between them is a guess: they are drawn, so that nobody takes it for measured.
const FEW: usize = 25;
/// Points a side beyond which nothing more is seen.
const MOST: usize = 400;

impl Draw for Contour {
    fn draw(&self, figure: &Figure, style: &Style) -> Drawing {
        let legend = Legend::of(figure, style.theme, true);
        let over = |canvas: &mut Canvas, plane: &Plane, panel: &Panel, written| {
            legend.draw(canvas, plane, panel);
            plane.frame(canvas, style.theme, panel, written);
        };
        laid_out(figure, style, over).finish()
    }

    fn maps(&self) -> bool {
        true
    }

    fn moving<'a>(&self, figure: &'a Figure, style: &'a Style) -> Option<Moving<'a>> {
        if !figure.panels.iter().flat_map(|p| &p.series).any(path::moves) {
            return None;
        }
        let legend = Legend::of(figure, style.theme, true);
        let mut planes = Vec::new();
        let ground = laid_out(figure, style, |canvas, plane, panel, written| {
            plane.frame(canvas, style.theme, panel, written);
            planes.push(*plane);
        });
        let size = ground.size();
        let frame = move |i: usize| {
            let mut canvas = Canvas::default();
            for (plane, panel) in planes.iter().zip(&figure.panels) {
                path::draw(&mut canvas, plane, panel, &legend, path::share(i));
            }
            canvas.finish(size, style.scale(), None, [""; 2])
        };
        Some(Moving {
            ground: Some(ground.finish()),
            still: Some(self.draw(figure, style)),
            delays: path::delays(),
            frame: Box::new(frame),
        })
    }
}

/// The page with the panels' maps and the colorbar; `over` draws what lies on each map, and its axes.
fn laid_out<'a>(
    figure: &Figure,
    style: &'a Style,
    mut over: impl FnMut(&mut Canvas, &Plane, &Panel, Written),
) -> Page<'a> {
    let legend = Legend::of(figure, style.theme, true);
    let mut entries = legend.entries(figure);
    if figure.panels.iter().flat_map(|p| &p.grids).any(has_holes) {
        entries.push(Entry { keys: vec![Key::Hatch], label: "not finite".to_owned() });
    }
    let scale = scale_of(figure, style);
    let cells = figure.panels.iter().flat_map(|p| &p.grids).any(|grid| rough(grid, &scale.span));
    let z = figure.panels.first().map_or(String::new(), |p| p.z.label.clone());

    let (columns, width) = style.columns([360.0, 530.0, 720.0], page::columns(figure.panels.len()));
    let mut page = Page::new(figure, style, width, &entries);
    let reach = |panel: &Panel| {
        let (x, y) = map_ends(panel);
        match panel.grids.first().filter(|_| cells) {
            Some(grid) => (whole_cells(x, &panel.x, &grid.x), whole_cells(y, &panel.y, &grid.y)),
            None => (x, y),
        }
    };
    let planes: Vec<(Span, Span)> = figure.panels.iter().map(reach).collect();
    let shared = Shared::of(figure, &planes);
    // The gutter depends on the ticks, those on the height: a guess that is a little too high is safe.
    let guess = 1.25 * width / columns as f64;
    let gutter =
        figure.panels.iter().zip(&planes).map(|(p, (_, y))| gutter(y, &p.y.label, guess)).fold(0.0, f64::max);
    let inner =
        if shared.y { planes.iter().map(|(x, _)| overhang(x, guess)).fold(0.0, f64::max) } else { gutter };
    let gap = 12.0;
    let more = (columns - 1) as f64;
    let sides = 2.0 * size::MARGIN + gutter + more * inner + columns as f64 * gap;
    let full = (width - sides - scale.width(&z, guess)) / columns as f64;

    // The one colorbar stands beside all rows, from the top of the first to the bottom of the last.
    let (mut right, mut from, mut to) = (0.0_f64, None, page.top);
    for (row, (panels, spans)) in figure.panels.chunks(columns).zip(planes.chunks(columns)).enumerate() {
        let title = Page::title_height(panels.iter().map(|p| &p.title), full);
        let areas: Vec<(f64, f64)> = spans.iter().map(|(x, y)| area(x, y, full)).collect();
        let height = areas.iter().map(|a| a.1).fold(0.0, f64::max);
        let mut under = 0.0_f64;
        for (i, panel) in panels.iter().enumerate() {
            let left = size::MARGIN + gutter + i as f64 * (inner + full + gap);
            page.panel_title(&panel.title, left, full);
            let rect = Rect { left, top: page.top + title, width: areas[i].0, height: areas[i].1 };
            let plane = Plane { x: spans[i].0, y: spans[i].1, rect };
            let below = (row + 1) * columns + i < figure.panels.len();
            let written = Written { x: !(shared.x && below), y: !(shared.y && i > 0) };
            draw_map(&mut page, &plane, panel, &scale, cells);
            over(&mut page.canvas, &plane, panel, written);
            under = under.max(if written.x { foot(&panel.x.label, full) } else { size::TICK_LENGTH });
            right = right.max(rect.right());
        }
        from = from.or(Some(page.top + title));
        to = page.top + title + height;
        page.top = to + under + gap;
    }
    page.close();
    if let Some(from) = from {
        scale.draw(&mut page.canvas, style.theme, &z, right + gap, from, to - from);
        page.top -= gap;
    }
    page
}

/// Axes that are the same in all panels: their numbers and titles are written once a row or column.
struct Shared {
    x: bool,
    y: bool,
}

impl Shared {
    fn of(figure: &Figure, planes: &[(Span, Span)]) -> Self {
        let same = |w: &[Panel], label: fn(&Panel) -> &String| label(&w[0]) == label(&w[1]);
        let (panels, spans) = (|| figure.panels.windows(2), || planes.windows(2));
        Self {
            x: panels().all(|w| same(w, |p| &p.x.label)) && spans().all(|w| w[0].0 == w[1].0),
            y: panels().all(|w| same(w, |p| &p.y.label)) && spans().all(|w| w[0].1 == w[1].1),
        }
    }
}

fn has_holes(grid: &Grid) -> bool {
    grid.values.iter().any(|v| !v.is_finite())
}

/// The colour scale over all panels.
pub fn scale_of(figure: &Figure, style: &Style) -> Scale {
    let values = || figure.panels.iter().flat_map(|p| &p.grids).flat_map(|g| &g.values).copied();
    let mut axis = figure.panels.first().map_or(Axis::default(), |p| p.z.clone());
    axis.scale = match style.log {
        Some(true) => crate::figure::Scale::Log,
        Some(false) => crate::figure::Scale::Linear,
        None => axis.scale,
    };
    let signed = axis.scale == crate::figure::Scale::Signed && style.vmin.is_none() && style.vmax.is_none();
    let center = style.center.or(signed.then_some(0.0));
    let (low, high) = match center {
        Some(center) => {
            axis.scale = crate::figure::Scale::Linear;
            let far = |reach: f64, v: f64| if v.is_finite() { reach.max((v - center).abs()) } else { reach };
            let reach = values().fold(0.0, far);
            (Some(center - reach), Some(center + reach))
        }
        None => (style.vmin, style.vmax),
    };
    // The default map is no diverging one.
    let cmap = if center.is_some() && style.cmap == Cmap::Viridis { Cmap::Balance } else { style.cmap };
    let span = Span::of(values(), &axis, low, high);
    let levels = span.levels(style.levels);
    let ends: Vec<f64> = [span.low].into_iter().chain(levels.iter().copied()).chain([span.high]).collect();
    let between = |w: &[f64], share: f64| span.value(span.at(w[0]) * (1.0 - share) + span.at(w[1]) * share);
    let parts = if style.coarse { 1 } else { SHADES };
    let shades =
        |w: &[f64]| -> Vec<f64> { (1..parts).map(|k| between(w, k as f64 / parts as f64)).collect() };
    let mut edges: Vec<f64> = ends.windows(2).flat_map(|w| [vec![w[0]], shades(w)].concat()).collect();
    edges.push(span.high);
    let finite = || values().filter(|v| v.is_finite());
    let (below, above) = (finite().any(|v| v < span.low), finite().any(|v| v > span.high));
    Scale { span, edges, levels, cmap, below, above }
}

/// The ends of a panel's axes as surfaces have them, linear: its grid's, or given.
pub fn ends(panel: &Panel) -> (Span, Span) {
    spread(panel, |_| crate::figure::Scale::Linear)
}

/// The same for a map, whose axes may be logarithmic where that is asked for.
fn map_ends(panel: &Panel) -> (Span, Span) {
    use crate::figure::Scale;
    spread(panel, |scale| match scale {
        Scale::Log | Scale::LogZero => scale,
        _ => Scale::Linear,
    })
}

fn spread(panel: &Panel, scale: fn(crate::figure::Scale) -> crate::figure::Scale) -> (Span, Span) {
    let of = |axis: &Axis, pick: fn(&Grid) -> &Vec<f64>| {
        let axis = Axis { scale: scale(axis.scale), ..axis.clone() };
        Span::of(panel.grids.iter().flat_map(pick).copied(), &axis, None, None)
    };
    (of(&panel.x, |g| &g.x), of(&panel.y, |g| &g.y))
}

/// Width and height of a plot area: equal scales where that gives a usable shape, else square.
fn area(x: &Span, y: &Span, full: f64) -> (f64, f64) {
    let ratio = (y.high - y.low) / (x.high - x.low);
    let bent = |s: &Span| s.log || s.knee > 0.0;
    if bent(x) || bent(y) || !(0.4..=2.5).contains(&ratio) {
        return (full, full);
    }
    let height = (full * ratio).min(1.25 * full);
    (height / ratio, height)
}

/// The grid as a field in shares of the colour scale; a single row or column is widened to a strip.
pub fn field(grid: &Grid, span: &Span, x: &Span, y: &Span) -> Field {
    // As far as axes reach: beyond, steps between coordinates overflow.
    let within =
        |all: &[f64]| -> Vec<f64> { all.iter().map(|v| v.clamp(-ticks::MOST, ticks::MOST)).collect() };
    let (mut xs, mut ys) = (within(&grid.x), within(&grid.y));
    let mut values: Vec<f64> =
        grid.values.iter().map(|v| if v.is_finite() { span.at(*v) } else { f64::NAN }).collect();
    if xs.len() == 1 {
        xs = vec![x.low, x.high];
        values = values.into_iter().flat_map(|v| [v, v]).collect();
    }
    if ys.len() == 1 {
        ys = vec![y.low, y.high];
        values.extend_from_within(..);
    }
    Field { x: xs, y: ys, values }
}

/// Every k-th row and column of a grid that has more than `most` a side, its last ones too.
pub fn thinned(grid: &Grid, most: usize) -> Grid {
    let (w, h) = (grid.x.len(), grid.y.len());
    let pick = |n: usize| -> Vec<usize> {
        let step = n.div_ceil(most).max(1);
        (0..n).filter(|i| i % step == 0 || i + 1 == n).collect()
    };
    let (columns, rows) = (pick(w), pick(h));
    Grid {
        x: columns.iter().map(|&i| grid.x[i]).collect(),
        y: rows.iter().map(|&j| grid.y[j]).collect(),
        values: rows.iter().flat_map(|&j| columns.iter().map(move |&i| grid.values[j * w + i])).collect(),
    }
}

/// Whether contours of a grid would be drawn around single points: it is small, and has so few points a side or so many
/// extremes that what lies between its points is a guess.
fn rough(grid: &Grid, span: &Span) -> bool {
    const LEAST: usize = 6;
    const EXTREMES: usize = 3;
    const RISE: f64 = 0.02; // of the colour scale
    let (w, h) = (grid.x.len(), grid.y.len());
    if !(2..FEW).contains(&w) || !(2..FEW).contains(&h) {
        return false;
    }
    let at = |i: usize, j: usize| span.at(grid.values[j * w + i]);
    let extreme = |i: usize, j: usize| {
        let around = [-1isize, 0, 1].into_iter().flat_map(|b| [-1isize, 0, 1].map(|a| (a, b)));
        let others = around.filter(|step| *step != (0, 0));
        let differ = others.map(|(a, b)| at(i.wrapping_add_signed(a), j.wrapping_add_signed(b)) - at(i, j));
        let differ: Vec<f64> = differ.collect();
        differ.iter().all(|d| *d > RISE) || differ.iter().all(|d| *d < -RISE)
    };
    let inner = (1..h - 1).flat_map(|j| (1..w - 1).map(move |i| (i, j)));
    w.min(h) < LEAST || inner.filter(|(i, j)| extreme(*i, *j)).count() >= EXTREMES
}

/// An axis that reaches as far beyond its first and last point as their cells do on their other side.
fn whole_cells(span: Span, axis: &Axis, points: &[f64]) -> Span {
    let half = |a: usize, b: usize| 0.5 * (span.at(points[b]) - span.at(points[a]));
    let last = points.len().saturating_sub(1);
    let ends = points.first().zip(points.last()).map(|(a, b)| (span.at(*a), span.at(*b)));
    let tight = ends.is_some_and(|(a, b)| a.abs() < 1e-9 && (b - 1.0).abs() < 1e-9);
    if last == 0 || axis.range.is_some() || !tight {
        return span;
    }
    Span { low: span.value(-half(0, 1)), high: span.value(1.0 + half(last - 1, last)), ..span }
}

/// A grid's points as cells, each reaching half the way to the next.
fn draw_cells(canvas: &mut Canvas, plane: &Plane, grid: &Grid, scale: &Scale) {
    let edges = |all: &[f64], span: &Span| -> Vec<f64> {
        let between = all.windows(2).map(|w| span.value(0.5 * (span.at(w[0]) + span.at(w[1]))));
        [span.low].into_iter().chain(between).chain([span.high]).collect()
    };
    let (xs, ys) = (edges(&grid.x, &plane.x), edges(&grid.y, &plane.y));
    for (k, value) in grid.values.iter().enumerate().filter(|(_, v)| v.is_finite()) {
        let (i, j) = (k % grid.x.len(), k / grid.x.len());
        let (from, to) = (plane.at(xs[i], ys[j + 1]), plane.at(xs[i + 1], ys[j]));
        let cell = Rect { left: from.0, top: from.1, width: to.0 - from.0, height: to.1 - from.1 };
        canvas.pixels(&[cell], scale.ink(*value));
    }
}

fn draw_map(page: &mut Page, plane: &Plane, panel: &Panel, scale: &Scale, cells: bool) {
    let theme = page.style.theme;
    if panel.grids.iter().all(|g| g.values.is_empty()) {
        nothing(&mut page.canvas, plane.rect, theme);
    }
    let mut lines: Vec<Line> = Vec::new();
    // A clip costs a layer as large as the page.
    let within = |span: &Span, all: &[f64]| all.iter().all(|v| (span.low..=span.high).contains(v));
    let outside = !panel.grids.iter().all(|g| within(&plane.x, &g.x) && within(&plane.y, &g.y));
    let smooth = if page.style.coarse { SMOOTH / 2 } else { SMOOTH };
    let inner = scale.edges.get(1..scale.edges.len().saturating_sub(1)).unwrap_or_default();
    let words = ticks::labels(&scale.levels);
    for grid in panel.grids.iter().filter(|g| !g.values.is_empty()) {
        if cells {
            page.canvas.clipped(plane.rect, |canvas| {
                if has_holes(grid) {
                    hatch(canvas, plane.rect, theme);
                }
                draw_cells(canvas, plane, grid, scale);
            });
            continue;
        }
        let coarse = field(&thinned(grid, MOST), &scale.span, &plane.x, &plane.y);
        let field =
            coarse.refined(smooth.div_ceil(coarse.x.len().min(coarse.y.len()).max(2) - 1).clamp(1, 12));
        let on_sheet =
            |points: Vec<Point>| -> Vec<Point> { points.iter().map(|p| plane.at(p.0, p.1)).collect() };
        page.canvas.clipped_if(outside, plane.rect, |canvas| {
            if has_holes(grid) {
                hatch(canvas, plane.rect, theme);
            }
            let extent: Vec<Vec<Point>> = field.extent().into_iter().map(on_sheet).collect();
            let isos: Vec<Iso> =
                inner.iter().map(|level| field.iso(coarse.beside(scale.span.at(*level)))).collect();
            canvas.crisp(|canvas| {
                canvas.fill(&extent, scale.band(0));
                for (k, iso) in isos.iter().enumerate() {
                    let area: Vec<Vec<Point>> = iso.area.iter().cloned().map(on_sheet).collect();
                    canvas.fill(&area, scale.band(k + 1));
                }
            });
            for (k, (level, iso)) in inner.iter().zip(isos).enumerate() {
                let Some(words) = scale.levels.iter().position(|l| l == level).map(|k| words[k].clone())
                else {
                    continue;
                };
                lines.extend(iso.lines.into_iter().map(|l| Line {
                    level: k,
                    words: words.clone(),
                    points: on_sheet(l),
                }));
            }
            for hole in extent.iter().filter(|_| has_holes(grid)) {
                canvas.outline(hole, pen(theme.muted(), 0.4));
            }
            let few = (2..FEW).contains(&grid.x.len()) && (2..FEW).contains(&grid.y.len());
            for (k, value) in grid.values.iter().enumerate().filter(|(_, v)| few && v.is_finite()) {
                let at = plane.at(grid.x[k % grid.x.len()], grid.y[k / grid.x.len()]);
                canvas.dot(at, 0.55, contrast(scale.ink(*value)).alpha(0.4));
            }
        });
    }
    let marks = panel.marks.iter().filter_map(|m| seen(plane, m));
    let paths = panel.series.iter().flat_map(|s| s.x.iter().zip(&s.y)).map(|(x, y)| plane.at(*x, *y));
    let avoid: Vec<Point> = marks.chain(paths).collect();
    let (labels, lines) = labels::place(lines, plane.rect, &avoid);
    let ink = |level: usize| contrast(scale.band(level).mix(scale.band(level + 1), 0.5));
    page.canvas.clipped_if(outside, plane.rect, |canvas| {
        for line in lines {
            canvas.line(&line.points, pen(ink(line.level).alpha(0.55), 0.55));
        }
    });
    for label in labels {
        label.words.draw(&mut page.canvas, ink(label.level).alpha(0.95));
    }
}

/// Black or white, whichever is read better on `ground`.
pub fn contrast(ground: Ink) -> Ink {
    if ground.lightness() > 0.42 { BLACK } else { WHITE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_small_grids_and_the_ends_of_large_ones() {
        let side = |n: usize| -> Vec<f64> { (0..n).map(|i| i as f64).collect() };
        let grid = |w: usize, h: usize| Grid { x: side(w), y: side(h), values: side(w * h) };
        assert_eq!(thinned(&grid(5, 4), 5), grid(5, 4));
        let thin = thinned(&grid(12, 2), 5);
        assert_eq!((thin.x, thin.y), (vec![0.0, 3.0, 6.0, 9.0, 11.0], side(2)));
        assert_eq!(thin.values[4..6], [11.0, 12.0]);
    }
}
