//! Small shapes that stand at points: dots by curve, arrows along a way, crosses where nothing is.

use super::canvas::{Canvas, Point, pen};
use super::style::{BLACK, Ink};

/// A dot of the shape that a series of this number has, so that they are told apart without their colours.
pub fn marker(canvas: &mut Canvas, number: usize, at: Point, radius: f64, ink: Ink) {
    let shape: Vec<Point> = match number % 5 {
        0 => return canvas.dot(at, radius, ink),
        1 => star(2, 1.3 * radius, 1.0).into_iter().map(|(x, y)| ((x + y) * 0.72, (y - x) * 0.72)).collect(),
        2 => star(3, 1.55 * radius, 0.5),
        3 => star(2, 1.45 * radius, 1.0),
        _ => star(3, 1.55 * radius, 0.5).into_iter().map(|(x, y)| (x, -y)).collect(),
    };
    let shape: Vec<Point> = shape.into_iter().map(|(x, y)| (at.0 + x, at.1 + y)).collect();
    canvas.polygon(&shape, ink);
}

/// Arrows after one and two thirds of a way, unless it is too short for them.
pub fn arrows(canvas: &mut Canvas, points: &[Point], ink: Ink) {
    const LENGTH: f64 = 7.0;
    const SHORTEST: f64 = 45.0;
    let steps = || points.windows(2).map(|w| (w[1].0 - w[0].0).hypot(w[1].1 - w[0].1));
    let total: f64 = steps().sum();
    if total.is_nan() || total < SHORTEST {
        return;
    }
    for goal in [total / 3.0, 2.0 * total / 3.0] {
        let mut gone = 0.0;
        for (ends, step) in points.windows(2).zip(steps()) {
            gone += step;
            if gone < goal {
                continue;
            }
            let along = ((ends[1].0 - ends[0].0) / step, (ends[1].1 - ends[0].1) / step);
            let back = gone - goal;
            let tip = (ends[1].0 - back * along.0, ends[1].1 - back * along.1);
            let corner = |side: f64| {
                (
                    tip.0 - LENGTH * along.0 - side * 0.45 * LENGTH * along.1,
                    tip.1 - LENGTH * along.1 + side * 0.45 * LENGTH * along.0,
                )
            };
            let head = [tip, corner(1.0), corner(-1.0)];
            canvas.polygon(&head, ink);
            canvas.outline(&head, pen(BLACK, 0.6));
            break;
        }
    }
}

/// A cross: something that did not happen.
pub fn cross(canvas: &mut Canvas, at: Point, ink: Ink) {
    const ARM: f64 = 2.3;
    for rise in [ARM, -ARM] {
        canvas.line(&[(at.0 - ARM, at.1 - rise), (at.0 + ARM, at.1 + rise)], pen(ink, 1.3));
    }
}

/// A star of `n` points, its inner corners at `inner` of the radius (1 makes a 2n-gon).
pub fn star(n: usize, radius: f64, inner: f64) -> Vec<Point> {
    (0..2 * n)
        .map(|k| {
            let angle = std::f64::consts::PI * (k as f64 / n as f64 - 0.5);
            let r = if k % 2 == 0 { radius } else { radius * inner };
            (r * libm::cos(angle), r * libm::sin(angle))
        })
        .collect()
}
