//! How things join into groups, and at what height: a row a thing, and a bracket at each height where two groups become
//! one. A panel's marks name the rows, at their y; its series are brackets of four points: from one group up to the height,
//! across, and back to the other group.

use super::canvas::{Anchor, Rect, pen, text};
use super::page::{Page, nothing};
use super::plane::{Plane, foot, x_ticks};
use super::style::{Style, size};
use super::ticks::Span;
use super::{Draw, Drawing, font};
use crate::base::registry::Kind;
use crate::figure::Figure;
use serde::{Deserialize, Serialize};

/// A tree of groups.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Dendrogram {}

impl Kind for Dendrogram {
    const NAME: &'static str = "dendrogram";
    const SUMMARY: &'static str = "how named things join into groups, a bracket at each height";
}

/// Heights of a row: where there are few, and where there are many.
const ROW: (f64, f64) = (20.0, 10.0);

impl Draw for Dendrogram {
    fn draw(&self, figure: &Figure, style: &Style) -> Drawing {
        let (width, theme) = (style.wide(400.0), style.theme);
        let mut page = Page::new(figure, style, width, &[]);
        let names = figure.panels.iter().flat_map(|p| &p.marks);
        let gutter =
            names.map(|m| font::width(&m.label, size::TICK, false)).fold(0.0, f64::max).min(120.0) + 8.0;
        let left = size::MARGIN + gutter;
        let room = width - size::MARGIN - left - 8.0;
        for panel in &figure.panels {
            let rows = panel.marks.len().max(2);
            let title = Page::title_height(std::iter::once(&panel.title), room);
            page.panel_title(&panel.title, left, room);
            let row = (240.0 / rows as f64).clamp(ROW.1, ROW.0);
            let rect = Rect { left, top: page.top + title + 2.0, width: room, height: row * rows as f64 };
            let heights = panel.series.iter().flat_map(|s| s.x.iter().copied());
            let heights = heights.chain(panel.marks.iter().map(|m| m.x));
            let x = Span::of(heights, &panel.x, None, None);
            let x = if panel.x.range.is_some() { x } else { Span { high: x.value(1.06), ..x } };
            // Rows are numbered; beyond a million, half a row would be lost in rounding.
            let lowest = panel.marks.iter().map(|m| m.y).fold(0.0, f64::min).max(-1e6);
            // The first row is the highest.
            let y = Span {
                low: lowest - 0.5,
                high: lowest + rows as f64 - 0.5,
                log: false,
                knee: 0.0,
                down: false,
            };
            let plane = Plane { x, y, rect };
            for (value, _) in x_ticks(&x, room).major {
                let (at, _) = plane.at(value, y.low);
                page.canvas.line(&[(at, rect.top), (at, rect.bottom())], pen(theme.faint(), 0.5));
            }
            let down = |y: f64| rect.top + rect.bottom() - y;
            for mark in &panel.marks {
                let Some((_, place)) = plane.within(x.low, mark.y) else { continue };
                let at = (rect.left - 5.0, down(place) + font::MIDDLE * size::TICK);
                let label =
                    font::wrap(&mark.label, size::TICK, false, 120.0).into_iter().next().unwrap_or_default();
                page.canvas.text(at, &label, text(size::TICK, theme.ink(), Anchor::End));
            }
            if panel.series.is_empty() {
                nothing(&mut page.canvas, rect, theme);
            }
            page.canvas.clipped(rect.grown(1.0), |canvas| {
                for series in &panel.series {
                    let points =
                        series.x.iter().zip(&series.y).filter(|(x, y)| x.is_finite() && y.is_finite());
                    let points = points.map(|(x, y)| plane.at(*x, *y)).map(|(x, y)| (x, down(y)));
                    canvas.line(&points.collect::<Vec<_>>(), pen(theme.curve(0), 1.5));
                }
            });
            page.canvas.outline(&rect.corners(), pen(theme.ink(), size::AXIS));
            plane.x_axis(&mut page.canvas, theme, panel, true);
            page.top += title + 2.0 + rect.height + foot(&panel.x.label, room) + 10.0;
        }
        page.top -= 10.0;
        page.finish()
    }
}
