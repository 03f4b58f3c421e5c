//! A grid as a shaded surface in a box, seen in parallel projection, with its contours on the floor.
//!
//! Cells are painted from far to near; for a height field seen in parallel projection any order that is far to
//! near along both axes is exact, so nothing is sorted. Brightness is Lambert's: the cosine between the normal
//! and a light that stands behind the viewer's left shoulder. Heights beyond the colour scale are cut off, so
//! that one spike does not flatten all the rest.

use super::animation::Moving;
use super::canvas::{Canvas, Point, Rect, pen};
use super::colorbar::Scale;
use super::contour::{ends, field, scale_of, thinned};
use super::curves::{Legend, Look, symbol};
use super::isolines::Field;
use super::page::{Page, columns, nothing};
use super::scene::{Scene, View};
use super::style::{BLACK, Ink, Style, WHITE, size};
use super::ticks::Span;
use super::{Draw, Drawing, pdf};
use crate::base::registry::Kind;
use crate::figure::{Figure, Panel};
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;

/// A shaded surface.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Surface {}

impl Kind for Surface {
    const NAME: &'static str = "surface";
    const SUMMARY: &'static str = "a grid as a shaded surface with mesh lines, its contours on the floor";
}

/// Cells a side that shading wants, and the most that are drawn.
const SMOOTH: usize = 72;
const MOST: usize = 160;
/// Mesh lines each way.
const MESH: usize = 25;
/// Width of mesh lines and of the rims of patches.
const RIM: f64 = 0.5;

/// Frames of a whole turn, six degrees apart.
const TURN: usize = 60;
/// Milliseconds a frame: about twelve a second, a turn in five seconds.
const FRAME: u16 = 83;

impl Draw for Surface {
    fn draw(&self, figure: &Figure, style: &Style) -> Drawing {
        picture(figure, style, &Scene::fit)
    }

    fn maps(&self) -> bool {
        true
    }

    fn moving<'a>(&self, figure: &'a Figure, style: &'a Style) -> Option<Moving<'a>> {
        let [panel] = figure.panels.as_slice() else { return None };
        if panel.grids.iter().all(|g| g.values.is_empty()) {
            return None;
        }
        let azimuth = |i: usize| style.azimuth + 360.0 * i as f64 / TURN as f64;
        // The stage is as large as all views together need, and found once.
        let stage: OnceLock<Scene> = OnceLock::new();
        let frame = move |i: usize| {
            let stand = |view: View, spans: [&Span; 3], titles: [&String; 3], width: f64| {
                let around = || (0..TURN).map(|k| View::new(azimuth(k), style.elevation, spans[0], spans[1]));
                let stage = stage
                    .get_or_init(|| Scene::turning(&around().collect::<Vec<View>>(), spans, titles, width));
                stage.seen(view)
            };
            // An azimuth beyond a turn is as good as one within.
            let style = Style { azimuth: azimuth(i), ..style.clone() };
            picture(figure, &style, &stand).svg
        };
        Some(Moving { ground: None, still: None, delays: vec![FRAME; TURN], frame: Box::new(frame) })
    }
}

/// How a box is put on the sheet, seen so, with these axes and titles, in this width.
type Stand<'a> = &'a dyn Fn(View, [&Span; 3], [&String; 3], f64) -> Scene;

fn picture(figure: &Figure, style: &Style, stand: Stand) -> Drawing {
    let mut scale = scale_of(figure, style);
    // Colours run without steps here: the levels are for the lines on the floor.
    scale.edges = (0..=96).map(|k| scale.span.value(f64::from(k) / 96.0)).collect();
    let legend = Legend::of(figure, style.theme, true);
    let (columns, width) = style.columns([380.0, 600.0, 840.0], columns(figure.panels.len()));
    let mut page = Page::new(figure, style, width, &legend.entries(figure));
    let bar = scale.width("", 200.0);
    let gap = 14.0;
    let full = (width - 2.0 * size::MARGIN - bar - gap * columns as f64) / columns as f64;
    // The one colorbar stands beside all rows, in the middle.
    let (mut tall, mut from, mut to) = (0.0, None, page.top);
    for panels in figure.panels.chunks(columns) {
        let title = Page::title_height(panels.iter().map(|p| &p.title), full);
        let mut height = 0.0_f64;
        for (i, panel) in panels.iter().enumerate() {
            let left = size::MARGIN + i as f64 * (full + gap);
            page.panel_title(&panel.title, left, full);
            let top = page.top + title;
            height = height.max(draw_panel(&mut page, panel, (&scale, &legend), stand, (left, top), full));
        }
        from = from.or(Some(page.top + title + 0.14 * height));
        tall = 0.6 * height;
        to = page.top + title + 0.14 * height + tall;
        page.top += title + height + gap;
    }
    page.close();
    if let Some(from) = from {
        let left = size::MARGIN + columns as f64 * (full + gap);
        let top = (from + to - tall) / 2.0;
        scale.draw(&mut page.canvas, style.theme, "", left, top, tall);
        page.top -= gap;
    }
    page.finish()
}

/// Draws one panel with its upper left corner at `corner`; returns its height.
fn draw_panel(
    page: &mut Page,
    panel: &Panel,
    (scale, legend): (&Scale, &Legend),
    stand: Stand,
    corner: Point,
    width: f64,
) -> f64 {
    let theme = page.style.theme;
    let (x, y) = ends(panel);
    let view = View::new(page.style.azimuth, page.style.elevation, &x, &y);
    let scene = stand(view, [&x, &y, &scale.span], [&panel.x.label, &panel.y.label, &panel.z.label], width);
    let scene = scene.moved(corner);
    scene.draw_box(&mut page.canvas, theme);
    if panel.grids.iter().all(|g| g.values.is_empty()) {
        let rect = Rect { left: corner.0, top: corner.1, width, height: scene.height() };
        nothing(&mut page.canvas, rect, theme);
    }
    for grid in panel.grids.iter().filter(|g| !g.values.is_empty()) {
        let unit = |v: f64, span: &Span| 2.0 * span.at(v) - 1.0;
        let coarse = field(&thinned(grid, MOST), &scale.span, &x, &y);
        let times = SMOOTH.div_ceil(coarse.x.len().min(coarse.y.len()).max(2) - 1).clamp(1, 12);
        let mut fine = coarse.refined(times);
        fine.x.iter_mut().for_each(|v| *v = unit(*v, &x));
        fine.y.iter_mut().for_each(|v| *v = unit(*v, &y));
        for level in &scale.levels {
            let ink = scale.ink(*level).mix(theme.ink(), 0.2);
            for line in fine.iso(coarse.beside(scale.span.at(*level))).lines {
                let points: Vec<Point> = line.iter().map(|p| scene.at(p.0, p.1, None)).collect();
                page.canvas.line(&points, pen(ink, 0.8));
            }
        }
        for mark in &panel.marks {
            let (x, y) = (unit(mark.x, &x), unit(mark.y, &y));
            if x.abs() <= 1.0 && y.abs() <= 1.0 {
                symbol(&mut page.canvas, legend.sign(mark), scene.at(x, y, None));
            }
        }
        let looks = legend.looks(panel);
        for (series, look) in panel.series.iter().zip(&looks) {
            let floor =
                series.x.iter().zip(&series.y).map(|(a, b)| scene.at(unit(*a, &x), unit(*b, &y), None));
            page.canvas.line(&floor.collect::<Vec<Point>>(), pen(look.ink.mix(BLACK, 0.45), 0.8));
        }
        let steps = |n: usize| times * n.div_ceil(MESH).max(1);
        let mesh = (steps(coarse.x.len() - 1), steps(coarse.y.len() - 1));
        paint(page, &scene, &fine, mesh, scale);
        for (series, look) in panel.series.iter().zip(&looks) {
            let way: Vec<Point> =
                series.x.iter().zip(&series.y).map(|(a, b)| (unit(*a, &x), unit(*b, &y))).collect();
            way_over(&mut page.canvas, &scene, &fine, &way, *look);
        }
    }
    scene.draw_axes(&mut page.canvas, theme);
    scene.height()
}

/// The height of a surface, a share of the colour scale, linear along both sides of a cell; none beside it and at holes.
fn height(field: &Field, x: f64, y: f64) -> Option<f64> {
    let cell = |axis: &[f64], v: f64| {
        let k = axis.partition_point(|a| *a <= v).clamp(1, axis.len() - 1) - 1;
        let share = (v - axis[k]) / (axis[k + 1] - axis[k]);
        (-1e-9..=1.0 + 1e-9).contains(&share).then_some((k, share))
    };
    let ((i, a), (j, b)) = (cell(&field.x, x)?, cell(&field.y, y)?);
    let at = |i: usize, j: usize| field.values[j * field.x.len() + i].clamp(0.0, 1.0);
    let row = |j: usize| at(i, j) * (1.0 - a) + at(i + 1, j) * a;
    Some(row(j) * (1.0 - b) + row(j + 1) * b).filter(|h| h.is_finite())
}

/// A way over a surface, faint where it is behind it.
fn way_over(canvas: &mut Canvas, scene: &Scene, field: &Field, way: &[Point], look: Look) {
    const PARTS: usize = 16; // of a step
    let lift = |(x, y): Point| height(field, x, y).map(|h| (x, y, h));
    let surface = |x: f64, y: f64| height(field, x, y);
    let seen = |p: (f64, f64, f64)| !scene.view.hides(&surface, p);
    let between = |w: &[Point], k: usize| {
        let t = k as f64 / PARTS as f64;
        (w[0].0 + t * (w[1].0 - w[0].0), w[0].1 + t * (w[1].1 - w[0].1))
    };
    let fine: Vec<Point> =
        way.windows(2).flat_map(|w| (0..PARTS).map(|k| between(w, k)).collect::<Vec<_>>()).collect();
    let all: Vec<(f64, f64, f64)> = fine.into_iter().chain(way.last().copied()).filter_map(lift).collect();
    let sheet = |p: &(f64, f64, f64)| scene.at(p.0, p.1, Some(p.2));
    for run in all.chunk_by(|a, b| seen(*a) == seen(*b)) {
        let points: Vec<Point> = run.iter().map(sheet).collect();
        if seen(run[0]) {
            canvas.line(&points, pen(BLACK.alpha(0.55), 2.4));
            canvas.line(&points, pen(look.ink, 1.4));
        } else {
            canvas.line(&points, pen(look.ink.alpha(0.45), 0.7));
        }
    }
    for (k, point) in way.iter().copied().filter_map(lift).enumerate().filter(|(_, p)| seen(*p)) {
        let radius = if k == 0 { 3.0 } else { 1.4 };
        canvas.dot(sheet(&point), radius + 0.6, BLACK);
        canvas.dot(sheet(&point), radius, look.ink);
    }
}

fn paint(page: &mut Page, scene: &Scene, field: &Field, mesh: (usize, usize), scale: &Scale) {
    let (w, h) = (field.x.len(), field.y.len());
    let normals = normals(field, scene);
    let flat = scene.view.light()[2];
    let (forth_x, forth_y) = scene.view.far_to_near();
    let order = |n: usize, forth: bool| -> Vec<usize> {
        if forth { (0..n - 1).collect() } else { (0..n - 1).rev().collect() }
    };
    // What is nearer: the cell one step further along the painting order.
    let (dx, dy) = (if forth_x { 1 } else { -1 }, if forth_y { 1 } else { -1 });
    let whole = |i: isize, j: isize| i >= 0 && j >= 0 && field.is_whole(i as usize, j as usize);
    let node = |i: usize, j: usize| [field.x[i], field.y[j], field.values[j * w + i]];
    let on_sheet = |p: &Node| scene.at(p[0], p[1], Some(p[2].clamp(0.0, 1.0)));
    let edge = |canvas: &mut Canvas, a: Node, b: Node| {
        let line: Vec<Node> = [a].into_iter().chain(cuts(a, b)).chain([b]).collect();
        for pair in line.windows(2) {
            canvas.edge(early(on_sheet(&pair[0]), on_sheet(&pair[1])), pen(BLACK.alpha(0.35), RIM));
        }
    };
    let canvas = &mut page.canvas;
    canvas.begin(pdf::MESH);
    for j in order(h, forth_y) {
        for i in order(w, forth_x) {
            if !field.is_whole(i, j) {
                continue;
            }
            let corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)];
            let light = corners.iter().map(|(i, j)| normals[j * w + i]).sum::<f64>() / 4.0;
            for piece in pieces(corners.map(|(i, j)| node(i, j))) {
                let t = piece.iter().map(|p| p[2].clamp(0.0, 1.0)).sum::<f64>() / piece.len() as f64;
                let cut_off = piece.iter().all(|p| p[2] >= 1.0) || piece.iter().all(|p| p[2] <= 0.0);
                let ink = shaded(scale.cmap.at(t), if cut_off { flat } else { light });
                canvas.patch(&piece.iter().map(on_sheet).collect::<Vec<Point>>(), ink, RIM);
            }
            // A mesh line is drawn by the nearer of the cells it parts, or the nearer one would cover it.
            // It starts a little early: the patch just painted covers the end of the piece before.
            let (near_i, near_j) = (i + usize::from(forth_x), j + usize::from(forth_y));
            let (far_i, far_j) = (i + usize::from(!forth_x), j + usize::from(!forth_y));
            let last_x = !whole(i as isize + dx, j as isize);
            let last_y = !whole(i as isize, j as isize + dy);
            for (column, drawn) in [(far_i, true), (near_i, last_x)] {
                if drawn && (column % mesh.0 == 0 || column + 1 == w) {
                    edge(canvas, node(column, far_j), node(column, near_j));
                }
            }
            for (row, drawn) in [(far_j, true), (near_j, last_y)] {
                if drawn && (row % mesh.1 == 0 || row + 1 == h) {
                    edge(canvas, node(far_i, row), node(near_i, row));
                }
            }
        }
    }
    canvas.end();
}

/// A corner of a cell: x, y, and the height as a share of the colour scale, which may be beyond its ends.
type Node = [f64; 3];

/// Where the way from `a` to `b` crosses the ends of the scale, in order.
fn cuts(a: Node, b: Node) -> Vec<Node> {
    let crossed = [0.0, 1.0].into_iter().filter(|end| (a[2] < *end) != (b[2] < *end));
    let mut cuts: Vec<(f64, f64)> = crossed.map(|end| ((end - a[2]) / (b[2] - a[2]), end)).collect();
    cuts.sort_by(|p, q| p.0.total_cmp(&q.0));
    cuts.into_iter().map(|(t, end)| [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), end]).collect()
}

/// A cell cut along the ends of the scale, so that what is cut off has a clean rim.
fn pieces(cell: [Node; 4]) -> Vec<Vec<Node>> {
    if cell.iter().all(|p| (0.0..=1.0).contains(&p[2])) {
        return vec![cell.to_vec()];
    }
    let mut ring = Vec::new();
    for k in 0..4 {
        let (a, b) = (cell[k], cell[(k + 1) % 4]);
        ring.push(a);
        ring.extend(cuts(a, b));
    }
    let layers = [(f64::NEG_INFINITY, 0.0), (0.0, 1.0), (1.0, f64::INFINITY)];
    let within = |(low, high): (f64, f64)| -> Vec<Node> {
        ring.iter().filter(|p| p[2] >= low && p[2] <= high).copied().collect()
    };
    layers.into_iter().map(within).filter(|piece| piece.len() > 2).collect()
}

/// The piece from `a` to `b`, from half a line's width before `a`.
fn early(a: Point, b: Point) -> [Point; 2] {
    let length = (b.0 - a.0).hypot(b.1 - a.1).max(1e-9);
    let (dx, dy) = ((b.0 - a.0) / length, (b.1 - a.1) / length);
    [(a.0 - RIM * dx / 2.0, a.1 - RIM * dy / 2.0), b]
}

/// The cosine between normal and light at every node, at least 0.
fn normals(field: &Field, scene: &Scene) -> Vec<f64> {
    let (w, h) = (field.x.len(), field.y.len());
    let light = scene.view.light();
    let slope = |a: usize, b: usize, from: f64, to: f64| {
        let rise = (field.values[b] - field.values[a]) * scene.view.relief / (to - from);
        if rise.is_finite() { rise } else { 0.0 }
    };
    let mut cosines = Vec::with_capacity(w * h);
    for j in 0..h {
        for i in 0..w {
            let (i0, i1, j0, j1) =
                (i.saturating_sub(1), (i + 1).min(w - 1), j.saturating_sub(1), (j + 1).min(h - 1));
            let (sx, sy) = scene.view.shape;
            let gx = slope(j * w + i0, j * w + i1, field.x[i0] * sx, field.x[i1] * sx);
            let gy = slope(j0 * w + i, j1 * w + i, field.y[j0] * sy, field.y[j1] * sy);
            let dot = -gx * light[0] - gy * light[1] + light[2];
            cosines.push((dot / (gx * gx + gy * gy + 1.0).sqrt()).max(0.0));
        }
    }
    cosines
}

/// A colour in more or less light.
fn shaded(ink: Ink, light: f64) -> Ink {
    ink.mix(BLACK, 0.5 * (1.0 - light)).mix(WHITE, 0.10 * light.powi(4))
}
