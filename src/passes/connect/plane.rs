//! The plane through two networks and a third point, with the loss over it and paths on it (Garipov et al. 2018,
//! arXiv 1802.10026, figure 1): u = B - A, v the part of C - A that is orthogonal to u, scaled to the length of u.
//! Distances in the picture are true, in units of |B - A|. A Bezier curve with one bend lies in the plane of its middle;
//! of others the projection is drawn, and how far they are off is said.

use crate::autodiff::Element;
use crate::base::{Result, interrupt};
use crate::landscape::geometry::{combined, difference, dot, projection};
use crate::landscape::path::{Evaluator, Path, evenly};
use crate::landscape::slice::Point;
use crate::landscape::{Slicer, State};
use crate::nn::Evaluation;

/// Losses over a plane, and where on it a path is.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// Coordinates along B - A, and across.
    pub x: Vec<f64>,
    pub y: Vec<f64>,
    /// Row j belongs to `y[j]`.
    pub train: Vec<Evaluation>,
    pub test: Vec<Evaluation>,
    /// The path, projected: coordinates, and the largest distance to the plane.
    pub path: (Vec<f64>, Vec<f64>),
    pub off: f64,
    /// The control points, projected.
    pub control: Vec<(f64, f64)>,
    /// The third point.
    pub third: (f64, f64),
}

/// Places on a path that is drawn.
const PLACES: usize = 101;

/// Evaluates the plane through the ends and `third`, n points a side, so that `path` fits into it; none where the three lie
/// on a line.
pub fn over<E: Element>(
    evaluator: &Evaluator<E>,
    [a, b]: [&Vec<f64>; 2],
    third: &[f64],
    path: &Path,
    n: usize,
    memory: usize,
    done: &(dyn Fn(f64) + Sync),
) -> Result<Option<Plane>> {
    let u = difference(b, a);
    let c = difference(third, a);
    let square = dot(&u, &u);
    let v = combined(&c, -dot(&c, &u) / square, &u);
    let height = (dot(&v, &v) / square).sqrt();
    // A third point on the line means no plane.
    if height.is_nan() || height <= 1e-6 {
        return Ok(None);
    }
    let axes = vec![u, v.iter().map(|x| x / height).collect::<Vec<f64>>()];
    let project = |theta: &[f64]| {
        let (at, off) = projection(&axes, &difference(theta, a));
        ((at[0], at[1]), off / square.sqrt())
    };
    let places: Vec<((f64, f64), f64)> = evenly(PLACES).iter().map(|t| project(&path.theta(*t))).collect();
    let control: Vec<(f64, f64)> = path.control.iter().map(|w| project(w).0).collect();
    // A quarter of the larger extent around what is to be seen, the same on both axes.
    let third = project(third).0;
    let seen = || places.iter().map(|p| p.0).chain(control.iter().copied()).chain([third]);
    let ends = |pick: fn((f64, f64)) -> f64| {
        let all = || seen().map(pick);
        (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max))
    };
    let (across, along) = (ends(|p| p.1), ends(|p| p.0));
    let margin = (along.1 - along.0).max(across.1 - across.0) / 4.0;
    let side = |(low, high): (f64, f64)| -> Vec<f64> {
        let (low, high) = (low - margin, high + margin);
        evenly(n).iter().map(|t| low + t * (high - low)).collect()
    };
    let (x, y) = (side(along), side(across));
    let points: Vec<Point> = y.iter().flat_map(|y| x.iter().map(|x| [*x, *y, 0.0])).collect();
    let states = &path.states;
    // Statistics between the ends: made anew, or moved along as far as the ends reach.
    let follow = |theta: &[E], point: &Point| {
        let share = point[0].clamp(0.0, 1.0);
        let state: Vec<f64> =
            states[0].iter().zip(&states[1]).map(|(a, b)| (1.0 - share) * a + share * b).collect();
        let wide: Vec<f64> = theta.iter().map(|x| x.to_f64()).collect();
        evaluator.place(&wide, &state).1
    };
    let evaluate = |objective| {
        let state = match states[0].is_empty() {
            true => State::Frozen(Vec::new()),
            false => State::Follows(&follow),
        };
        let slicer = Slicer::new(objective, a, state, &axes, memory / 4);
        slicer.evaluate(&points, done)
    };
    let train = evaluate(evaluator.train())?;
    let test = evaluator.test().map_or(Ok(Vec::new()), evaluate)?;
    interrupt::check("connect", "the training of the curve is kept; the same command goes on")?;
    let off = places.iter().map(|p| p.1).fold(0.0, f64::max);
    let path = places.into_iter().map(|p| p.0).unzip();
    Ok(Some(Plane { x, y, train, test, path, off, control, third }))
}
