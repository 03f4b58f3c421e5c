//! Curves on one pair of axes or several side by side, sharing the colours of their labels.

use super::canvas::Rect;
use super::curves::Legend;
use super::page::{Page, columns, nothing};
use super::plane::{Plane, fit, foot, gutter, x_ticks, y_ticks};
use super::style::{Style, size};
use super::ticks::{Span, Ticks, labelled};
use super::{Draw, Drawing};
use crate::base::registry::Kind;
use crate::figure::{Figure, Panel, Series, Style as Shape};
use serde::{Deserialize, Serialize};

/// Curves, bands and dots.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lines {}

impl Kind for Lines {
    const NAME: &'static str = "lines";
    const SUMMARY: &'static str = "curves with bands, dots and marks; panels side by side";
}

impl Draw for Lines {
    fn draw(&self, figure: &Figure, style: &Style) -> Drawing {
        let legend = Legend::of(figure, style.theme, false);
        const NATURAL: [f64; 3] = [360.0, 500.0, 700.0];
        let (columns, width) = style.columns(NATURAL, columns(figure.panels.len()));
        let mut page = Page::new(figure, style, width, &legend.entries(figure));
        let gap = 16.0;
        let spans: Vec<(Span, Span)> = figure.panels.iter().map(ends).collect();
        let height = [215.0, 165.0, 165.0][columns - 1] * (width / NATURAL[columns - 1]).clamp(0.6, 1.0);
        let gutter = figure
            .panels
            .iter()
            .zip(&spans)
            .map(|(p, (_, y))| gutter(y, &p.y.label, height))
            .fold(0.0, f64::max);
        let room = width - 2.0 * size::MARGIN - columns as f64 * gutter - (columns - 1) as f64 * gap;
        // The last tick label reaches over the right edge by half its width.
        let full = room / columns as f64 - 3.0;
        for (panels, spans) in figure.panels.chunks(columns).zip(spans.chunks(columns)) {
            let title = Page::title_height(panels.iter().map(|p| &p.title), full);
            for (i, (panel, (x, y))) in panels.iter().zip(spans).enumerate() {
                let left = size::MARGIN + gutter + i as f64 * (gutter + full + gap);
                page.panel_title(&panel.title, left, full);
                let rect = Rect { left, top: page.top + title + 2.0, width: full, height };
                let plane = Plane { x: *x, y: *y, rect };
                let across = stops(panel, x, full);
                let up = counted(y_ticks(y, height), || ordinates(panel));
                plane.grid_of(&mut page.canvas, style.theme, &across, &up);
                if panel.series.iter().all(|s| s.x.is_empty()) && panel.marks.is_empty() {
                    nothing(&mut page.canvas, rect, style.theme);
                }
                plane.axes_of(&mut page.canvas, style.theme, panel, &across, &up);
                legend.draw(&mut page.canvas, &plane, panel);
            }
            page.top += title
                + 2.0
                + height
                + panels.iter().map(|p| foot(&p.x.label, full)).fold(0.0, f64::max)
                + gap;
        }
        page.top -= gap;
        page.finish()
    }
}

/// Ticks where the dots of a panel stand, if these are few places with room for their numbers; elsewhere the usual ones,
/// without fractions where every abscissa is whole.
fn stops(panel: &Panel, x: &Span, width: f64) -> Ticks {
    const FEW: std::ops::RangeInclusive<usize> = 2..=9;
    let every = || panel.series.iter().flat_map(|s| s.x.iter().copied()).filter(|x| x.is_finite());
    let usual = counted(x_ticks(x, width), every);
    let dotted = |s: &&Series| s.style == Shape::Marked;
    let mut at: Vec<f64> =
        panel.series.iter().filter(dotted).flat_map(|s| s.x.clone()).filter(|x| x.is_finite()).collect();
    at.sort_by(f64::total_cmp);
    at.dedup();
    if !FEW.contains(&at.len()) {
        return usual;
    }
    let own = Ticks { major: labelled(at), minor: Vec::new() };
    if fit(&own, x, width, 5.0) { own } else { usual }
}

/// Ticks without fractions where every value is whole, as counts and ranks are.
fn counted<I: Iterator<Item = f64>>(mut ticks: Ticks, values: impl Fn() -> I) -> Ticks {
    let whole = |v: f64| v.fract() == 0.0;
    let fractions = ticks.major.iter().any(|t| !whole(t.0));
    if fractions && values().all(whole) && ticks.major.iter().any(|t| whole(t.0)) {
        ticks.major.retain(|t| whole(t.0));
        ticks.major = labelled(ticks.major.into_iter().map(|t| t.0).collect());
    }
    ticks
}

/// All finite ordinates of a panel: of its curves, bands and marks.
fn ordinates(panel: &Panel) -> impl Iterator<Item = f64> {
    let curves = panel.series.iter().flat_map(|s| s.y.iter().copied());
    let bands =
        panel.series.iter().filter_map(|s| s.band.as_ref()).flat_map(|(a, b)| a.iter().chain(b).copied());
    curves.chain(bands).chain(panel.marks.iter().map(|m| m.y)).filter(|y| y.is_finite())
}

/// The ends of a panel's axes: those of its curves and bands with a little air, or given.
pub fn ends(panel: &Panel) -> (Span, Span) {
    let x = panel.series.iter().flat_map(|s| s.x.iter().copied()).chain(panel.marks.iter().map(|m| m.x));
    let curves = panel.series.iter().flat_map(|s| s.y.iter().copied());
    let bands =
        panel.series.iter().filter_map(|s| s.band.as_ref()).flat_map(|(a, b)| a.iter().chain(b).copied());
    let y = curves.chain(bands).chain(panel.marks.iter().map(|m| m.y));
    let air = |span: Span, fixed: bool| if fixed { span } else { span.padded(0.04) };
    (
        air(Span::of(x, &panel.x, None, None), panel.x.range.is_some()),
        air(Span::of(y, &panel.y, None, None), panel.y.range.is_some()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_of_counts_have_no_fractions() {
        let words = |ticks: Ticks| ticks.major.into_iter().map(|t| t.1).collect::<Vec<String>>();
        let halves = || Ticks { major: labelled(vec![0.5, 1.0, 1.5, 2.0]), minor: Vec::new() };
        assert_eq!(words(counted(halves(), || [1.0, 2.0].into_iter())), ["1", "2"]);
        assert_eq!(words(counted(halves(), || [1.0, 1.7].into_iter())), ["0.5", "1.0", "1.5", "2.0"]);
    }
}
