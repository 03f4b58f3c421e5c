//! Curves, dots, bands and marks on a pair of axes, and their legend: whatever the chart, they look alike.
//!
//! A label owns its colour in the whole figure, so `train` is one colour in every panel; a series without a
//! label belongs to the one before it.

use super::canvas::{Anchor, Canvas, Pen, Point, Type, pen, text};
use super::font;
use super::glyphs::{arrows, cross, marker, star};
use super::plane::Plane;
use super::style::{BLACK, HEAD, Ink, Theme, WHITE, size};
use crate::figure::{Figure, Mark, Panel, Series, Style};

/// Radius of a dot, and of the smallest, where the steps of a path are short.
const DOT: f64 = 1.7;
const SMALL_DOT: f64 = 0.9;

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
    /// A line or dots.
    Curve(Look),
    /// The band around a line.
    Band(Ink),
    /// A mark.
    Mark(Sign),
    /// Cells without a finite value.
    Hatch,
    /// A place where a curve has no value.
    Missing(Ink),
}

/// How a curve and its dots look.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Colour.
    pub ink: Ink,
    /// Line, dashes or dots.
    pub style: Style,
    /// With the dark rim that curves have on a map.
    pub rim: bool,
    /// The number of its label, which has a shape of dots.
    pub number: usize,
}

/// What a cross, or a hatched cell of a table, says in the legend.
pub const MISSING: &str = "no value: diverged, or not reached";

/// What stands at a mark.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sign {
    /// The shape of this number.
    Shape(usize),
    /// A letter in a disc: of a mark that is called by it.
    Letter(char),
}

impl Sign {
    /// "A" and "B: runs/b" are called by their letter; others get the shape of their number.
    fn of(label: &str, number: usize) -> Self {
        let name = label.split_once(':').map_or(label, |(name, _)| name);
        let mut letters = name.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) if letter.is_alphanumeric() => Self::Letter(letter),
            _ => Self::Shape(number),
        }
    }
}

/// The colours and symbols of a figure's labels.
#[derive(Clone, Debug)]
pub struct Legend {
    series: Vec<String>,
    marks: Vec<String>,
    on_map: bool,
    /// Abscissae are values and ordinates places.
    rows: bool,
    theme: Theme,
}

impl Legend {
    /// The labels of all panels in order; `on_map`: drawn over a colour map, where only light curves show.
    pub fn of(figure: &Figure, theme: Theme, on_map: bool) -> Self {
        let mut legend = Self { series: Vec::new(), marks: Vec::new(), on_map, rows: false, theme };
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

    /// The same for dots in rows, whose abscissae are values.
    pub fn in_rows(self) -> Self {
        Self { rows: true, ..self }
    }

    fn ink(&self, number: usize) -> Ink {
        match (self.on_map, number) {
            (true, 0) => WHITE,
            (true, n) => Theme::Dark.curve(n),
            (false, n) => self.theme.curve(n),
        }
    }

    /// How each series looks.
    pub fn looks(&self, panel: &Panel) -> Vec<Look> {
        let mut number = 0;
        let find = |s: &Series| self.series.iter().position(|label| *label == s.label);
        let look = |s: &Series| {
            number = find(s).unwrap_or(number);
            Look { ink: self.ink(number), style: s.style, rim: self.on_map, number }
        };
        panel.series.iter().map(look).collect()
    }

    /// Where a series that marks each of its points has none: at these abscissae, or at these ordinates of rows.
    pub fn missing(&self, series: &Series) -> Vec<f64> {
        let points = series.x.iter().copied().zip(series.y.iter().copied());
        let lost: Vec<f64> = match series.style {
            Style::Dots if self.rows => {
                points.filter(|(x, y)| !x.is_finite() && y.is_finite()).map(|p| p.1).collect()
            }
            Style::Marked if !self.on_map => {
                points.filter(|(x, y)| x.is_finite() && !y.is_finite()).map(|p| p.0).collect()
            }
            _ => Vec::new(),
        };
        // Nothing at all is no case among others.
        if lost.len() < series.x.len() || self.rows { lost } else { Vec::new() }
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
            let first = same().find(|s| !matches!(s.style, Style::Dots | Style::Specks));
            for series in first.into_iter().chain(same()) {
                // One sample for all series of this label: the first line, and dots if any has them.
                if shapes.is_empty() || series.style == Style::Dots && shapes == [Style::Line] {
                    shapes.push(series.style);
                }
            }
            let look = |style| Key::Curve(Look { ink, style, rim: self.on_map, number });
            keys.extend(shapes.into_iter().map(look));
            entries.push(Entry { keys, label: label.clone() });
        }
        if all().any(|s| !self.missing(s).is_empty()) {
            entries.push(Entry { keys: vec![Key::Missing(self.theme.muted())], label: MISSING.to_owned() });
        }
        entries.extend(self.mark_entries());
        entries
    }

    /// The strip's entries for marks alone.
    pub fn mark_entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (number, label) in self.marks.iter().enumerate().filter(|(_, label)| !label.is_empty()) {
            let sign = Sign::of(label, number);
            // The disc says the letter already.
            let words = match (sign, label.split_once(':')) {
                (Sign::Letter(_), Some((_, rest))) => rest.trim().to_owned(),
                (Sign::Letter(_), None) => continue,
                _ => label.clone(),
            };
            entries.push(Entry { keys: vec![Key::Mark(sign)], label: words });
        }
        entries
    }

    /// Which symbol a mark has.
    pub fn sign(&self, mark: &Mark) -> Sign {
        Sign::of(&mark.label, self.marks.iter().position(|label| *label == mark.label).unwrap_or(0))
    }

    /// Draws a panel's series and marks.
    pub fn draw(&self, canvas: &mut Canvas, plane: &Plane, panel: &Panel) {
        self.draw_sized(canvas, plane, panel, self.dots(plane, panel));
    }

    /// The radius of the dots of a panel's paths.
    pub fn dots(&self, plane: &Plane, panel: &Panel) -> f64 {
        let paths =
            panel.series.iter().filter(|s| self.on_map && matches!(s.style, Style::Marked | Style::Path));
        let radii = paths.map(|s| radius(&stretches(plane, &s.x, &s.y).concat()));
        radii.fold(DOT, f64::min)
    }

    /// Draws a panel's series, with dots of this radius, and its marks.
    pub fn draw_sized(&self, canvas: &mut Canvas, plane: &Plane, panel: &Panel, dots: f64) {
        let looks = self.looks(panel);
        // A curve along the rim keeps its full width.
        let inside = |(x, y): (&f64, &f64)| x.is_nan() || y.is_nan() || plane.within(*x, *y).is_some();
        let ends =
            |s: &Series| s.band.iter().flat_map(|(a, b)| [a, b]).any(|e| !s.x.iter().zip(e).all(inside));
        let outside = panel.series.iter().any(|s| ends(s) || !s.x.iter().zip(&s.y).all(inside));
        canvas.clipped_if(outside, plane.rect.grown(1.0), |canvas| {
            let several = panel.series.iter().filter(|s| s.band.is_some()).count() > 1;
            for (series, look) in panel.series.iter().zip(&looks) {
                band(canvas, plane, series, look.ink, several);
            }
            for (k, (series, look)) in panel.series.iter().zip(&looks).enumerate() {
                let covers = hidden(plane, series, &panel.series[..k]);
                if look.style == Style::Marked && !look.rim && covers.contains(&true) {
                    over_another(canvas, plane, series, *look, &covers);
                } else {
                    curve(canvas, plane, series, *look, dots);
                }
            }
        });
        let mut taken: Vec<f64> = Vec::new();
        for (series, look) in panel.series.iter().zip(&looks) {
            for x in self.missing(series) {
                let (at, _) = plane.at(x, plane.y.high);
                // Beside those of other series.
                let beside = taken.iter().filter(|other| (**other - at).abs() < 0.5).count() as f64;
                taken.push(at);
                cross(canvas, (at + 5.5 * beside, plane.rect.top + 4.0), look.ink);
            }
        }
        for mark in &panel.marks {
            if let Some(at) = seen(plane, mark) {
                symbol(canvas, self.sign(mark), at);
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

/// The area between the edges of a series' band; `edged`: with its outline, where it may lie over others.
fn band(canvas: &mut Canvas, plane: &Plane, series: &Series, ink: Ink, edged: bool) {
    let Some((low, high)) = &series.band else { return };
    let edge: Vec<(f64, (f64, f64))> =
        series.x.iter().copied().zip(low.iter().copied().zip(high.iter().copied())).collect();
    for part in edge.split(|(x, (low, high))| x.is_nan() || low.is_nan() || high.is_nan()) {
        let forth = part.iter().map(|(x, (_, high))| plane.at(*x, *high));
        let back = part.iter().rev().map(|(x, (low, _))| plane.at(*x, *low));
        let outline: Vec<Point> = forth.chain(back).collect();
        if part.len() > 1 {
            canvas.polygon(&outline, ink.alpha(if edged { 0.12 } else { 0.18 }));
            for edge in outline.chunks(part.len()).filter(|_| edged) {
                canvas.line(edge, pen(ink.alpha(0.55), 0.5));
            }
        }
    }
}

/// Whether each point of a series lies on one of an earlier curve, where one line would hide the other.
fn hidden(plane: &Plane, series: &Series, earlier: &[Series]) -> Vec<bool> {
    const NEAR: f64 = 1.0; // points of the sheet
    let lines = || earlier.iter().filter(|e| e.style == Style::Marked);
    let on = |x: f64, y: f64| {
        let here = plane.at(x, y);
        lines().any(|e| {
            let mut there = e.x.iter().zip(&e.y).filter(|(other, _)| **other == x);
            there.any(|(x, y)| (plane.at(*x, *y).1 - here.1).abs() < NEAR)
        })
    };
    series.x.iter().zip(&series.y).map(|(x, y)| y.is_finite() && on(*x, *y)).collect()
}

/// A curve that is dashed where it covers another, so that both are seen.
fn over_another(canvas: &mut Canvas, plane: &Plane, series: &Series, look: Look, covers: &[bool]) {
    let points: Vec<Point> = series.x.iter().zip(&series.y).map(|(x, y)| plane.at(*x, *y)).collect();
    let there = |k: usize| series.x[k].is_finite() && series.y[k].is_finite();
    for k in (1..points.len()).filter(|k| there(k - 1) && there(*k)) {
        let dashed = covers[k - 1] && covers[k];
        canvas.line(&points[k - 1..=k], Pen { dashed, ..pen(look.ink, 1.4) });
    }
    let dots: Vec<Point> = (0..points.len()).filter(|k| there(*k)).map(|k| points[k]).collect();
    sized(canvas, &[], &dots, Look { style: Style::Marked, ..look }, DOT);
}

fn curve(canvas: &mut Canvas, plane: &Plane, series: &Series, look: Look, radius: f64) {
    for points in stretches(plane, &series.x, &series.y) {
        // A lone value between two gaps would be invisible as a line.
        let style =
            if points.len() == 1 && series.style != Style::Specks { Style::Dots } else { series.style };
        let points = if matches!(style, Style::Line | Style::Dashed | Style::Faint) {
            thinned(points)
        } else {
            points
        };
        sized(canvas, &points, &points, Look { style, ..look }, radius);
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

/// The radius of the dots of a path, so that the shorter half of its steps can still be told apart.
fn radius(dots: &[Point]) -> f64 {
    let mut steps: Vec<f64> = dots.windows(2).map(|w| (w[1].0 - w[0].0).hypot(w[1].1 - w[0].1)).collect();
    steps.sort_by(f64::total_cmp);
    steps.get(steps.len() / 4).map_or(DOT, |step| (step / 4.0).clamp(SMALL_DOT, DOT))
}

/// A line along `points` and dots at `dots`, as far as the style has them; `rim`: with a dark edge, for maps.
pub fn stroke(canvas: &mut Canvas, points: &[Point], dots: &[Point], look: Look) {
    sized(canvas, points, dots, look, DOT);
}

fn sized(
    canvas: &mut Canvas,
    points: &[Point],
    dots: &[Point],
    Look { ink, style, rim, number }: Look,
    dot_radius: f64,
) {
    // Lines are as much thinner as their dots are smaller.
    let line_width = 1.4 * (0.3 + 0.7 * dot_radius / DOT);
    let (width, ink) = if style == Style::Faint { (0.6, ink.alpha(0.45)) } else { (line_width, ink) };
    let edge = BLACK.alpha(0.55);
    if !matches!(style, Style::Dots | Style::Specks) {
        if rim {
            canvas.line(points, pen(edge, width + 1.2 * dot_radius / DOT));
        }
        canvas.line(points, Pen { dashed: style == Style::Dashed, ..pen(ink, width) });
    }
    if style == Style::Specks {
        dots.iter().for_each(|&dot| canvas.dot(dot, 0.7 * dot_radius, ink.alpha(0.4)));
    }
    if style == Style::Path {
        arrows(canvas, points, ink);
        if let Some(start) = dots.first().filter(|_| dots.len() > 1) {
            canvas.dot(*start, dot_radius + 2.6, BLACK);
            canvas.dot(*start, dot_radius + 1.9, ink);
        }
    }
    if matches!(style, Style::Dots | Style::Marked | Style::Path) {
        for &dot in dots {
            if rim {
                canvas.dot(dot, dot_radius + 0.5, edge);
            }
            // Where many dots lie on each other, see-through ones tell how many.
            let ink = if style == Style::Dots && !rim { ink.alpha(0.75) } else { ink };
            marker(canvas, if rim { 0 } else { number }, dot, dot_radius, ink);
        }
    }
}

/// A mark: white with a black edge, so that it shows on every colour.
pub fn symbol(canvas: &mut Canvas, sign: Sign, at: Point) {
    let number = match sign {
        Sign::Shape(number) => number,
        Sign::Letter(letter) => {
            canvas.dot(at, 5.4, BLACK);
            canvas.dot(at, 4.7, WHITE);
            let size = 0.94 * size::TICK;
            let how = Type { bold: true, ..text(size, BLACK, Anchor::Middle) };
            return canvas.text((at.0, at.1 + font::MIDDLE * size), &letter.to_string(), how);
        }
    };
    let shape: Vec<Point> = match number % 5 {
        0 => star(5, 4.6, 0.42),
        1 => star(16, 3.2, 1.0),
        // A square stands on its side.
        2 => star(2, 4.2, 1.0).into_iter().map(|(x, y)| ((x + y) * 0.72, (y - x) * 0.72)).collect(),
        3 => star(3, 4.6, 0.5),
        _ => star(4, 4.8, 0.4),
    };
    let shape: Vec<Point> = shape.into_iter().map(|(x, y)| (at.0 + x, at.1 + y)).collect();
    canvas.polygon(&shape, WHITE);
    canvas.outline(&shape, pen(BLACK, 0.8));
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
