//! Which points of a grid to compute, when the others can be interpolated to a stated tolerance.
//!
//! Level 0 of the grid keeps every `s`-th line along each axis and both borders, `s` a power of two; each further level
//! halves `s`, down to all points. A point that level `l` adds is predicted from level `l - 1`: between two lines by
//! the cubic through two neighbours on either side (the quadratic through three at a border), and in the middle of a
//! cell by the mean of the two along x and along y, as in dyadic interpolating subdivision (Deslauriers and Dubuc 1989,
//! doi 10.1007/BF01889598). What was found less what was predicted, the hierarchical surplus, is the error that
//! leaving the point out would have made (Griebel 1998, doi 10.1007/BF02684411).
//! Around a surplus d, within one cell of the level before, the error of points not computed is taken to be
//!
//!   |d| on the surplus's own level, and |d| / 4 on the next one,
//!
//! and a point is computed where `SAFETY` times that is above the tolerance, both relative to the range of the
//! values. A smooth function has |d| / 16; kinks of ReLU and ridges narrower than a cell have less of a gain.
//! All this follows from the values alone, so work that was cut off goes on with the very same points.
//! The bound is a statistical one: what lies between the points that were computed may always surprise.
//!
//! Positive values that span more than [`LOGARITHMIC`] are drawn in the logarithm: they are interpolated there, and
//! held to the tolerance on both scales. Nothing is interpolated across a border between finite and non-finite values,
//! which is followed down to the grid itself.

use crate::base::{Error, Result};

/// A hundredth of the range: an eighth of the step between two of the 12 contour lines of a picture, and 2.5 of the 256
/// steps of its colours.
pub const TOLERANCE: f64 = 0.01;

/// How much larger than estimated an error is taken to be. Measured at 1 % on 44 slices of 51 x 51, 11 each of a
/// perceptron and a convolutional network on digits, a tanh perceptron on spirals, and a plain one of 20 layers, whose
/// slices are rugged: the true error was above the tolerance on 18 of the 33 of the first three with 1, on 1 with 2, on
/// none with 3; on 11, 9 and 2 of the 11 of the deep one; on none of all with 4.
const SAFETY: f64 = 4.0;

/// The gain from one level to the next: what kinks leave of the 16 of smooth values (quadratic terms alone). Largest
/// errors of the losses of those slices fell by 3 to 5.
const GAIN: f64 = 4.0;

/// The factor that positive values must span to be taken in the logarithm: the one from which pictures are logarithmic.
pub const LOGARITHMIC: f64 = 50.0;

/// Fewest intervals of level 0 along a side, where the side has that many; the first picture has twice as many.
const INTERVALS: usize = 6;

/// A line that a level adds, between two that it has, with the next ones outwards where there are such.
#[derive(Clone, Debug)]
struct Between {
    at: usize,
    sides: [usize; 2],
    outer: [Option<usize>; 2],
}

/// One axis of one level: spacing, lines of the level before, and the lines that are new.
#[derive(Clone, Debug)]
struct Lines {
    stride: usize,
    old: Vec<usize>,
    new: Vec<Between>,
}

/// A point that a level adds: its index, and the predictions along x and y that can be made for it.
struct Added<'a> {
    i: usize,
    j: usize,
    x: Option<&'a Between>,
    y: Option<&'a Between>,
}

/// How a value is predicted.
#[derive(Clone, Copy)]
enum Prediction {
    Value(f64),
    /// Finite values on one side, others on the other.
    Border,
}

/// The refinement of one grid.
#[derive(Clone, Debug)]
pub struct Adaptive {
    x: Vec<f64>,
    y: Vec<f64>,
    tolerance: f64,
    first: Vec<usize>,
    /// Levels 1 and up, for x and y.
    levels: Vec<[Lines; 2]>,
}

/// An array without gaps.
#[derive(Clone, Debug, PartialEq)]
pub struct Filled {
    /// Known values as they are, the others interpolated; NaN at a border to non-finite values not yet followed down.
    pub values: Vec<f64>,
    /// The largest error that interpolated values are expected to have, relative to the range (and in the logarithm to
    /// its range, if that is more): at most the tolerance for an array that was held to it, once nothing more is
    /// asked for. An estimate.
    pub error: f64,
    /// Whether values were interpolated in the logarithm.
    pub logarithmic: bool,
}

/// One array as it is interpolated.
struct Completed {
    /// Values, or their logarithms.
    values: Vec<f64>,
    /// Relative error of the prediction where the value is known, infinite across a border; 0 where there was none.
    surplus: Vec<f64>,
    /// Not known, and between finite and other values.
    border: Vec<bool>,
    logarithmic: bool,
}

/// Every `stride`-th of `n` lines, and the last.
fn strided(n: usize, stride: usize) -> Vec<usize> {
    let mut lines: Vec<usize> = (0..n).step_by(stride).collect();
    if lines.last().is_some_and(|last| *last != n - 1) {
        lines.push(n - 1);
    }
    lines
}

/// The stride of level 0: [`INTERVALS`] or more, but 4 as soon as that leaves 3 of them.
fn coarsest(n: usize) -> usize {
    let mut stride = 1;
    while 2 * stride * INTERVALS < n {
        stride *= 2;
    }
    if n > 12 { stride.max(4) } else { stride }
}

fn lines(n: usize, coarse: usize, fine: usize) -> Lines {
    let old = strided(n, coarse);
    let between = |at: usize| {
        let above = old.partition_point(|o| *o < at);
        let is_new = above > 0 && old.get(above).is_some_and(|o| *o != at);
        is_new.then(|| Between {
            at,
            sides: [old[above - 1], old[above]],
            outer: [above.checked_sub(2).map(|k| old[k]), old.get(above + 1).copied()],
        })
    };
    let new = strided(n, fine).into_iter().filter_map(between).collect();
    Lines { stride: fine, old, new }
}

impl Between {
    /// The Lagrange polynomial through the finite values around, at this line.
    fn predict(&self, grid: &[f64], value: impl Fn(usize) -> f64) -> Prediction {
        let sides = self.sides.map(&value);
        match sides.map(f64::is_finite) {
            [false, false] => return Prediction::Value(sides[0]),
            [true, true] => (),
            _ => return Prediction::Border,
        }
        let outer = self.outer.iter().flatten().copied().filter(|k| value(*k).is_finite());
        let mut nodes = [0; 4];
        let mut count = 0;
        for node in self.sides.into_iter().chain(outer) {
            nodes[count] = node;
            count += 1;
        }
        let nodes = &nodes[..count];
        let weight = |k: usize| {
            let others = nodes.iter().filter(|m| **m != k);
            others.map(|m| (grid[self.at] - grid[*m]) / (grid[k] - grid[*m])).product::<f64>()
        };
        Prediction::Value(nodes.iter().map(|k| weight(*k) * value(*k)).sum())
    }
}

/// The largest value within `radius` places, along lines of `n` values that lie `step` apart.
fn widened(values: &[f64], lines: usize, between: usize, n: usize, step: usize, radius: usize) -> Vec<f64> {
    let mut wide = vec![0.0; values.len()];
    for line in 0..lines {
        for i in 0..n {
            let near = i.saturating_sub(radius)..=(i + radius).min(n - 1);
            let most = near.map(|k| values[line * between + k * step]).fold(0.0, f64::max);
            wide[line * between + i * step] = most;
        }
    }
    wide
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite = values.filter(|v| v.is_finite());
    finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
}

/// |a - b| relative to `spread`; 0 within the rounding of values up to `size`.
fn relative(a: f64, b: f64, spread: f64, size: f64) -> f64 {
    let error = (a - b).abs();
    if error <= 16.0 * f64::EPSILON * size { 0.0 } else { error / spread }
}

impl Adaptive {
    /// The refinement of the grid of columns `x` and rows `y`, to an error of `tolerance` times the range of the values.
    /// Coordinates must rise or fall all along, two at least; the tolerance must be positive.
    pub fn new(x: &[f64], y: &[f64], tolerance: f64) -> Result<Self> {
        for (at, axis) in [("x", x), ("y", y)] {
            let steps = || axis.windows(2).map(|w| w[1] - w[0]);
            let along = steps().all(|s| s > 0.0) || steps().all(|s| s < 0.0);
            if axis.len() < 2 || !along || axis.iter().any(|v| !v.is_finite()) {
                let expected = "at least 2 finite coordinates, rising or falling all along";
                return Err(Error::expected(at, expected, format!("{axis:?}")));
            }
        }
        if !(tolerance > 0.0 && tolerance.is_finite()) {
            return Err(Error::expected("tolerance", "a number above 0", tolerance));
        }
        let mut strides = [coarsest(x.len()), coarsest(y.len())];
        let mut levels = Vec::new();
        while strides != [1, 1] {
            let finer = strides.map(|s| (s / 2).max(1));
            levels.push([lines(x.len(), strides[0], finer[0]), lines(y.len(), strides[1], finer[1])]);
            strides = finer;
        }
        let stride = |axis: usize| levels.first().map_or(1, |level: &[Lines; 2]| level[axis].stride);
        let (columns, rows) = (strided(x.len(), stride(0)), strided(y.len(), stride(1)));
        let mut first: Vec<usize> =
            rows.iter().flat_map(|j| columns.iter().map(move |i| j * x.len() + i)).collect();
        // A trained network is at the origin, and may lie in a pit narrower than the first cells.
        let middle = |axis: &[f64]| (0..axis.len()).min_by(|a, b| axis[*a].abs().total_cmp(&axis[*b].abs()));
        if let (Some(i), Some(j)) = (middle(x), middle(y)) {
            first.push(j * x.len() + i);
        }
        first.sort_unstable();
        first.dedup();
        Ok(Self { x: x.to_vec(), y: y.to_vec(), tolerance, first, levels })
    }

    /// How many points the grid has.
    pub fn points(&self) -> usize {
        self.x.len() * self.y.len()
    }

    /// The points to compute next, as ascending indices `j * nx + i` of column `i` in row `j`; none when all of `held`
    /// can be completed to the tolerance. `known` says which points have been computed; each array of `held` has their
    /// values (non-finite ones too) and anything elsewhere. At first these are a coarse grid with its borders.
    ///
    /// # Panics
    /// If `known` or an array has another number of points than the grid.
    pub fn next(&self, known: &[bool], held: &[&[f64]]) -> Vec<usize> {
        assert_eq!(known.len(), self.points(), "one flag a point");
        let missing: Vec<usize> = self.first.iter().copied().filter(|p| !known[*p]).collect();
        if !missing.is_empty() {
            return missing;
        }
        let completed: Vec<Completed> = held.iter().map(|v| self.complete(known, v)).collect();
        let mut wanted = Vec::new();
        self.estimates(known, &completed, |added| {
            wanted.extend(added.iter().filter(|(p, e)| !known[*p] && *e > self.tolerance).map(|(p, _)| *p));
            wanted.is_empty()
        });
        wanted.sort_unstable();
        wanted
    }

    /// One array completed: see [`Adaptive::next`] for the arguments. Before the first points are known, what they lack
    /// is NaN.
    ///
    /// # Panics
    /// If `known` or `values` has another number of points than the grid.
    pub fn fill(&self, known: &[bool], values: &[f64]) -> Filled {
        assert_eq!(known.len(), self.points(), "one flag a point");
        let completed = [self.complete(known, values)];
        let mut error = 0.0f64;
        self.estimates(known, &completed, |added| {
            error = added.iter().filter(|(p, _)| !known[*p]).map(|(_, e)| *e).fold(error, f64::max);
            true
        });
        let [Completed { values: completed, logarithmic, .. }] = completed;
        let value = |p: usize| match (known[p], logarithmic) {
            (true, _) => values[p],
            (false, true) => completed[p].exp(),
            (false, false) => completed[p],
        };
        Filled { values: (0..self.points()).map(value).collect(), error, logarithmic }
    }

    /// What level `l` adds to the one before, points between two lines first.
    fn added([x, y]: &[Lines; 2]) -> impl Iterator<Item = Added<'_>> {
        let along_x = y.old.iter().flat_map(|j| {
            x.new.iter().map(move |between| Added { i: between.at, j: *j, x: Some(between), y: None })
        });
        let along_y = y.new.iter().flat_map(|between| {
            x.old.iter().map(move |i| Added { i: *i, j: between.at, x: None, y: Some(between) })
        });
        let centres = y.new.iter().flat_map(|along_y| {
            x.new.iter().map(|along_x| Added {
                i: along_x.at,
                j: along_y.at,
                x: Some(along_x),
                y: Some(along_y),
            })
        });
        along_x.chain(along_y).chain(centres)
    }

    fn predict(&self, added: &Added<'_>, values: &[f64]) -> Prediction {
        let nx = self.x.len();
        let x = added.x.map(|between| between.predict(&self.x, |i| values[added.j * nx + i]));
        let y = added.y.map(|between| between.predict(&self.y, |j| values[j * nx + added.i]));
        match (x, y) {
            (Some(Prediction::Value(x)), Some(Prediction::Value(y))) => match [x, y].map(f64::is_finite) {
                [true, true] => Prediction::Value(0.5 * (x + y)),
                [false, false] => Prediction::Value(x),
                _ => Prediction::Border,
            },
            (Some(only), None) | (None, Some(only)) => only,
            _ => Prediction::Border,
        }
    }

    /// Interpolates level by level.
    fn complete(&self, known: &[bool], values: &[f64]) -> Completed {
        assert_eq!(values.len(), self.points(), "one value a point");
        let (low, high) = range(values.iter().zip(known).filter(|(_, k)| **k).map(|(v, _)| *v));
        let logarithmic = low > 0.0 && high > LOGARITHMIC * low;
        let scale = |v: f64| if logarithmic && v.is_finite() { v.ln() } else { v };
        let of = |(v, known): (&f64, &bool)| if *known { scale(*v) } else { f64::NAN };
        let mut done = Completed {
            values: values.iter().zip(known).map(of).collect(),
            surplus: vec![0.0; values.len()],
            border: vec![false; values.len()],
            logarithmic,
        };
        let error = |found: f64, predicted: f64| {
            let linear = |v: f64| if logarithmic { v.exp() } else { v };
            let size = low.abs().max(high.abs());
            let error = relative(linear(found), linear(predicted), high - low, size);
            if logarithmic {
                error.max(relative(found, predicted, high.ln() - low.ln(), size.ln().abs().max(1.0)))
            } else {
                error
            }
        };
        for level in &self.levels {
            for added in Self::added(level) {
                let p = added.j * self.x.len() + added.i;
                let found = known[p].then_some(done.values[p]);
                match (found, self.predict(&added, &done.values)) {
                    (None, Prediction::Value(predicted)) => done.values[p] = predicted,
                    (None, Prediction::Border) => done.border[p] = true,
                    (Some(_), Prediction::Border) => done.surplus[p] = f64::INFINITY,
                    (Some(found), Prediction::Value(predicted)) => {
                        done.surplus[p] = match [found, predicted].map(f64::is_finite) {
                            [true, true] => error(found, predicted),
                            [false, false] => 0.0,
                            _ => f64::INFINITY,
                        }
                    }
                }
            }
        }
        done
    }

    /// Gives `level` the points that each level adds, with the largest error among `arrays` that is expected there if
    /// they are left out, times [`SAFETY`]; stops when it says false.
    fn estimates(
        &self,
        known: &[bool],
        arrays: &[Completed],
        mut level: impl FnMut(&[(usize, f64)]) -> bool,
    ) {
        let (nx, ny) = (self.x.len(), self.y.len());
        let mut before = vec![0.0; self.points()];
        for lines in &self.levels {
            let at: Vec<usize> = Self::added(lines).map(|a| a.j * nx + a.i).collect();
            let surplus = |p: usize| arrays.iter().map(|a| a.surplus[p]).fold(0.0, f64::max);
            let mut near: Vec<f64> = before.iter().map(|e| e / GAIN).collect();
            for p in at.iter().filter(|p| known[**p]) {
                near[*p] = surplus(*p).max(near[*p]);
            }
            let [x, y] = lines;
            let near = widened(&near, ny, nx, nx, 1, 2 * x.stride);
            let near = widened(&near, nx, 1, ny, nx, 2 * y.stride);
            let border = |p: usize| arrays.iter().any(|a| a.border[p]);
            let expected = |p: usize| if border(p) { f64::INFINITY } else { near[p] };
            let found: Vec<(usize, f64)> = at.iter().map(|p| (*p, SAFETY * expected(*p))).collect();
            if !level(&found) {
                return;
            }
            before.fill(0.0);
            for p in at {
                before[p] = if known[p] { surplus(p) } else { expected(p) };
            }
        }
    }
}
