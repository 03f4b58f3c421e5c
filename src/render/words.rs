//! A line of text somewhere on the sheet at any angle: what it covers, so that no other is set over it.

use super::canvas::{Anchor, Canvas, Point, Type, text};
use super::font;
use super::style::Ink;

/// A line of text, placed by its middle.
#[derive(Clone, Debug)]
pub struct Words {
    /// What is written.
    pub text: String,
    /// The middle.
    pub at: Point,
    /// Degrees, clockwise.
    pub angle: f64,
    size: f64,
    half: f64,
}

impl Words {
    /// Measures `text` of this font size.
    pub fn new(text: String, size: f64, at: Point, angle: f64) -> Self {
        let half = font::width(&text, size, false) / 2.0;
        Self { text, at, angle, size, half }
    }

    /// Whether `p` is within `pad` of the words.
    pub fn covers(&self, p: Point, pad: f64) -> bool {
        let (sin, cos) = libm::sincos(self.angle.to_radians());
        let (x, y) = (p.0 - self.at.0, p.1 - self.at.1);
        let (along, across) = (x * cos + y * sin, y * cos - x * sin);
        along.abs() < self.half + pad && across.abs() < 0.45 * self.size + pad
    }

    /// Points along the middle of the words, closer than they are high.
    pub fn spine(&self) -> impl Iterator<Item = Point> {
        let (sin, cos) = libm::sincos(self.angle.to_radians());
        let steps = (4.0 * self.half / self.size).ceil().max(1.0);
        let (half, at) = (self.half, self.at);
        (0..=steps as usize)
            .map(move |k| half * (2.0 * k as f64 / steps - 1.0))
            .map(move |s| (at.0 + s * cos, at.1 + s * sin))
    }

    /// Whether the words and `other` are closer than about half their height.
    pub fn meets(&self, other: &Words) -> bool {
        let near = |a: &Words, b: &Words| a.spine().any(|p| b.covers(p, 0.55 * a.size));
        near(self, other) || near(other, self)
    }

    /// Half the extent along x and y.
    pub fn reach(&self) -> (f64, f64) {
        let (sin, cos) = libm::sincos(self.angle.to_radians());
        let (w, h) = (self.half, 0.6 * self.size);
        ((w * cos).abs() + (h * sin).abs(), (w * sin).abs() + (h * cos).abs())
    }

    /// Writes them.
    pub fn draw(&self, canvas: &mut Canvas, ink: Ink) {
        // The baseline is a little across from the middle.
        let (sin, cos) = libm::sincos(self.angle.to_radians());
        let drop = font::MIDDLE * self.size;
        let how = Type { angle: self.angle, ..text(self.size, ink, Anchor::Middle) };
        canvas.text((self.at.0 - drop * sin, self.at.1 + drop * cos), &self.text, how);
    }
}

/// The angle in degrees of a line of direction `(dx, dy)`, turned so that words along it are not upside down.
pub fn upright(dx: f64, dy: f64) -> f64 {
    let angle = libm::atan2(dy, dx).to_degrees();
    // An upright line is read upwards.
    if angle > 90.0 - 1e-9 {
        angle - 180.0
    } else if angle < -90.0 - 1e-9 {
        angle + 180.0
    } else {
        angle
    }
}
