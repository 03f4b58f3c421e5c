//! Named rows with a dot for each series: many quantities of a few things, compared. A panel's marks name the rows: at
//! their y stands their label, and at their x, if that is finite, the vertical line that everything is compared with.
//! Panels stand one under the other; those of one quantity share their horizontal axis.

use super::canvas::{Anchor, Rect, pen, text};
use super::curves::Legend;
use super::glyphs::{cross, marker};
use super::page::Page;
use super::plane::{Plane, foot, x_ticks};
use super::style::{Style, size};
use super::ticks::Span;
use super::{Draw, Drawing, font};
use crate::base::registry::Kind;
use crate::figure::{self, Figure, Panel};
use serde::{Deserialize, Serialize};

/// Dots in named rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rows {}

impl Kind for Rows {
    const NAME: &'static str = "rows";
    const SUMMARY: &'static str =
        "named rows with a dot a series, for comparisons; panels one under the other";
}

/// Height of a row.
const ROW: f64 = 14.0;
/// Radius of a dot.
const DOT: f64 = 2.6;

impl Draw for Rows {
    fn draw(&self, figure: &Figure, style: &Style) -> Drawing {
        // Marks are names here, no entries of the legend.
        let unmarked = |p: &Panel| Panel { marks: Vec::new(), ..p.clone() };
        let bare = Figure { panels: figure.panels.iter().map(unmarked).collect(), ..figure.clone() };
        let legend = Legend::of(&bare, style.theme, false).in_rows();
        let width = style.wide(430.0);
        let mut page = Page::new(figure, style, width, &legend.entries(&bare));
        let names = figure.panels.iter().flat_map(|p| &p.marks);
        let gutter = names.map(|m| font::width(&m.label, size::TICK, false)).fold(0.0, f64::max) + 8.0;
        let left = size::MARGIN + gutter;
        let room = width - size::MARGIN - left - 8.0;
        for panel in &figure.panels {
            let alike = || figure.panels.iter().filter(|p| p.x == panel.x);
            let values = alike().flat_map(|p| &p.series).flat_map(|s| s.x.iter().copied());
            let values = values.chain(alike().flat_map(|p| &p.marks).map(|m| m.x).filter(|x| x.is_finite()));
            let x = Span::of(values, &panel.x, None, None).padded(0.06);
            let rows = panel.marks.len();
            let title = Page::title_height(std::iter::once(&panel.title), room);
            page.panel_title(&panel.title, left, room);
            let rect = Rect { left, top: page.top + title + 2.0, width: room, height: ROW * rows as f64 };
            let y = Span { low: -0.5, high: rows as f64 - 0.5, log: false, knee: 0.0, down: false };
            let plane = Plane { x, y, rect };
            let theme = style.theme;
            for (value, _) in x_ticks(&x, room).major {
                let (at, _) = plane.at(value, 0.0);
                page.canvas.line(&[(at, rect.top), (at, rect.bottom())], pen(theme.faint(), 0.5));
            }
            for mark in &panel.marks {
                let Some((_, row)) = plane.within(x.low, mark.y) else { continue };
                page.canvas.line(&[(rect.left, row), (rect.right(), row)], pen(theme.faint(), 0.5));
                if mark.x.is_finite() {
                    let ((at, _), half) = (plane.at(mark.x, mark.y), ROW / 2.0);
                    page.canvas.line(&[(at, row - half), (at, row + half)], pen(theme.muted(), 0.8));
                }
                let baseline = (rect.left - 5.0, row + font::MIDDLE * size::TICK);
                page.canvas.text(baseline, &mark.label, text(size::TICK, theme.ink(), Anchor::End));
            }
            for (series, look) in panel.series.iter().zip(legend.looks(panel)) {
                let ink = look.ink;
                // What a dot sums up is small and see-through.
                let specks = series.style == figure::Style::Specks;
                let (radius, ink) = if specks { (0.55 * DOT, ink.alpha(0.4)) } else { (DOT, ink) };
                for (x, y) in series.x.iter().zip(&series.y) {
                    if let Some(at) = plane.within(*x, *y).filter(|_| x.is_finite()) {
                        if specks {
                            page.canvas.dot(at, radius, ink);
                        } else {
                            marker(&mut page.canvas, look.number, at, radius, ink);
                        }
                    }
                }
                for row in legend.missing(series) {
                    let (_, y) = plane.at(x.low, row);
                    cross(&mut page.canvas, (rect.right() - 5.0, y), look.ink);
                }
            }
            page.canvas.outline(&rect.corners(), pen(theme.ink(), size::AXIS));
            plane.x_axis(&mut page.canvas, theme, panel, true);
            page.top += title + 2.0 + rect.height + foot(&panel.x.label, room) + 10.0;
        }
        page.top -= 10.0;
        page.finish()
    }
}
