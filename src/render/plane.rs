//! A pair of axes in the plane: frame, ticks, titles, and the way from values to the sheet.

use super::canvas::{Anchor, Canvas, Point, Rect, Type, pen, text};
use super::font;
use super::style::{Ink, Theme, size};
use super::ticks::{Span, Ticks, labelled};
use crate::figure::Panel;

/// Two axes around a rectangle of the sheet.
#[derive(Clone, Copy, Debug)]
pub struct Plane {
    /// Left to right.
    pub x: Span,
    /// Bottom to top.
    pub y: Span,
    /// The plot area.
    pub rect: Rect,
}

/// Which axes carry numbers and a title; ticks are always there.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// The horizontal axis.
    pub x: bool,
    /// The vertical axis.
    pub y: bool,
}

const GAP: f64 = 2.5;

impl Plane {
    /// Where `(x, y)` lies on the sheet; far outside stays just far enough outside.
    pub fn at(&self, x: f64, y: f64) -> Point {
        let (u, v) = (self.x.at(x).clamp(-4.0, 5.0), self.y.at(y).clamp(-4.0, 5.0));
        (self.rect.left + u * self.rect.width, self.rect.bottom() - v * self.rect.height)
    }

    /// The same, if it is within the axes.
    pub fn within(&self, x: f64, y: f64) -> Option<Point> {
        let inside = |t: f64| (-1e-9..=1.0 + 1e-9).contains(&t);
        (inside(self.x.at(x)) && inside(self.y.at(y))).then(|| self.at(x, y))
    }

    /// Grid lines at the major ticks; drawn before the data.
    pub fn grid(&self, canvas: &mut Canvas, theme: Theme) {
        self.grid_at(canvas, theme, &x_ticks(&self.x, self.rect.width));
    }

    /// The same with these ticks on the horizontal axis.
    pub fn grid_at(&self, canvas: &mut Canvas, theme: Theme, across: &Ticks) {
        self.grid_of(canvas, theme, across, &y_ticks(&self.y, self.rect.height));
    }

    /// The same with these ticks on both axes.
    pub fn grid_of(&self, canvas: &mut Canvas, theme: Theme, across: &Ticks, up: &Ticks) {
        let faint = pen(theme.faint(), 0.5);
        for (value, _) in &across.major {
            let (x, _) = self.at(*value, self.y.low);
            canvas.line(&[(x, self.rect.top), (x, self.rect.bottom())], faint);
        }
        for (value, _) in &up.major {
            let (_, y) = self.at(self.x.first(), *value);
            canvas.line(&[(self.rect.left, y), (self.rect.right(), y)], faint);
        }
    }

    /// Frame (or the left and lower line of it), ticks and titles; drawn after the data.
    pub fn axes(&self, canvas: &mut Canvas, theme: Theme, panel: &Panel, frame: bool) {
        if frame {
            return self.frame(canvas, theme, panel, Written { x: true, y: true });
        }
        self.axes_at(canvas, theme, panel, &x_ticks(&self.x, self.rect.width));
    }

    /// The left and lower axis with these ticks on the horizontal one.
    pub fn axes_at(&self, canvas: &mut Canvas, theme: Theme, panel: &Panel, across: &Ticks) {
        self.axes_of(canvas, theme, panel, across, &y_ticks(&self.y, self.rect.height));
    }

    /// The same with these ticks on both.
    pub fn axes_of(&self, canvas: &mut Canvas, theme: Theme, panel: &Panel, across: &Ticks, up: &Ticks) {
        let [top_left, _, bottom_right, bottom_left] = self.rect.corners();
        canvas.line(&[top_left, bottom_left, bottom_right], pen(theme.ink(), size::AXIS));
        self.ticks(canvas, theme, panel, Written { x: true, y: true }, [across, up]);
    }

    /// Frame and ticks, with numbers and titles where they are wanted.
    pub fn frame(&self, canvas: &mut Canvas, theme: Theme, panel: &Panel, written: Written) {
        canvas.outline(&self.rect.corners(), pen(theme.ink(), size::AXIS));
        let (across, up) = (x_ticks(&self.x, self.rect.width), y_ticks(&self.y, self.rect.height));
        let grid = panel.grids.first();
        // The few points of a logarithmic axis are told by their own numbers, where there is room.
        let own = |span: &Span, points: Option<&Vec<f64>>| {
            let within = |v: &f64| (0.0..=1.0).contains(&span.at(*v));
            let few = |all: &&Vec<f64>| span.log && (2..=9).contains(&all.len()) && all.iter().all(within);
            points.filter(few).map(|all| Ticks { major: labelled(all.clone()), minor: Vec::new() })
        };
        let apart = |ticks: &Ticks| {
            let line = 1.3 * size::TICK / self.rect.height;
            ticks.major.windows(2).all(|w| (self.y.at(w[1].0) - self.y.at(w[0].0)).abs() > line)
        };
        let fits = |ticks: &Ticks| fit(ticks, &self.x, self.rect.width, 5.0);
        let across = own(&self.x, grid.map(|g| &g.x)).filter(fits).unwrap_or(across);
        let up = own(&self.y, grid.map(|g| &g.y)).filter(apart).unwrap_or(up);
        self.ticks(canvas, theme, panel, written, [&across, &up]);
    }

    fn ticks(
        &self,
        canvas: &mut Canvas,
        theme: Theme,
        panel: &Panel,
        written: Written,
        [across, up]: [&Ticks; 2],
    ) {
        self.x_axis_at(canvas, theme, panel, written.x, across);
        let (rect, line) = (self.rect, pen(theme.ink(), size::AXIS));
        for (value, label) in &up.major {
            let (x, y) = self.at(self.x.first(), *value);
            canvas.line(&[(x - size::TICK_LENGTH, y), (x, y)], line);
            let at = (x - size::TICK_LENGTH - GAP, y + font::MIDDLE * size::TICK);
            if written.y {
                canvas.text(at, label, text(size::TICK, theme.ink(), Anchor::End));
            }
        }
        for value in &up.minor {
            let (x, y) = self.at(self.x.first(), *value);
            canvas.line(&[(x - 0.55 * size::TICK_LENGTH, y), (x, y)], line);
        }
        if !written.y {
            return;
        }
        let title = Type { angle: -90.0, ..text(size::LABEL, theme.ink(), Anchor::Middle) };
        let mut x = rect.left - gutter(&self.y, &panel.y.label, rect.height);
        for words in font::wrap(&panel.y.label, size::LABEL, false, rect.height) {
            x += size::LABEL * size::LEADING;
            let at = (x - 0.3 * size::LABEL, rect.top + rect.height / 2.0);
            canvas.text(at, &words, title);
        }
    }

    /// A vertical axis on the right side, in the colour of its curves.
    pub fn right_axis(&self, canvas: &mut Canvas, ink: Ink, label: &str) {
        let (rect, line) = (self.rect, pen(ink, size::AXIS));
        let [_, top, bottom, _] = rect.corners();
        canvas.line(&[top, bottom], line);
        let ticks = y_ticks(&self.y, rect.height);
        for (value, words) in &ticks.major {
            let (_, y) = self.at(self.x.first(), *value);
            canvas.line(&[(rect.right(), y), (rect.right() + size::TICK_LENGTH, y)], line);
            let at = (rect.right() + size::TICK_LENGTH + GAP, y + font::MIDDLE * size::TICK);
            canvas.text(at, words, text(size::TICK, ink, Anchor::Start));
        }
        let title = Type { angle: -90.0, ..text(size::LABEL, ink, Anchor::Middle) };
        let lines = font::wrap(label, size::LABEL, false, rect.height);
        let mut x = rect.right() + gutter(&self.y, label, rect.height);
        for words in lines.iter().rev() {
            canvas.text((x - 0.3 * size::LABEL, rect.top + rect.height / 2.0), words, title);
            x -= size::LABEL * size::LEADING;
        }
    }

    /// Ticks of the horizontal axis, with numbers and a title if `written`.
    pub fn x_axis(&self, canvas: &mut Canvas, theme: Theme, panel: &Panel, written: bool) {
        self.x_axis_at(canvas, theme, panel, written, &x_ticks(&self.x, self.rect.width));
    }

    fn x_axis_at(&self, canvas: &mut Canvas, theme: Theme, panel: &Panel, written: bool, ticks: &Ticks) {
        let (rect, line) = (self.rect, pen(theme.ink(), size::AXIS));
        let baseline = rect.bottom() + size::TICK_LENGTH + GAP + 0.75 * size::TICK;
        for (value, label) in &ticks.major {
            let (x, y) = self.at(*value, self.y.low);
            canvas.line(&[(x, y), (x, y + size::TICK_LENGTH)], line);
            let (left, right) = label_ends(&self.x, rect.width, *value, label);
            if written {
                let at = (rect.left + (left + right) / 2.0, baseline);
                canvas.text(at, label, text(size::TICK, theme.ink(), Anchor::Middle));
            }
        }
        for value in &ticks.minor {
            let (x, y) = self.at(*value, self.y.low);
            canvas.line(&[(x, y), (x, y + 0.55 * size::TICK_LENGTH)], line);
        }
        if !written {
            return;
        }
        let mut y = baseline + 0.35 * size::TICK + GAP;
        for words in font::wrap(&panel.x.label, size::LABEL, false, rect.width) {
            y += size::LABEL * size::LEADING;
            let at = (rect.left + rect.width / 2.0, y - 0.3 * size::LABEL);
            canvas.text(at, &words, text(size::LABEL, theme.ink(), Anchor::Middle));
        }
    }
}

/// The room left of the plot area for ticks, their labels and the title.
pub fn gutter(y: &Span, label: &str, height: f64) -> f64 {
    let ticks = y_ticks(y, height).major;
    let widest = ticks.iter().map(|(_, t)| font::width(t, size::TICK, false)).fold(0.0, f64::max);
    let lines = font::wrap(label, size::LABEL, false, height).len() as f64;
    size::TICK_LENGTH + 2.0 * GAP + widest + lines * size::LABEL * size::LEADING
}

/// The room left of a plot area whose vertical axis has bare ticks: half of the first number below it reaches there.
pub fn overhang(x: &Span, width: f64) -> f64 {
    let widest =
        x_ticks(x, width).major.iter().map(|(_, t)| font::width(t, size::TICK, false)).fold(0.0, f64::max);
    size::TICK_LENGTH.max(widest / 2.0) + GAP
}

/// The room below the plot area for ticks, their labels and the title.
pub fn foot(label: &str, width: f64) -> f64 {
    let lines = font::wrap(label, size::LABEL, false, width).len() as f64;
    size::TICK_LENGTH + 2.0 * GAP + 1.1 * size::TICK + lines * size::LABEL * size::LEADING
}

/// The ticks of a vertical axis.
pub fn y_ticks(span: &Span, height: f64) -> Ticks {
    span.ticks(((height / 36.0) as usize).clamp(2, 7))
}

/// Where the label of a tick begins and ends along a horizontal axis. The last one may not leave the page.
fn label_ends(span: &Span, width: f64, value: f64, label: &str) -> (f64, f64) {
    let half = font::width(label, size::TICK, false) / 2.0;
    let middle = (span.at(value) * width).min(width - (half - size::MARGIN).max(0.0));
    (middle - half, middle + half)
}

/// Whether the labels of ticks stand apart by so much along a horizontal axis.
pub fn fit(ticks: &Ticks, span: &Span, width: f64, gap: f64) -> bool {
    let mut ends: Vec<(f64, f64)> =
        ticks.major.iter().map(|(value, label)| label_ends(span, width, *value, label)).collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    ends.windows(2).all(|w| w[1].0 - w[0].1 > gap)
}

/// The ticks of a horizontal axis: as many as have room for their labels.
pub fn x_ticks(span: &Span, width: f64) -> Ticks {
    let most = ((width / 34.0) as usize).clamp(2, 9);
    let fits = |ticks: &Ticks| fit(ticks, span, width, 8.0);
    let mut ticks = span.ticks(most);
    for want in (2..most).rev() {
        if fits(&ticks) {
            break;
        }
        ticks = span.ticks(want);
    }
    while !fits(&ticks) && ticks.major.len() > 1 {
        let mut keep = false;
        ticks.major.retain(|_| {
            keep = !keep;
            keep
        });
    }
    ticks
}
