//! The box a surface stands in: the parallel projection, the panes behind it, and its three axes.
//!
//! Along x and y the box reaches from -1 to 1 times its shape, upwards from a floor below the lowest value, so
//! that the contours on the floor are seen under the surface. Everything written is measured first and the
//! projection is scaled so that box and words together fit the width.

use super::canvas::{Canvas, Point, Rect, pen};
use super::font;
use super::style::{Theme, size};
use super::ticks::Span;
use super::words::{Words, upright};

/// Where from the box is seen, and how it is proportioned.
#[derive(Clone, Copy, Debug)]
pub struct View {
    right: [f64; 3],
    up: [f64; 3],
    /// Towards the viewer along the ground.
    toward: (f64, f64),
    /// Half the box's extent along x and y.
    pub shape: (f64, f64),
    /// Height of the values' range.
    pub relief: f64,
    /// Height of the lowest value above the floor.
    lift: f64,
}

impl View {
    /// The view from `azimuth` degrees around and `elevation` degrees above the ground.
    pub fn new(azimuth: f64, elevation: f64, x: &Span, y: &Span) -> Self {
        let (sin_a, cos_a) = libm::sincos(azimuth.to_radians());
        let (sin_e, cos_e) = libm::sincos(elevation.to_radians());
        let ratio = (y.high - y.low) / (x.high - x.low);
        let shape = match ratio {
            r if !(0.4..=2.5).contains(&r) => (1.0, 1.0),
            r if r < 1.0 => (1.0, r),
            r => (1.0 / r, 1.0),
        };
        Self {
            right: [-sin_a, cos_a, 0.0],
            up: [-sin_e * cos_a, -sin_e * sin_a, cos_e],
            toward: (cos_a, sin_a),
            shape,
            relief: 1.15,
            lift: 0.45,
        }
    }

    /// Whether cells are painted by ascending index, along x and along y.
    pub fn far_to_near(&self) -> (bool, bool) {
        (self.toward.0 >= 0.0, self.toward.1 >= 0.0)
    }

    /// The direction to the light: up, towards the viewer and to the viewer's left.
    pub fn light(&self) -> [f64; 3] {
        let (x, y) = self.toward;
        let light = [0.35 * x - 0.5 * self.right[0], 0.35 * y - 0.5 * self.right[1], 0.75];
        let length = light.iter().map(|c| c * c).sum::<f64>().sqrt();
        light.map(|c| c / length)
    }

    /// Projected, in box units, y down; x, y in -1 to 1, z a share of the values' range or the floor.
    fn project(&self, x: f64, y: f64, z: Option<f64>) -> Point {
        let p = [x * self.shape.0, y * self.shape.1, z.map_or(0.0, |z| self.lift + z * self.relief)];
        let dot = |axis: &[f64; 3]| axis.iter().zip(&p).map(|(a, b)| a * b).sum::<f64>();
        (dot(&self.right), -dot(&self.up))
    }

    /// Whether a surface stands between the viewer and a point of the box; `height` is its share of the values' range at x, y.
    pub fn hides(&self, height: &dyn Fn(f64, f64) -> Option<f64>, (x, y, z): (f64, f64, f64)) -> bool {
        const STEP: f64 = 0.02;
        // Sines and cosines of the elevation are those of the upward vector.
        let rise = self.up[0].hypot(self.up[1]) / self.up[2].max(1e-9);
        let steps = (1..).map(|k| STEP * f64::from(k));
        let way = steps.map(|s| {
            let at = (x + s * self.toward.0 / self.shape.0, y + s * self.toward.1 / self.shape.1);
            (at, z + s * rise / self.relief)
        });
        let inside = |p: &((f64, f64), f64)| p.0.0.abs() <= 1.0 && p.0.1.abs() <= 1.0 && p.1 <= 1.0;
        way.take_while(inside).any(|((x, y), z)| height(x, y).is_some_and(|h| h > z + 0.01))
    }

    /// The signs of the floor's corner nearest to the viewer.
    fn near(&self) -> (f64, f64) {
        (if self.toward.0 >= 0.0 { 1.0 } else { -1.0 }, if self.toward.1 >= 0.0 { 1.0 } else { -1.0 })
    }
}

/// The box on the sheet.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Its projection.
    pub view: View,
    scale: f64,
    origin: Point,
    spans: [Span; 3],
    titles: [String; 3],
    bounds: Rect,
    /// Ticks do not depend on how long an axis looks from here.
    steady: bool,
}

impl Scene {
    /// The box as large as fits `width` with its labels; its upper left corner is at (0, 0).
    pub fn fit(view: View, spans: [&Span; 3], titles: [&String; 3], width: f64) -> Self {
        let mut scene = Self {
            view,
            scale: width / 3.2,
            origin: (0.0, 0.0),
            spans: spans.map(|s| *s),
            titles: titles.map(String::clone),
            bounds: Rect { left: 0.0, top: 0.0, width, height: width },
            steady: false,
        };
        // The words' sizes do not scale: what they take beyond the box tells what is left for it.
        // Ticks may come and go with the scale: after the first rounds it only shrinks.
        for round in 0..8 {
            scene.bounds = scene.measure();
            let words = scene.bounds.width - scene.box_width();
            let unit = scene.box_width() / scene.scale;
            let fitting = ((width - words) / unit).max(20.0);
            scene.scale = if round < 3 { fitting } else { fitting.min(scene.scale) };
        }
        scene.bounds = scene.measure();
        scene.moved((0.0, 0.0))
    }

    /// The box as large as fits `width` with its labels from each of `views`, so that nothing jumps as it turns:
    /// its bounds are those of all views together, and the vertical through its middle stays where it is.
    pub fn turning(views: &[View], spans: [&Span; 3], titles: [&String; 3], width: f64) -> Self {
        let fitted = views.iter().map(|view| Self::fit(*view, spans, titles, width));
        let Some(mut scene) = fitted.min_by(|a, b| a.scale.total_cmp(&b.scale)) else {
            return Self::fit(View::new(0.0, 30.0, spans[0], spans[1]), spans, titles, width);
        };
        (scene.steady, scene.origin) = (true, (0.0, 0.0));
        for _ in 0..12 {
            let all = views.iter().map(|view| Self { view: *view, ..scene.clone() }.measure());
            let all = all.reduce(|a, b| a.with(&b)).unwrap_or(scene.bounds);
            scene.bounds = all;
            if all.width <= width || scene.scale <= 20.0 {
                break;
            }
            // Words do not shrink: a little more than the excess, until it fits.
            scene.scale = (scene.scale - 0.6 * (all.width - width).max(1.0)).max(20.0);
        }
        scene
    }

    /// A box that turns, seen so.
    pub fn seen(&self, view: View) -> Self {
        Self { view, ..self.clone() }
    }

    /// The same with its upper left corner at `corner`.
    pub fn moved(mut self, corner: Point) -> Self {
        let by = (corner.0 - self.bounds.left, corner.1 - self.bounds.top);
        self.origin = (self.origin.0 + by.0, self.origin.1 + by.1);
        self.bounds = Rect { left: corner.0, top: corner.1, ..self.bounds };
        self
    }

    /// The height of box and words.
    pub fn height(&self) -> f64 {
        self.bounds.height
    }

    /// Where a point of the box lies on the sheet; `z` is a share of the values' range, or the floor.
    pub fn at(&self, x: f64, y: f64, z: Option<f64>) -> Point {
        let (u, v) = self.view.project(x, y, z);
        (self.origin.0 + self.scale * u, self.origin.1 + self.scale * v)
    }

    fn corners(&self) -> Vec<Point> {
        let signs = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)];
        signs.iter().flat_map(|&(x, y)| [self.at(x, y, None), self.at(x, y, Some(1.0))]).collect()
    }

    fn box_width(&self) -> f64 {
        let xs = self.corners().into_iter().map(|p| p.0);
        let (low, high) = xs.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
        high - low
    }

    fn measure(&self) -> Rect {
        let mut points = self.corners();
        let (ticks, words) = self.writing();
        points.extend(ticks.into_iter().flatten());
        for ((x, y), (dx, dy)) in words.iter().map(|w| (w.at, w.reach())) {
            points.extend([(x - dx, y - dy), (x + dx, y + dy)]);
        }
        let fold = |f: fn(f64, f64) -> f64, pick: fn(&Point) -> f64| {
            points.iter().map(pick).reduce(f).unwrap_or(0.0)
        };
        let (left, top) = (fold(f64::min, |p| p.0), fold(f64::min, |p| p.1));
        Rect { left, top, width: fold(f64::max, |p| p.0) - left, height: fold(f64::max, |p| p.1) - top }
    }

    /// Floor and back walls with their grid lines.
    pub fn draw_box(&self, canvas: &mut Canvas, theme: Theme) {
        let (nx, ny) = self.view.near();
        let faint = pen(theme.faint(), 0.5);
        let pane = |points: [Point; 4], canvas: &mut Canvas, share: f64| {
            canvas.polygon(&points, theme.paper().mix(theme.faint(), share));
            canvas.outline(&points, faint);
        };
        let floor = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)].map(|(x, y)| self.at(x, y, None));
        pane(floor, canvas, 0.35);
        let wall = |a: (f64, f64), b: (f64, f64)| {
            [
                self.at(a.0, a.1, None),
                self.at(b.0, b.1, None),
                self.at(b.0, b.1, Some(1.0)),
                self.at(a.0, a.1, Some(1.0)),
            ]
        };
        pane(wall((-nx, -1.0), (-nx, 1.0)), canvas, 0.15);
        pane(wall((-1.0, -ny), (1.0, -ny)), canvas, 0.0);
        for (value, _) in self.axis_ticks(0) {
            canvas.line(
                &[self.at(value, ny, None), self.at(value, -ny, None), self.at(value, -ny, Some(1.0))],
                faint,
            );
        }
        for (value, _) in self.axis_ticks(1) {
            canvas.line(
                &[self.at(nx, value, None), self.at(-nx, value, None), self.at(-nx, value, Some(1.0))],
                faint,
            );
        }
        for (value, _) in self.axis_ticks(2) {
            let line = [(nx, -ny), (-nx, -ny), (-nx, ny)].map(|(x, y)| self.at(x, y, Some(value)));
            canvas.line(&line, faint);
        }
    }

    /// The three axes in front.
    pub fn draw_axes(&self, canvas: &mut Canvas, theme: Theme) {
        let line = pen(theme.ink(), size::AXIS);
        for (from, to, _) in self.edges() {
            canvas.line(&[from, to], line);
        }
        let (ticks, words) = self.writing();
        ticks.iter().for_each(|tick| canvas.line(tick, line));
        words.iter().for_each(|words| words.draw(canvas, theme.ink()));
    }

    /// The edges that carry the axes, and the outward direction of their ticks on the sheet.
    fn edges(&self) -> [(Point, Point, Point); 3] {
        let (nx, ny) = self.view.near();
        let away = |from: Point, to: Point| {
            let length = (to.0 - from.0).hypot(to.1 - from.1).max(1e-9);
            ((to.0 - from.0) / length, (to.1 - from.1) / length)
        };
        let x_out = away(self.at(0.0, 0.0, None), self.at(0.0, ny, None));
        let y_out = away(self.at(0.0, 0.0, None), self.at(nx, 0.0, None));
        // Height is read off at the left: the leftmost of the two upright edges beside the near corner.
        let (a, b) = ((nx, -ny), (-nx, ny));
        let side = if self.at(a.0, a.1, None).0 <= self.at(b.0, b.1, None).0 { a } else { b };
        [
            (self.at(-1.0, ny, None), self.at(1.0, ny, None), x_out),
            (self.at(nx, -1.0, None), self.at(nx, 1.0, None), y_out),
            (self.at(side.0, side.1, Some(0.0)), self.at(side.0, side.1, Some(1.0)), (-1.0, 0.0)),
        ]
    }

    /// Ticks of axis 0, 1 or 2 as box coordinates with labels; none on an axis seen end on.
    fn axis_ticks(&self, axis: usize) -> Vec<(f64, String)> {
        let (from, to, _) = self.edges()[axis];
        let mut length = (to.0 - from.0).hypot(to.1 - from.1);
        if length < 30.0 {
            return Vec::new();
        }
        if self.steady && axis < 2 {
            length = 1.4 * self.scale * [self.view.shape.0, self.view.shape.1][axis];
        }
        let span = self.spans[axis];
        let place = |value: f64| if axis == 2 { span.at(value) } else { 2.0 * span.at(value) - 1.0 };
        // Numbers beside an upright axis need less room than those along the floor.
        let room = if axis == 2 { 17.0 } else { 30.0 };
        let ticks = span.ticks(((length / room) as usize).clamp(2, 6)).major;
        ticks.into_iter().map(|(value, words)| (place(value), words)).collect()
    }

    /// Tick marks, and tick labels and titles, none over another.
    fn writing(&self) -> (Vec<[Point; 2]>, Vec<Words>) {
        let (mut ticks, mut placed): (Vec<[Point; 2]>, Vec<Words>) = (Vec::new(), Vec::new());
        let center = self.at(0.0, 0.0, Some(0.0));
        for (axis, (from, to, out)) in self.edges().into_iter().enumerate() {
            let length = (to.0 - from.0).hypot(to.1 - from.1);
            if length < 30.0 {
                continue;
            }
            // Across the edge, away from the box.
            let mut normal = ((to.1 - from.1) / length, (from.0 - to.0) / length);
            let middle = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0);
            if normal.0 * (middle.0 - center.0) + normal.1 * (middle.1 - center.1) < 0.0 {
                normal = (-normal.0, -normal.1);
            }
            let mut reach = 0.0_f64;
            for (value, text) in self.axis_ticks(axis) {
                let share = if axis == 2 { value } else { (value + 1.0) / 2.0 };
                let at = (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1));
                let beyond = |d: f64| (at.0 + d * out.0, at.1 + d * out.1);
                ticks.push([at, beyond(size::TICK_LENGTH)]);
                let mut label = Words::new(text, size::TICK, at, 0.0);
                let (w, h) = label.reach();
                label.at = beyond(size::TICK_LENGTH + 2.5 + (out.0 * w).abs() + (out.1 * h).abs());
                if placed.iter().any(|other| label.meets(other)) {
                    continue;
                }
                let across = (label.at.0 - at.0) * normal.0 + (label.at.1 - at.1) * normal.1;
                reach = reach.max(across + (normal.0 * w).abs() + (normal.1 * h).abs());
                placed.push(label);
            }
            let angle = upright(to.0 - from.0, to.1 - from.1);
            let lines = font::wrap(&self.titles[axis], size::LABEL, false, length.max(110.0));
            let count = lines.len();
            // Lines of a wrapped title are read downwards: outward where the title is below its edge.
            let (sin, cos) = libm::sincos(angle.to_radians());
            let downward = cos * normal.1 - sin * normal.0 > 0.0;
            // Away from the edge until it is clear of everything else.
            let title = (0..60).map(|step| reach + 3.0 + 3.0 * f64::from(step)).map(|start| {
                let line = |(k, text): (usize, &String)| {
                    let rank = if downward { k } else { count - 1 - k } as f64;
                    let d = start + size::LABEL * (0.55 + size::LEADING * rank);
                    Words::new(
                        text.clone(),
                        size::LABEL,
                        (middle.0 + d * normal.0, middle.1 + d * normal.1),
                        angle,
                    )
                };
                lines.iter().enumerate().map(line).collect::<Vec<Words>>()
            });
            let clear = |title: &Vec<Words>| !title.iter().any(|w| placed.iter().any(|other| w.meets(other)));
            let title = title.into_iter().find(clear).unwrap_or_default();
            placed.extend(title);
        }
        (ticks, placed)
    }
}
