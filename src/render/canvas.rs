//! The sheet figures are drawn on: points (1/72 inch) in, one SVG document out.
//!
//! plotters works in whole pixels, which at screen size leaves stair-stepped lines. So its SVG backend draws on
//! a sheet [`FINE`] times larger and only the outer `<svg>` says how many inches that is: coordinates are
//! sub-pixel, text stays text. What the backend cannot say is written here and nowhere else: areas with holes,
//! dashes, clipping and text at any angle. Both kinds of element land in one body, in drawing order. Every element
//! carries its own colours: programs that read SVG differ in what they inherit (`currentColor` is black in many).

use super::font;
use super::style::Ink;
use plotters::backend::{DrawingBackend, SVGBackend};
use plotters::style::{RGBColor, ShapeStyle};
use std::fmt::Write as _;

/// Canvas units a point.
pub const FINE: f64 = 20.0;

/// A place on the sheet, in points from the upper left corner.
pub type Point = (f64, f64);

/// An upright rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Extent to the right.
    pub width: f64,
    /// Extent downwards.
    pub height: f64,
}

impl Rect {
    /// Right edge.
    pub fn right(&self) -> f64 {
        self.left + self.width
    }
    /// Lower edge.
    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }
    /// `by` more on every side.
    pub fn grown(&self, by: f64) -> Self {
        Self {
            left: self.left - by,
            top: self.top - by,
            width: self.width + 2.0 * by,
            height: self.height + 2.0 * by,
        }
    }
    /// The smallest rectangle around this one and `other`.
    pub fn with(&self, other: &Self) -> Self {
        let (left, top) = (self.left.min(other.left), self.top.min(other.top));
        let (right, bottom) = (self.right().max(other.right()), self.bottom().max(other.bottom()));
        Self { left, top, width: right - left, height: bottom - top }
    }
    /// The corners, clockwise from the upper left.
    pub fn corners(&self) -> [Point; 4] {
        [
            (self.left, self.top),
            (self.right(), self.top),
            (self.right(), self.bottom()),
            (self.left, self.bottom()),
        ]
    }
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Pen {
    /// Colour.
    pub ink: Ink,
    /// Width in points.
    pub width: f64,
    /// Dashes instead of a solid line.
    pub dashed: bool,
}

/// A solid pen.
pub fn pen(ink: Ink, width: f64) -> Pen {
    Pen { ink, width, dashed: false }
}

/// Where the given point lies along a line of text.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Anchor {
    /// At its start.
    #[default]
    Start,
    /// At its middle.
    Middle,
    /// At its end.
    End,
}

/// How a line of text is set; the baseline passes through the given point.
#[derive(Clone, Copy, Debug)]
pub struct Type {
    /// Font size in points.
    pub size: f64,
    /// Colour.
    pub ink: Ink,
    /// Which part of the text is at the given point.
    pub anchor: Anchor,
    /// Degrees, clockwise.
    pub angle: f64,
    /// Bold face.
    pub bold: bool,
}

/// Upright regular text.
pub fn text(size: f64, ink: Ink, anchor: Anchor) -> Type {
    Type { size, ink, anchor, angle: 0.0, bold: false }
}

/// The sheet.
#[derive(Debug, Default)]
pub struct Canvas {
    body: String,
    clips: usize,
    groups: Vec<String>,
}

impl Canvas {
    /// A line through `points`.
    pub fn line(&mut self, points: &[Point], pen: Pen) {
        if points.len() < 2 {
            return;
        }
        if pen.dashed {
            let (color, opacity) = stroked(pen.ink);
            let width = fine(pen.width);
            let dash = fine(pen.width * 3.2);
            let gap = fine(pen.width * 2.2);
            let points = path(points);
            let _ = writeln!(
                self.body,
                r#"<path fill="none" stroke="{color}"{opacity} stroke-width="{width}" stroke-dasharray="{dash} {gap}" d="{points}"/>"#
            );
            return;
        }
        self.plot(
            |backend, style| backend.draw_path(points.iter().map(fine_point), &style),
            pen.ink,
            pen.width,
        );
    }

    /// A closed outline through `points`.
    pub fn outline(&mut self, points: &[Point], pen: Pen) {
        let (color, opacity) = stroked(pen.ink);
        let _ = writeln!(
            self.body,
            r#"<path fill="none" stroke="{color}"{opacity} stroke-width="{}" d="{}Z"/>"#,
            fine(pen.width),
            path(points)
        );
    }

    /// The area inside `loops`, where a loop inside another is a hole.
    pub fn fill(&mut self, loops: &[Vec<Point>], ink: Ink) {
        let d: String = loops.iter().filter(|points| points.len() > 2).map(|p| steps(p) + "z").collect();
        if !d.is_empty() {
            let (color, opacity) = filled(ink);
            let _ = writeln!(
                self.body,
                r#"<path fill="{color}" stroke="none"{opacity} fill-rule="evenodd" d="{d}"/>"#
            );
        }
    }

    /// The area inside `points`.
    pub fn polygon(&mut self, points: &[Point], ink: Ink) {
        self.plot(|backend, style| backend.fill_polygon(points.iter().map(fine_point), &style), ink, 0.0);
    }

    /// A patch of a surface: its rim, of this width, has its own colour, so that neighbours leave no seam between them.
    pub fn patch(&mut self, points: &[Point], ink: Ink, rim: f64) {
        let ((color, _), rim) = (paint(ink), fine(rim));
        let _ = writeln!(
            self.body,
            r#"<path fill="{color}" stroke="{color}" stroke-width="{rim}" d="{}z"/>"#,
            steps(points)
        );
    }

    /// A piece of a surface's mesh.
    pub fn edge(&mut self, ends: [Point; 2], pen: Pen) {
        let ((color, opacity), width) = (stroked(pen.ink), fine(pen.width));
        let _ = writeln!(
            self.body,
            r#"<path fill="none" stroke="{color}"{opacity} stroke-width="{width}" d="{}"/>"#,
            steps(&ends)
        );
    }

    /// Rectangles of one colour as one element with sharp edges: the pixels of an image.
    pub fn pixels(&mut self, cells: &[Rect], ink: Ink) {
        let (color, _) = paint(ink);
        let mut d = String::new();
        for cell in cells {
            let (x, y) = fine_point(&(cell.left, cell.top));
            let (right, bottom) = fine_point(&(cell.right(), cell.bottom()));
            let _ = write!(d, "M{x} {y}H{right}V{bottom}H{x}Z");
        }
        let _ = writeln!(
            self.body,
            r#"<path fill="{color}" stroke="none" shape-rendering="crispEdges" d="{d}"/>"#
        );
    }

    /// A filled rectangle.
    pub fn rect(&mut self, rect: Rect, ink: Ink) {
        let (from, to) = (fine_point(&(rect.left, rect.top)), fine_point(&(rect.right(), rect.bottom())));
        self.plot(|backend, style| backend.draw_rect(from, to, &style, true), ink, 0.0);
    }

    /// A filled circle.
    pub fn dot(&mut self, at: Point, radius: f64, ink: Ink) {
        let (center, radius) = (fine_point(&at), fine(radius).max(1) as u32);
        self.plot(|backend, style| backend.draw_circle(center, radius, &style, true), ink, 0.0);
    }

    /// A line of text.
    pub fn text(&mut self, at: Point, content: &str, how: Type) {
        if content.trim().is_empty() {
            return;
        }
        let (x, y) = fine_point(&at);
        let (color, opacity) = filled(how.ink);
        let anchor = match how.anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = write!(self.body, r#"<text x="{x}" y="{y}" font-size="{}""#, fine(how.size));
        let _ = write!(self.body, r#" fill="{color}"{opacity} text-anchor="{anchor}""#);
        if how.bold {
            self.body.push_str(r#" font-weight="bold""#);
        }
        if how.angle != 0.0 {
            let _ = write!(self.body, r#" transform="rotate({:.2} {x} {y})""#, how.angle);
        }
        let _ = writeln!(self.body, ">{}</text>", escape(&font::clean(content)));
    }

    /// What is drawn until [`Canvas::end`] is a group of this name (and a number from the second on), by which editors and scripts find it.
    pub fn begin(&mut self, name: &str) {
        let earlier = self.groups.iter().filter(|group| *group == name).count();
        let number = if earlier == 0 { String::new() } else { format!("-{}", earlier + 1) };
        let _ = writeln!(self.body, r#"<g id="{name}{number}">"#);
        self.groups.push(name.to_owned());
    }

    /// The end of a group.
    pub fn end(&mut self) {
        self.body.push_str("</g>\n");
    }

    /// Draws areas whose edges need no smoothing: those of neighbours that differ little, drawn in a fraction of the time.
    pub fn crisp(&mut self, draw: impl FnOnce(&mut Self)) {
        self.body.push_str("<g shape-rendering=\"crispEdges\">\n");
        draw(self);
        self.body.push_str("</g>\n");
    }

    /// Draws with everything outside `rect` cut off, if anything may be there.
    pub fn clipped_if(&mut self, outside: bool, rect: Rect, draw: impl FnOnce(&mut Self)) {
        if outside { self.clipped(rect, draw) } else { draw(self) }
    }

    /// Draws with everything outside `rect` cut off.
    pub fn clipped(&mut self, rect: Rect, draw: impl FnOnce(&mut Self)) {
        let id = self.clips;
        self.clips += 1;
        let ((x, y), (width, height)) =
            (fine_point(&(rect.left, rect.top)), (fine(rect.width), fine(rect.height)));
        let _ = writeln!(
            self.body,
            r##"<clipPath id="clip{id}"><rect x="{x}" y="{y}" width="{width}" height="{height}"/></clipPath><g clip-path="url(#clip{id})">"##
        );
        draw(self);
        self.body.push_str("</g>\n");
    }

    /// The document: a page of `width` by `height` points, shown `scale` times as large; without paper, to be laid over another.
    /// Its title and description are what readers of screens and editors say of it.
    pub fn finish(
        self,
        (width, height): (f64, f64),
        scale: f64,
        paper: Option<Ink>,
        about: [&str; 2],
    ) -> String {
        let (w, h) = (fine(width), fine(height));
        // A little over, so that a last pixel that the page covers in part is not see-through.
        const OVER: i32 = 40;
        let (inches_w, inches_h) = (scale * f64::from(w) / FINE / 72.0, scale * f64::from(h) / FINE / 72.0);
        let about: String = [("title", about[0]), ("desc", about[1])]
            .iter()
            .filter(|(_, words)| !words.is_empty())
            .map(|(tag, words)| format!("<{tag}>{}</{tag}>\n", escape(&font::clean(words))))
            .collect();
        let ground = paper.map(|ink| {
            let (color, _) = paint(ink);
            let (w, h) = (w + OVER, h + OVER);
            format!("<rect width=\"{w}\" height=\"{h}\" fill=\"{color}\" stroke=\"none\"/>\n")
        });
        format!(
            concat!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" width="{:.4}in" height="{:.4}in" viewBox="0 0 {} {}" "#,
                r#"font-family="'{}', sans-serif" stroke-linejoin="round">"#,
                "\n{}{}{}</svg>\n"
            ),
            inches_w,
            inches_h,
            w,
            h,
            font::FAMILY,
            about,
            ground.unwrap_or_default(),
            self.body
        )
    }

    /// Lets plotters draw one element: its document of one element, less the outer tag, joins the body.
    fn plot<E>(
        &mut self,
        draw: impl FnOnce(&mut SVGBackend, ShapeStyle) -> Result<(), E>,
        ink: Ink,
        width: f64,
    ) {
        let Ink([r, g, b], alpha) = ink;
        let color = plotters::style::Color::mix(&RGBColor(r, g, b), alpha);
        let style = ShapeStyle { color, filled: true, stroke_width: fine(width).max(1) as u32 };
        let mut document = String::new();
        {
            let mut backend = SVGBackend::with_string(&mut document, (1, 1));
            // A string takes whatever is written to it: the backend's error is for files.
            let _ = draw(&mut backend, style);
        }
        let element = document.split_once('\n').map_or("", |(_, rest)| rest);
        let element = element.trim_end().trim_end_matches("</svg>");
        let line = element.contains("fill=\"none\"");
        let (_, opacity) = if line { stroked(ink) } else { filled(ink) };
        let own =
            element.split_once(" opacity=\"").and_then(|(head, rest)| Some((head, rest.split_once('"')?.1)));
        let (head, rest) = own.unwrap_or((element, ""));
        // The backend says nothing of the rim of an area that has none.
        let rim = if line || element.contains(" stroke=") { "" } else { " stroke=\"none\"" };
        let _ = write!(self.body, "{head}{opacity}{rim}{rest}");
    }
}

fn fine(points: f64) -> i32 {
    (points * FINE).round() as i32 // saturates; NaN is 0
}

fn fine_point(point: &Point) -> (i32, i32) {
    (fine(point.0), fine(point.1))
}

fn paint(ink: Ink) -> (String, f64) {
    let Ink([r, g, b], alpha) = ink;
    (format!("#{r:02X}{g:02X}{b:02X}"), alpha)
}

/// The colour of a line, and the attribute of its opacity. That of its element would be a layer of its own to programs that draw.
fn stroked(ink: Ink) -> (String, String) {
    seen_through(ink, "stroke")
}

/// The same of an area.
fn filled(ink: Ink) -> (String, String) {
    seen_through(ink, "fill")
}

fn seen_through(ink: Ink, what: &str) -> (String, String) {
    let (color, opacity) = paint(ink);
    (color, if opacity == 1.0 { String::new() } else { format!(" {what}-opacity=\"{opacity}\"") })
}

fn path(points: &[Point]) -> String {
    let mut d = String::new();
    for (i, point) in points.iter().enumerate() {
        let (x, y) = fine_point(point);
        let _ = write!(d, "{}{x} {y}", if i == 0 { "M" } else { "L" });
    }
    d
}

/// The same path in relative steps: shorter where there are ten thousand of them.
fn steps(points: &[Point]) -> String {
    let mut d = String::new();
    let mut last = (0, 0);
    for (i, point) in points.iter().enumerate() {
        let (x, y) = fine_point(point);
        let (dx, dy) = (x.saturating_sub(last.0), y.saturating_sub(last.1));
        let _ = write!(d, "{}{dx} {dy}", if i == 0 { "M" } else { "l" });
        last = (x, y);
    }
    d
}

fn escape(content: &str) -> String {
    content.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
