//! Curves, dots, bands and marks on a pair of axes, and their legend: whatever the chart, they look alike.
//!
//! A label owns its colour in the whole figure, so `train` is one colour in every panel; a series without a
//! label belongs to the one before it.

use super::canvas::{Canvas, Pen, Point, pen};
use super::plane::Plane;
use super::style::{BLACK, HEAD, Ink, Theme, WHITE};
use crate::figure::{Figure, Mark, Panel, Series, Style};

/// Radius of a dot.
const DOT: f64 = 1.7;

/// One line of the legend: its sample and its words.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What is drawn beside the words, one over the other.
    pub keys: Vec<Key>,
    /// The words.
    pub label: String,
}

/// A sample in the legend.
#[derive(Clone, Copy, Debug)]
pub enum Key {
    /// A line or dots, with or without the dark rim they have on a map.
    Curve(Ink, Style, bool),
    /// The band around a line.
    Band(Ink),
    /// The mark of this number.
    Mark(usize),
    /// Cells without a finite value.
    Hatch,
}

/// The colours and symbols of a figure's labels.
#[derive(Clone, Debug)]
pub struct Legend {
    series: Vec<String>,
    marks: Vec<String>,
    on_map: bool,
    theme: Theme,
}

impl Legend {
    /// The labels of all panels in order; `on_map`: drawn over a colour map, where only light curves show.
    pub fn of(figure: &Figure, theme: Theme, on_map: bool) -> Self {
        let mut legend = Self { series: Vec::new(), marks: Vec::new(), on_map, theme };
        for panel in &figure.panels {
            let labels = panel.series.iter().map(|s| &s.label).filter(|l| !l.is_empty());
            for label in labels {
                if !legend.series.contains(label) {
                    legend.series.push(label.clone());
                }
            }
            for mark in &panel.marks {
                if !legend.marks.contains(&mark.label) {
                    legend.marks.push(mark.label.clone());
                }
            }
        }
        legend
    }

    fn ink(&self, number: usize) -> Ink {
        match (self.on_map, number) {
            (true, 0) => WHITE,
            (true, n) => Theme::Dark.curve(n),
            (false, n) => self.theme.curve(n),
        }
    }

    /// One colour a series.
    pub fn inks(&self, panel: &Panel) -> Vec<Ink> {
        let mut number = 0;
        let find = |s: &Series| self.series.iter().position(|label| *label == s.label);
        panel
            .series
            .iter()
            .map(|s| {
                number = find(s).unwrap_or(number);
                self.ink(number)
            })
            .collect()
    }

    /// The strip's entries: series, then marks.
    pub fn entries(&self, figure: &Figure) -> Vec<Entry> {
        let all = || figure.panels.iter().flat_map(|p| &p.series);
        let mut entries: Vec<Entry> = Vec::new();
        for (number, label) in self.series.iter().enumerate() {
            let ink = self.ink(number);
            let mut keys = Vec::new();
            let same = || all().filter(|s| s.label == *label);
            if same().any(|s| s.band.is_some()) {
                keys.push(Key::Band(ink));
            }
            let mut shapes: Vec<Style> = Vec::new();
            for series in same().filter(|s| s.style != Style::Dots).take(1).chain(same()) {
                // One sample for all series of this label: the first line, and dots if any has them.
                if shapes.is_empty() || series.style == Style::Dots && shapes == [Style::Line] {
                    shapes.push(series.style);
                }
            }
            keys.extend(shapes.into_iter().map(|shape| Key::Curve(ink, shape, self.on_map)));
            entries.push(Entry { keys, label: label.clone() });
        }
        entries.extend(self.mark_entries());
        entries
    }

    /// The strip's entries for marks alone.
    pub fn mark_entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (number, label) in self.marks.iter().enumerate().filter(|(_, label)| !label.is_empty()) {
            entries.push(Entry { keys: vec![Key::Mark(number)], label: label.clone() });
        }
        entries
    }

    /// Which symbol a mark has.
    pub fn number(&self, mark: &Mark) -> usize {
        self.marks.iter().position(|label| *label == mark.label).unwrap_or(0)
    }

    /// Draws a panel's series and marks.
    pub fn draw(&self, canvas: &mut Canvas, plane: &Plane, panel: &Panel) {
        let inks = self.inks(panel);
        // A curve along the rim keeps its full width.
        canvas.clipped(plane.rect.grown(1.0), |canvas| {
            for (series, ink) in panel.series.iter().zip(&inks) {
                band(canvas, plane, series, *ink);
            }
            for (series, ink) in panel.series.iter().zip(&inks) {
                curve(canvas, plane, series, *ink, self.on_map);
            }
        });
        for mark in &panel.marks {
            if let Some(at) = seen(plane, mark) {
                symbol(canvas, self.number(mark), at);
            }
        }
    }
}

/// Where a mark is on the sheet, if it is within the axes.
pub fn seen(plane: &Plane, mark: &Mark) -> Option<Point> {
    plane.within(mark.x, mark.y)
}

/// Where a growing path has come to: the only red on a map.
pub fn head(canvas: &mut Canvas, at: Point) {
    canvas.dot(at, 4.0, BLACK);
    canvas.dot(at, 3.4, WHITE);
    canvas.dot(at, 2.6, HEAD);
}

/// The stretches of a series without NaN.
fn stretches(plane: &Plane, x: &[f64], y: &[f64]) -> Vec<Vec<Point>> {
    let mut stretches = vec![Vec::new()];
    for (&x, &y) in x.iter().zip(y) {
        if x.is_nan() || y.is_nan() {
            stretches.push(Vec::new());
        } else if let Some(last) = stretches.last_mut() {
            last.push(plane.at(x, y));
        }
    }
    stretches.retain(|s| !s.is_empty());
    stretches
}

fn band(canvas: &mut Canvas, plane: &Plane, series: &Series, ink: Ink) {
    let Some((low, high)) = &series.band else { return };
    let edge: Vec<(f64, (f64, f64))> =
        series.x.iter().copied().zip(low.iter().copied().zip(high.iter().copied())).collect();
    for part in edge.split(|(x, (low, high))| x.is_nan() || low.is_nan() || high.is_nan()) {
        let forth = part.iter().map(|(x, (_, high))| plane.at(*x, *high));
        let back = part.iter().rev().map(|(x, (low, _))| plane.at(*x, *low));
        let outline: Vec<Point> = forth.chain(back).collect();
        if part.len() > 1 {
            canvas.polygon(&outline, ink.alpha(0.18));
        }
    }
}

fn curve(canvas: &mut Canvas, plane: &Plane, series: &Series, ink: Ink, rim: bool) {
    for points in stretches(plane, &series.x, &series.y) {
        // A lone value between two gaps would be invisible as a line.
        let style = if points.len() == 1 { Style::Dots } else { series.style };
        let points = if matches!(style, Style::Line | Style::Dashed | Style::Faint) {
            thinned(points)
        } else {
            points
        };
        stroke(canvas, &points, &points, (ink, style, rim));
    }
}

/// A long curve with only the first, last, lowest and highest of the points that fall into one narrow column:
/// the same picture from a hundred thousand training steps, in a file that opens.
fn thinned(points: Vec<Point>) -> Vec<Point> {
    const MANY: usize = 4000;
    const COLUMNS: f64 = 4.0; // a point of the sheet
    if points.len() < MANY {
        return points;
    }
    let mut kept = Vec::new();
    for run in points.chunk_by(|a, b| (a.0 * COLUMNS).floor() == (b.0 * COLUMNS).floor()) {
        let by_height = |a: &&Point, b: &&Point| a.1.total_cmp(&b.1);
        let wanted = [run.first(), run.iter().min_by(by_height), run.iter().max_by(by_height), run.last()];
        kept.extend(run.iter().filter(|p| wanted.contains(&Some(*p))));
    }
    kept
}

/// A line along `points` and dots at `dots`, as far as the style has them; `rim`: with a dark edge, for maps.
pub fn stroke(canvas: &mut Canvas, points: &[Point], dots: &[Point], (ink, style, rim): (Ink, Style, bool)) {
    const WIDTH: f64 = 1.4;
    let (width, ink) = if style == Style::Faint { (0.6, ink.alpha(0.45)) } else { (WIDTH, ink) };
    let edge = BLACK.alpha(0.55);
    if style != Style::Dots {
        if rim {
            canvas.line(points, pen(edge, width + 1.2));
        }
        canvas.line(points, Pen { dashed: style == Style::Dashed, ..pen(ink, width) });
    }
    if matches!(style, Style::Dots | Style::Marked) {
        for &dot in dots {
            if rim {
                canvas.dot(dot, DOT + 0.5, edge);
            }
            // Where many dots lie on each other, see-through ones tell how many.
            canvas.dot(dot, DOT, if style == Style::Dots && !rim { ink.alpha(0.75) } else { ink });
        }
    }
}

/// The mark number `number`: white with a black edge, so that it shows on every colour.
pub fn symbol(canvas: &mut Canvas, number: usize, at: Point) {
    let shape: Vec<Point> = match number % 5 {
        0 => star(5, 4.6, 0.42),
        1 => star(16, 3.0, 1.0),
        2 => star(4, 3.7, 1.0).into_iter().map(|(x, y)| ((x + y) * 0.72, (y - x) * 0.72)).collect(),
        3 => star(3, 4.2, 0.5),
        _ => star(4, 4.6, 0.4),
    };
    let shape: Vec<Point> = shape.into_iter().map(|(x, y)| (at.0 + x, at.1 + y)).collect();
    canvas.polygon(&shape, WHITE);
    canvas.outline(&shape, pen(BLACK, 0.8));
}

/// A star of `n` points, its inner corners at `inner` of the radius (1 makes a 2n-gon).
fn star(n: usize, radius: f64, inner: f64) -> Vec<Point> {
    (0..2 * n)
        .map(|k| {
            let angle = std::f64::consts::PI * (k as f64 / n as f64 - 0.5);
            let r = if k % 2 == 0 { radius } else { radius * inner };
            (r * libm::cos(angle), r * libm::sin(angle))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_ends_and_extremes() {
        let long: Vec<Point> =
            (0..50_000).map(|i| (f64::from(i) / 500.0, f64::from(i * 7919 % 1000))).collect();
        let short = thinned(long.clone());
        assert!(short.len() < 2500 && short.first() == long.first() && short.last() == long.last());
        assert!(short.iter().any(|p| p.1 == 0.0) && short.iter().any(|p| p.1 == 999.0));
        assert_eq!(thinned(long[..100].to_vec()).len(), 100);
    }
}
