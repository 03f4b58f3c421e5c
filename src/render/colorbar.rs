//! The bar beside a map or surface that says which colour is which value.

use super::canvas::{Anchor, Canvas, Rect, Type, pen, text};
use super::font;
use super::style::{Cmap, Ink, Theme, size};
use super::ticks::{Span, Ticks};

/// A colour scale: bands of one colour between levels, or a continuous run.
#[derive(Clone, Debug)]
pub struct Scale {
    /// The ends.
    pub span: Span,
    /// The ends and what lies between them, ascending: the bands' edges.
    pub edges: Vec<f64>,
    /// The values of contour lines.
    pub levels: Vec<f64>,
    /// The colours.
    pub cmap: Cmap,
    /// There are values below the lower end.
    pub below: bool,
    /// There are values above the upper end.
    pub above: bool,
}

/// A bar has room for more ticks than a plot.
fn bar_ticks(span: &Span, height: f64) -> Ticks {
    span.ticks(((height / 22.0) as usize).clamp(2, 12))
}

const GAP: f64 = 2.5;
const WIDTH: f64 = 9.0;
const ARROW: f64 = 8.0;

impl Scale {
    /// The colour of a single value.
    pub fn ink(&self, value: f64) -> Ink {
        self.cmap.at(self.span.at(value))
    }

    /// The colour of the band from `edges[k]` to `edges[k + 1]`: that of its middle.
    pub fn band(&self, k: usize) -> Ink {
        let t = |i: usize| self.edges.get(i).map_or(1.0, |v| self.span.at(*v));
        // The first and last band show the ends of the map, or three levels would show only its middle.
        let (first, last) = (t(0) + t(1), t(self.edges.len().saturating_sub(2)) + 1.0);
        let share = if last > first { (t(k) + t(k + 1) - first) / (last - first) } else { 0.5 };
        self.cmap.at(share)
    }

    /// How wide the bar is, with ticks and title, for a plot of this height.
    pub fn width(&self, label: &str, height: f64) -> f64 {
        let widest = self.widest(height);
        let lines = font::wrap(label, size::LABEL, false, height).len() as f64;
        WIDTH + size::TICK_LENGTH + 2.0 * GAP + widest + lines * size::LABEL * size::LEADING
    }

    fn widest(&self, height: f64) -> f64 {
        let ticks = bar_ticks(&self.span, height).major;
        ticks.iter().map(|(_, t)| font::width(t, size::TICK, false)).fold(0.0, f64::max)
    }

    /// Draws the bar with its upper left corner at `(left, top)`.
    pub fn draw(&self, canvas: &mut Canvas, theme: Theme, label: &str, left: f64, top: f64, height: f64) {
        canvas.begin("colorbar");
        let upper = if self.above { ARROW } else { 0.0 };
        let lower = if self.below { ARROW } else { 0.0 };
        let body = Rect { left, top: top + upper, width: WIDTH, height: height - upper - lower };
        let y = |value: f64| body.bottom() - self.span.at(value) * body.height;
        let middle = left + WIDTH / 2.0;
        let last = self.edges.len().saturating_sub(2);
        if self.above {
            let tip = [(left, body.top + 0.5), (middle, top), (body.right(), body.top + 0.5)];
            canvas.polygon(&tip, self.band(last));
        }
        if self.below {
            let tip = [(left, body.bottom()), (middle, top + height), (body.right(), body.bottom())];
            canvas.polygon(&tip, self.band(0));
        }
        // From the bottom up, each over all that follows: no seams.
        for (k, edge) in self.edges.iter().enumerate().take(last + 1) {
            let rect = Rect { height: y(*edge) - body.top, ..body };
            canvas.rect(rect, self.band(k));
        }
        let line = pen(theme.ink(), size::AXIS);
        let mut outline = vec![(left, body.top)];
        if self.above {
            outline.push((middle, top));
        }
        outline.extend([(body.right(), body.top), (body.right(), body.bottom())]);
        if self.below {
            outline.push((middle, top + height));
        }
        outline.push((left, body.bottom()));
        canvas.outline(&outline, line);

        let ticks = bar_ticks(&self.span, height);
        let right = body.right();
        for (value, words) in &ticks.major {
            let y = y(*value);
            canvas.line(&[(right, y), (right + size::TICK_LENGTH, y)], line);
            let at = (right + size::TICK_LENGTH + GAP, y + font::MIDDLE * size::TICK);
            canvas.text(at, words, text(size::TICK, theme.ink(), Anchor::Start));
        }
        for value in ticks.minor {
            let y = y(value);
            canvas.line(&[(right, y), (right + 0.55 * size::TICK_LENGTH, y)], line);
        }
        let mut x = right + size::TICK_LENGTH + 2.0 * GAP + self.widest(height);
        let how = Type { angle: -90.0, ..text(size::LABEL, theme.ink(), Anchor::Middle) };
        for words in font::wrap(label, size::LABEL, false, height) {
            x += size::LABEL * size::LEADING;
            canvas.text((x - 0.3 * size::LABEL, top + height / 2.0), &words, how);
        }
        canvas.end();
    }
}
