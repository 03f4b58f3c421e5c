//! The plane through two networks and a third point, with the loss over it and paths on it (Garipov et al. 2018,
//! arXiv 1802.10026, figure 1): u = B - A, v the part of C - A that is orthogonal to u, scaled to the length of u.
//! Distances in the picture are true, in units of |B - A|. A Bezier curve with one bend lies in the plane of its middle;
//! of others the projection is drawn, and how far they are off is said.

use crate::base::npz::Npz;
use crate::base::{Error, Result};
use crate::figure::{Axis, Grid, Panel, Scale};
use crate::landscape::State;
use crate::landscape::geometry::{combined, difference, dot, projection};
use crate::landscape::path::{Evaluator, Path, evenly};
use crate::landscape::slice::Point;
use crate::nn::Evaluation;
use crate::nn::MeanLoss;

/// Losses over a plane, and where on it a path is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plane {
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
pub(super) fn over(
    evaluator: &Evaluator,
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
    // Statistics between the ends: recomputed, or moved along as far as the ends reach.
    let follow = |theta: &[f64], point: &Point| {
        let share = point[0].clamp(0.0, 1.0);
        let state = evaluator.network().mixed([&states[0], &states[1]], share);
        evaluator.place(theta, &state).state
    };
    let evaluate = |objective: &dyn MeanLoss| {
        let state = if states[0].is_empty() { State::Frozen(Vec::new()) } else { State::Follows(&follow) };
        objective.slice(a, state, &axes, memory / 4).evaluate(&points, done)
    };
    let train = evaluate(evaluator.train())?;
    let test = evaluator.test().map_or(Ok(Vec::new()), evaluate)?;
    let off = places.iter().map(|p| p.1).fold(0.0, f64::max);
    let path = places.into_iter().map(|p| p.0).unzip();
    Ok(Some(Plane { x, y, train, test, path, off, control, third }))
}

/// What is drawn over a plane, after `NAME_`.
const MAPS: [&str; 4] = ["train_loss", "train_error", "test_loss", "test_error"];

impl Plane {
    /// Its arrays, each after `NAME_`.
    pub fn push(&self, name: &str, arrays: &mut Npz) {
        let shape = [self.y.len(), self.x.len()];
        let (x, y): (Vec<f64>, Vec<f64>) = self.control.iter().copied().unzip();
        for (part, values) in [
            ("x", &self.x),
            ("y", &self.y),
            ("path_x", &self.path.0),
            ("path_y", &self.path.1),
            ("control_x", &x),
            ("control_y", &y),
            ("third", &vec![self.third.0, self.third.1]),
        ] {
            arrays.push(&format!("{name}_{part}"), &[values.len()], values.clone());
        }
        for (part, values) in [("train", &self.train), ("test", &self.test)] {
            if !values.is_empty() {
                let of = |f: fn(&Evaluation) -> f64| values.iter().map(f).collect::<Vec<f64>>();
                arrays.push(&format!("{name}_{part}_loss"), &shape, of(|e| e.loss));
                arrays.push(&format!("{name}_{part}_error"), &shape, of(|e| 1.0 - e.accuracy));
            }
        }
    }
}

/// Refuses arrays of a plane that do not fit together.
pub(super) fn check(arrays: &Npz, name: &str, at: &str) -> Result<()> {
    let there = |part: &str| arrays.get(&format!("{name}_{part}"));
    let size = |part: &str| there(part).map_or(0, |a| a.to_f64().len());
    let same = |part: &str, expected: usize| match size(part) {
        found if found == expected => Ok(()),
        found => Err(Error::expected(format!("{at}: {name}_{part}"), format!("{expected} numbers"), found)),
    };
    for map in MAPS.into_iter().filter(|map| there(map).is_some()) {
        same(map, size("x") * size("y"))?;
    }
    same("path_y", size("path_x"))?;
    same("control_y", size("control_x"))
}

/// The map `PART_WHAT` ("train_loss") of a plane as a panel, with nothing on it yet; none where it has no finite value. `array`
/// gives the plane's arrays by their names after `NAME_`.
pub(super) fn panel(
    array: &dyn Fn(&str) -> Vec<f64>,
    map: &str,
    [x, y, z]: [&str; 3],
    scale: Scale,
) -> Option<Panel> {
    let axis = |label: &str, scale: Scale| Axis { label: label.to_owned(), scale, range: None };
    let grid = Grid { x: array("x"), y: array("y"), values: array(map) };
    let some = grid.x.len() >= 2 && grid.y.len() >= 2 && grid.values.iter().any(|v| v.is_finite());
    some.then(|| Panel {
        x: axis(x, Scale::Linear),
        y: axis(y, Scale::Linear),
        z: axis(z, scale),
        grids: vec![grid],
        ..Panel::default()
    })
}
