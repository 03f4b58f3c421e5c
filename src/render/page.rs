//! The page of one figure: title, subtitle and legend above, the panels' places below.
//!
//! The legend is a strip under the title, so that it never hides data. The page is as high as its content.

use super::canvas::{Anchor, Canvas, Point, Rect, pen, text};
use super::curves::{Entry, Key, Look, stroke, symbol};
use super::glyphs::cross;
use super::style::{Style, Theme, size};
use super::{Drawing, font};
use crate::figure::{Figure, Style as Shape};

/// A figure being drawn.
#[derive(Debug)]
pub struct Page<'a> {
    /// The sheet.
    pub canvas: Canvas,
    /// How it shall look.
    pub style: &'a Style,
    /// Width in points.
    pub width: f64,
    /// Where the next thing may begin, in points from the top.
    pub top: f64,
    /// Title and subtitle.
    about: [String; 2],
    /// A panel's group is open.
    open: bool,
}

const KEY_WIDTH: f64 = 18.0;

impl<'a> Page<'a> {
    /// A page of `width` points with the figure's title, subtitle and legend.
    pub fn new(figure: &Figure, style: &'a Style, width: f64, legend: &[Entry]) -> Self {
        let own = |given: &Option<String>, own: &String| given.clone().unwrap_or_else(|| own.clone());
        let about = [own(&style.title, &figure.title), own(&style.subtitle, &figure.subtitle)];
        let mut page =
            Self { canvas: Canvas::default(), style, width, top: size::MARGIN, about, open: false };
        page.canvas.begin("title");
        let room = width - 2.0 * size::MARGIN;
        let lines = [
            (page.about[0].clone(), size::TITLE, style.theme.ink(), true),
            (page.about[1].clone(), size::SMALL, style.theme.muted(), false),
        ];
        for (words, points, ink, bold) in lines.into_iter().filter(|_| !style.no_title) {
            for line in font::wrap(&words, points, bold, room) {
                page.top += points;
                let how = super::canvas::Type { bold, ..text(points, ink, Anchor::Start) };
                page.canvas.text((size::MARGIN, page.top - 0.1 * points), &line, how);
                page.top += points * (size::LEADING - 1.0) + 0.6;
            }
        }
        if page.top > size::MARGIN {
            page.top += 3.0;
        }
        page.canvas.end();
        page.legend(legend);
        page
    }

    fn legend(&mut self, entries: &[Entry]) {
        self.canvas.begin("legend");
        let (line, limit) = (size::SMALL * 1.55, self.width - size::MARGIN);
        let mut x = size::MARGIN;
        for (i, entry) in entries.iter().enumerate() {
            let room = limit - size::MARGIN - KEY_WIDTH - 4.0;
            let words = font::wrap(&entry.label, size::SMALL, false, room);
            let wide = words.iter().map(|w| font::width(w, size::SMALL, false)).fold(0.0, f64::max);
            let key_width = if entry.keys.iter().all(|k| {
                matches!(k, Key::Mark(_) | Key::Missing(_) | Key::Curve(Look { style: Shape::Dots, .. }))
            }) {
                9.0
            } else {
                KEY_WIDTH
            };
            let total = key_width + 4.0 + wide;
            if i > 0 && x + total > limit {
                x = size::MARGIN;
                self.top += line;
            }
            let middle = self.top + line / 2.0;
            for &key in &entry.keys {
                self.key(key, Rect { left: x, top: middle - 3.5, width: key_width, height: 7.0 });
            }
            for (k, word) in words.iter().enumerate() {
                if k > 0 {
                    self.top += line;
                }
                let at = (x + key_width + 4.0, self.top + line / 2.0 + font::MIDDLE * size::SMALL);
                self.canvas.text(at, word, text(size::SMALL, self.style.theme.ink(), Anchor::Start));
            }
            x += total + 14.0;
        }
        self.canvas.end();
        if !entries.is_empty() {
            self.top += line + 5.0;
        }
    }

    fn key(&mut self, key: Key, at: Rect) {
        let (left, right, middle) = (at.left, at.right(), at.top + at.height / 2.0);
        let center = ((left + right) / 2.0, middle);
        match key {
            Key::Curve(look) => {
                stroke(&mut self.canvas, &[(left, middle), (right, middle)], &[center], look);
            }
            Key::Missing(ink) => cross(&mut self.canvas, center, ink),
            Key::Band(ink) => self.canvas.rect(at, ink.alpha(0.22)),
            Key::Mark(sign) => symbol(&mut self.canvas, sign, center),
            Key::Hatch => {
                hatch(&mut self.canvas, at, self.style.theme);
                self.canvas.outline(&at.corners(), pen(self.style.theme.muted(), 0.5));
            }
        }
    }

    /// Ends the group of the last panel: what follows belongs to all.
    pub fn close(&mut self) {
        if self.open {
            self.canvas.end();
        }
        self.open = false;
    }

    /// Begins a panel with its title above `(left, self.top)`; returns the height it takes.
    pub fn panel_title(&mut self, title: &str, left: f64, width: f64) -> f64 {
        self.close();
        self.canvas.begin("panel");
        self.open = true;
        let mut top = self.top;
        for line in font::wrap(title, size::LABEL, false, width) {
            top += size::LABEL * size::LEADING;
            let how = text(size::LABEL, self.style.theme.ink(), Anchor::Start);
            self.canvas.text((left, top - 0.3 * size::LABEL), &line, how);
        }
        if top > self.top { top - self.top + 2.0 } else { 0.0 }
    }

    /// The height that [`Page::panel_title`] takes for the highest of `titles`.
    pub fn title_height<'t>(titles: impl Iterator<Item = &'t String>, width: f64) -> f64 {
        let lines = titles.map(|t| font::wrap(t, size::LABEL, false, width).len()).max().unwrap_or(0);
        if lines == 0 { 0.0 } else { lines as f64 * size::LABEL * size::LEADING + 2.0 }
    }

    /// The drawing; the page ends a margin below `self.top`.
    pub fn finish(mut self) -> Drawing {
        self.close();
        let (size, style) = (self.size(), self.style);
        let paper = (!style.transparent).then(|| style.theme.paper());
        let [title, about] = &self.about;
        let svg = self.canvas.finish(size, style.scale(), paper, [title, about]);
        Drawing { svg, dpi: style.dpi, title: title.clone() }
    }

    /// Width and height, if the page ends a margin below `self.top`.
    pub fn size(&self) -> (f64, f64) {
        (self.width, self.top + size::MARGIN)
    }
}

/// How many panels of equal standing stand side by side: at most three, and four in a square.
pub fn columns(panels: usize) -> usize {
    match panels {
        4 => 2,
        n => n.clamp(1, 3),
    }
}

/// Says that there is nothing to draw, in the middle of `rect`.
pub fn nothing(canvas: &mut Canvas, rect: Rect, theme: Theme) {
    let at = (rect.left + rect.width / 2.0, rect.top + rect.height / 2.0);
    canvas.text(at, "no data", text(size::LABEL, theme.muted(), Anchor::Middle));
}

/// Diagonal lines over `rect`.
pub fn hatch(canvas: &mut Canvas, rect: Rect, theme: Theme) {
    const STEP: f64 = 4.0;
    canvas.rect(rect, theme.faint());
    let mut offset = STEP / 2.0;
    while offset < rect.width + rect.height {
        // The line x + y = offset, cut to the rectangle.
        let from: Point = (rect.left + offset.min(rect.width), rect.top + (offset - rect.width).max(0.0));
        let to: Point = (rect.left + (offset - rect.height).max(0.0), rect.top + offset.min(rect.height));
        canvas.line(&[from, to], pen(theme.muted().alpha(0.75), 0.5));
        offset += STEP;
    }
}
