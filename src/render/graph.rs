//! Named things in the plane, lines between them that are coloured by a value, and the value beside the line. A panel's
//! marks are the things; its series are lines of two points, their labels what is written beside them; where its grid has a
//! value for each series, in order, that is its colour. Solid lines are drawn bold, over faint ones. Scales are equal.

use super::canvas::{Point, Rect, pen};
use super::contour::scale_of;
use super::page::{self, Page, nothing};
use super::plane::{Plane, foot, gutter};
use super::style::{Style, Theme, size};
use super::tiles::square;
use super::words::Words;
use super::{Draw, Drawing, font, lines};
use crate::base::registry::Kind;
use crate::figure::{Figure, Panel, Style as Line};
use serde::{Deserialize, Serialize};

/// Nodes and edges.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Graph {}

impl Kind for Graph {
    const NAME: &'static str = "graph";
    const SUMMARY: &'static str = "named things in the plane and lines between them, coloured by a value";
}

/// Radius of a thing.
const NODE: f64 = 4.2;
/// Lines beyond which there are many.
const MANY: usize = 20;
/// How far a line that would pass through a third thing bows out.
const BOW: f64 = 14.0;

impl Draw for Graph {
    fn draw(&self, figure: &Figure, style: &Style) -> Drawing {
        const GAP: f64 = 16.0;
        let (columns, width) = style.columns([420.0, 640.0, 900.0], page::columns(figure.panels.len()));
        let mut page = Page::new(figure, style, width, &[]);
        let full = (width - 2.0 * size::MARGIN - (columns - 1) as f64 * GAP) / columns as f64;
        let (mut top, mut lowest) = (page.top, page.top);
        for (i, panel) in figure.panels.iter().enumerate() {
            if i % columns == 0 {
                top = if i > 0 { lowest + 12.0 } else { top };
            }
            page.top = top;
            let scale = scale_of(&Figure { panels: vec![panel.clone()], ..figure.clone() }, style);
            // Things near the rim have room for their names.
            let (x, y) = lines::ends(panel);
            let (x, y) = square((x.padded(0.1), y.padded(0.1)));
            let coloured = panel.grids.first().is_some_and(|g| g.values.len() == panel.series.len());
            // Ticks follow from the height, and the height from the room that they leave.
            let rest = |side: f64| {
                let bar = if coloured { 10.0 + scale.width(&panel.z.label, side) } else { 3.0 };
                (gutter(&y, &panel.y.label, side), bar)
            };
            let side = (0..3).fold(0.75 * full, |side, _| full - rest(side).0 - rest(side).1);
            let gutter = rest(side).0;
            let left = size::MARGIN + (i % columns) as f64 * (full + GAP) + gutter;
            let title = Page::title_height(std::iter::once(&panel.title), side);
            page.panel_title(&panel.title, left, side);
            let rect = Rect { left, top: page.top + title + 2.0, width: side, height: side };
            let plane = Plane { x, y, rect };
            plane.grid(&mut page.canvas, style.theme);
            if panel.marks.is_empty() && panel.series.is_empty() {
                nothing(&mut page.canvas, rect, style.theme);
            }
            let values = panel.grids.first().filter(|_| coloured).map(|g| g.values.as_slice());
            let ink = |k: usize| match values.map(|v| v[k]) {
                Some(v) if v.is_finite() => scale.ink(v),
                Some(_) => style.theme.faint(),
                None => style.theme.curve(0),
            };
            page.canvas.clipped(rect, |canvas| {
                let bold = |k: &usize| panel.series[*k].style != Line::Faint;
                let (over, under): (Vec<usize>, Vec<usize>) = (0..panel.series.len()).partition(bold);
                for k in under.into_iter().chain(over) {
                    let line = ends(&plane, panel, k);
                    // Many thin lines would hide the bold ones.
                    let thin =
                        if panel.series.len() > MANY { (0.6, ink(k).alpha(0.4)) } else { (0.9, ink(k)) };
                    let (width, ink) = if bold(&k) { (2.8, ink(k)) } else { thin };
                    // The darkest colours of a map hardly show on a dark page.
                    if bold(&k) && style.theme == Theme::Dark {
                        canvas.line(&line, pen(style.theme.muted(), width + 1.0));
                    }
                    canvas.line(&line, pen(ink, width));
                }
            });
            let nodes: Vec<Point> = panel.marks.iter().filter_map(|m| plane.within(m.x, m.y)).collect();
            write(&mut page, panel, &plane, &nodes);
            for node in &nodes {
                page.canvas.dot(*node, NODE, style.theme.ink());
                page.canvas.dot(*node, NODE - 1.0, style.theme.paper());
            }
            plane.axes(&mut page.canvas, style.theme, panel, true);
            if coloured {
                scale.draw(&mut page.canvas, style.theme, &panel.z.label, rect.right() + 8.0, rect.top, side);
            }
            lowest = lowest.max(top + title + 2.0 + side + foot(&panel.x.label, side));
        }
        page.top = lowest;
        page.finish()
    }
}

/// The finite points of a line, on the sheet; one between two things that would pass through a third bows around it.
fn ends(plane: &Plane, panel: &Panel, k: usize) -> Vec<Point> {
    let series = &panel.series[k];
    let finite = series.x.iter().zip(&series.y).filter(|(x, y)| x.is_finite() && y.is_finite());
    let points: Vec<Point> = finite.map(|(x, y)| plane.at(*x, *y)).collect();
    let [from, to] = points[..] else { return points };
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy);
    if length < 1e-6 {
        return points;
    }
    let in_the_way = panel.marks.iter().filter_map(|m| plane.within(m.x, m.y)).find_map(|(x, y)| {
        let (along, across) = (
            ((x - from.0) * dx + (y - from.1) * dy) / length,
            ((y - from.1) * dx - (x - from.0) * dy) / length,
        );
        let between = along > 2.0 * NODE && along < length - 2.0 * NODE;
        (between && across.abs() < NODE + 2.0).then_some(across)
    });
    let Some(across) = in_the_way else { return points };
    let bow = if across > 0.0 { -2.0 * BOW } else { 2.0 * BOW };
    let middle = ((from.0 + to.0) / 2.0 - bow * dy / length, (from.1 + to.1) / 2.0 + bow * dx / length);
    let at = |t: f64| along(along(from, middle, t), along(middle, to, t), t);
    (0..=24).map(|i| at(f64::from(i) / 24.0)).collect()
}

/// Names beside things and words beside lines, each at the first of some places that is free; without one it is left out.
fn write(page: &mut Page, panel: &Panel, plane: &Plane, nodes: &[Point]) {
    let (theme, rect) = (page.style.theme, plane.rect);
    let mut set: Vec<Words> = Vec::new();
    let edges: Vec<Vec<Point>> = (0..panel.series.len()).map(|k| ends(plane, panel, k)).collect();
    let dense = |line: &[Point]| -> Vec<Point> {
        let steps = |w: &[Point]| -> Vec<Point> {
            (0..=24).map(|i| f64::from(i) / 24.0).map(|t| along(w[0], w[1], t)).collect()
        };
        line.windows(2).flat_map(steps).collect()
    };
    let bold: Vec<Point> = (0..edges.len())
        .filter(|k| panel.series[*k].style != Line::Faint)
        .flat_map(|k| dense(&edges[k]))
        .collect();
    let inside = |w: &Words| {
        w.spine().all(|(x, y)| {
            x > rect.left + 4.0 && x < rect.right() - 4.0 && y > rect.top + 5.0 && y < rect.bottom() - 5.0
        })
    };
    let clear = |w: &Words, points: &[Point], room: f64| !points.iter().any(|p| w.covers(*p, room));
    // Names first, clear of bold lines if there is such a place.
    for mark in &panel.marks {
        let Some(at) = plane.within(mark.x, mark.y) else { continue };
        let half = font::width(&mark.label, size::TICK, true) / 2.0;
        let (dx, dy) = (half + NODE + 3.0, NODE + size::TICK * 0.75);
        let places = [
            (0.0, -dy),
            (0.0, dy),
            (dx, 0.0),
            (-dx, 0.0),
            (0.8 * dx, -dy),
            (-0.8 * dx, -dy),
            (0.8 * dx, dy),
            (-0.8 * dx, dy),
        ];
        let words =
            places.map(|(x, y)| Words::new(mark.label.clone(), size::TICK, (at.0 + x, at.1 + y), 0.0));
        let free =
            |w: &&Words| inside(w) && clear(w, nodes, NODE + 1.0) && set.iter().all(|other| !w.meets(other));
        let best =
            words.iter().filter(free).find(|w| clear(w, &bold, 1.0)).or_else(|| words.iter().find(free));
        if let Some(best) = best.cloned() {
            best.draw(&mut page.canvas, theme.ink());
            set.push(best);
        }
    }
    for (k, line) in edges.iter().enumerate() {
        let (label, [from, .., to]) = (&panel.series[k].label, line.as_slice()) else { continue };
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        // Of a line that bows, where the middle of its straight way went.
        let middle = line[line.len() / 2];
        let off = match line.len() {
            2 => (0.0, 0.0),
            _ => (middle.0 - (from.0 + to.0) / 2.0, middle.1 - (from.1 + to.1) / 2.0),
        };
        let length = dx.hypot(dy);
        if label.is_empty() || length < 1e-6 {
            continue;
        }
        let angle = super::words::upright(dx, dy);
        // Beside the line, on either side of it.
        let (nx, ny) = (-dy / length * 6.5, dx / length * 6.5);
        let places = [0.5, 0.42, 0.58, 0.34, 0.66, 0.25, 0.75].into_iter().flat_map(|t| {
            let at = along(*from, *to, t);
            let share = 4.0 * t * (1.0 - t);
            let at = (at.0 + share * off.0, at.1 + share * off.1);
            [(at.0 + nx, at.1 + ny), (at.0 - nx, at.1 - ny)]
        });
        let words: Vec<Words> = places.map(|at| Words::new(label.clone(), size::INLINE, at, angle)).collect();
        let free =
            |w: &&Words| inside(w) && clear(w, nodes, NODE + 1.0) && set.iter().all(|other| !w.meets(other));
        let best =
            words.iter().filter(free).find(|w| clear(w, &bold, 0.5)).or_else(|| words.iter().find(free));
        if let Some(best) = best.cloned() {
            best.draw(&mut page.canvas, theme.ink());
            set.push(best);
        }
    }
}

fn along(a: Point, b: Point, t: f64) -> Point {
    (a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1))
}
