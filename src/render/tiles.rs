//! A sheet of small images, such as samples of a data set; panels of points are drawn as scatter plots instead.
//!
//! The first row of a grid is the top of its image, as images are stored. One grid is ink on paper, the same
//! scale in all panels; three grids are red, green and blue. Equal neighbours in a row become one rectangle.

use super::canvas::{Anchor, Rect, pen, text};
use super::curves::Legend;
use super::lines::ends;
use super::page::{Page, nothing};
use super::plane::{Plane, foot, gutter};
use super::style::{Ink, Style, size};
use super::ticks::Span;
use super::{Draw, Drawing, font};
use crate::base::registry::Kind;
use crate::figure::{Axis, Figure, Panel, Scale};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Small images in rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tiles {}

impl Kind for Tiles {
    const NAME: &'static str = "tiles";
    const SUMMARY: &'static str = "small images in rows, or scatter plots of points, one colour a class";
}

impl Draw for Tiles {
    fn draw(&self, figure: &Figure, style: &Style) -> Drawing {
        if figure.panels.iter().any(|p| !p.series.is_empty()) {
            return scatter(figure, style);
        }
        let mut page = Page::new(figure, style, style.wide(360.0), &[]);
        let columns = columns(figure.panels.len());
        let gap = 5.0;
        let room = page.width - 2.0 * size::MARGIN;
        let side = ((room + gap) / columns as f64 - gap).min(90.0);
        let left = size::MARGIN;
        let values = figure.panels.iter().flat_map(|p| &p.grids).flat_map(|g| &g.values).copied();
        let axis = figure.panels.first().map_or(Axis::default(), |p| p.z.clone());
        let span = Span::of(values, &Axis { scale: Scale::Linear, ..axis }, style.vmin, style.vmax);
        for row in figure.panels.chunks(columns) {
            let title = Page::title_height(row.iter().map(|p| &p.title), side);
            for (i, panel) in row.iter().enumerate() {
                let x = left + i as f64 * (side + gap);
                let lines = font::wrap(&panel.title, size::SMALL, false, side);
                let first = page.top + title - lines.len() as f64 * size::SMALL * size::LEADING;
                for (k, words) in lines.iter().enumerate() {
                    let y = first + (k as f64 + 1.0) * size::SMALL * size::LEADING - 3.0;
                    let how = text(size::SMALL, style.theme.ink(), Anchor::Middle);
                    page.canvas.text((x + side / 2.0, y), words, how);
                }
                let rect = Rect { left: x, top: page.top + title, width: side, height: side };
                image(&mut page, panel, &span, rect);
            }
            page.top += title + side + gap;
        }
        page.finish()
    }
}

/// As many columns as make a sheet a little wider than high, and leave few places empty.
fn columns(count: usize) -> usize {
    let ideal = (count as f64 * 1.6).sqrt().round().max(1.0) as usize;
    let tries = ideal..=ideal + 2;
    tries.min_by_key(|c| (count.div_ceil(*c) * c - count, *c)).map_or(1, |c| c.clamp(1, 20).min(count.max(1)))
}

/// Steps of grey; finer ones are not told apart.
const GREYS: f64 = 64.0;

fn image(page: &mut Page, panel: &Panel, span: &Span, frame: Rect) {
    let theme = page.style.theme;
    let (w, h) = panel.grids.first().map_or((0, 0), |g| (g.x.len(), g.y.len()));
    if w == 0 || h == 0 {
        return nothing(&mut page.canvas, frame, theme);
    }
    let share = |grid: usize, i: usize| -> f64 {
        let value = panel.grids.get(grid).and_then(|g| g.values.get(i)).map_or(f64::NAN, |v| span.at(*v));
        if value.is_nan() { 0.0 } else { (value.clamp(0.0, 1.0) * GREYS).round() / GREYS }
    };
    let ink = |i: usize| {
        if panel.grids.len() == 3 {
            return Ink([0, 1, 2].map(|channel| (share(channel, i) * 255.0).round() as u8), 1.0);
        }
        theme.paper().mix(theme.ink(), share(0, i))
    };
    // Pixels are square: a picture that is not sits in the middle of its frame.
    let pixel = (frame.width / w as f64).min(frame.height / h as f64);
    let area = Rect {
        left: frame.left + (frame.width - pixel * w as f64) / 2.0,
        top: frame.top + (frame.height - pixel * h as f64) / 2.0,
        width: pixel * w as f64,
        height: pixel * h as f64,
    };
    let mut runs: BTreeMap<[u8; 3], Vec<Rect>> = BTreeMap::new();
    for j in 0..h {
        let mut i = 0;
        while i < w {
            let start = i;
            let color = ink(j * w + i).0;
            while i < w && ink(j * w + i).0 == color {
                i += 1;
            }
            let (left, top) = (area.left + start as f64 * pixel, area.top + j as f64 * pixel);
            runs.entry(color).or_default().push(Rect {
                left,
                top,
                width: (i - start) as f64 * pixel,
                height: pixel,
            });
        }
    }
    for (color, cells) in runs {
        page.canvas.pixels(&cells, Ink(color, 1.0));
    }
    page.canvas.outline(&area.corners(), pen(theme.muted(), 0.4));
}

/// Points in the plane, equal scales on both axes.
fn scatter(figure: &Figure, style: &Style) -> Drawing {
    let legend = Legend::of(figure, style.theme, false);
    let (columns, width) = style.columns([330.0, 500.0, 700.0], figure.panels.len());
    let mut page = Page::new(figure, style, width, &legend.entries(figure));
    let gap = 12.0;
    let planes: Vec<(Span, Span)> = figure.panels.iter().map(|p| square(ends(p))).collect();
    let gutter =
        figure.panels.iter().zip(&planes).map(|(p, s)| gutter(&s.1, &p.y.label, width)).fold(0.0, f64::max);
    let side = (width - 2.0 * size::MARGIN) / columns as f64 - gutter - gap;
    for (panels, spans) in figure.panels.chunks(columns).zip(planes.chunks(columns)) {
        let title = Page::title_height(panels.iter().map(|p| &p.title), side);
        for (i, (panel, (x, y))) in panels.iter().zip(spans).enumerate() {
            let left = size::MARGIN + gutter + i as f64 * (gutter + side + gap);
            page.panel_title(&panel.title, left, side);
            let rect = Rect { left, top: page.top + title, width: side, height: side };
            let plane = Plane { x: *x, y: *y, rect };
            plane.grid(&mut page.canvas, style.theme);
            legend.draw(&mut page.canvas, &plane, panel);
            plane.axes(&mut page.canvas, style.theme, panel, true);
        }
        page.top += title + side + panels.iter().map(|p| foot(&p.x.label, side)).fold(0.0, f64::max) + gap;
    }
    page.top -= gap;
    page.finish()
}

/// Both spans as long as the longer one, about their middles.
pub fn square((x, y): (Span, Span)) -> (Span, Span) {
    let half = (x.high - x.low).max(y.high - y.low) / 2.0;
    let about = |s: Span| {
        let middle = s.low / 2.0 + s.high / 2.0;
        Span { low: middle - half, high: middle + half, log: false, knee: 0.0, down: false }
    };
    let bent = |s: Span| s.log || s.knee > 0.0;
    if bent(x) || bent(y) { (x, y) } else { (about(x), about(y)) }
}
