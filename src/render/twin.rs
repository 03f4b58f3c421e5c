//! Two quantities over one abscissa: the first panel on the left axis, the second on the right one, each in its own colour.

use super::canvas::Rect;
use super::curves::Legend;
use super::lines::ends;
use super::page::{Page, nothing};
use super::plane::{Plane, foot, gutter, x_ticks};
use super::style::{Style, size};
use super::{Draw, Drawing};
use crate::base::registry::Kind;
use crate::figure::{Figure, Panel};
use serde::{Deserialize, Serialize};

/// Curves on a left and a right axis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Twin {}

impl Kind for Twin {
    const NAME: &'static str = "twin";
    const SUMMARY: &'static str = "curves of two quantities on a left and a right axis over one abscissa";
}

impl Draw for Twin {
    fn draw(&self, figure: &Figure, style: &Style) -> Drawing {
        let legend = Legend::of(figure, style.theme, false);
        let width = style.wide(400.0);
        let mut page = Page::new(figure, style, width, &legend.entries(figure));
        let height = 215.0 * (width / 400.0).clamp(0.6, 1.0);
        let empty = Panel::default();
        let [left, right] = [0, 1].map(|k| figure.panels.get(k).unwrap_or(&empty));
        // Both are over the same places.
        let both = Panel { series: [&left.series[..], &right.series].concat(), ..left.clone() };
        let (x, _) = ends(&both);
        let [low, high] = [left, right].map(|panel| ends(panel).1);
        let sides = [gutter(&low, &left.y.label, height), gutter(&high, &right.y.label, height)];
        let room = width - 2.0 * size::MARGIN - sides[0] - sides[1];
        let rect = Rect { left: size::MARGIN + sides[0], top: page.top + 2.0, width: room, height };
        page.panel_title(&left.title, rect.left, room);
        let planes = [Plane { x, y: low, rect }, Plane { x, y: high, rect }];
        planes[0].grid(&mut page.canvas, style.theme);
        if both.series.iter().all(|s| s.x.is_empty()) {
            nothing(&mut page.canvas, rect, style.theme);
        }
        let ink = |panel: &Panel| legend.looks(panel).first().map_or(style.theme.ink(), |look| look.ink);
        planes[0].axes_at(&mut page.canvas, style.theme, left, &x_ticks(&x, room));
        planes[1].right_axis(&mut page.canvas, ink(right), &right.y.label);
        for (plane, panel) in planes.iter().zip([left, right]) {
            legend.draw(&mut page.canvas, plane, panel);
        }
        page.top = rect.bottom() + foot(&left.x.label, room);
        page.finish()
    }
}
