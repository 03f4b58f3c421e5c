//! Directions against dense matrices, finite differences and the networks that they go through.

use crate::analytic::{agree, dense, gaussian, network, objective};
use losscape::autodiff::Curvature;
use losscape::base::registry::Registry;
use losscape::base::tensors::TensorFile;
use losscape::base::{Error, Precision, Result, Streams};
use losscape::landscape::directions::eigenvectors::{Eigenvectors, Which};
use losscape::landscape::directions::file::FromFile;
use losscape::landscape::directions::gradient::Gradient;
use losscape::landscape::directions::through::Through;
use losscape::landscape::directions::trajectory::Trajectory;
use losscape::landscape::directions::{Draw, Frame, Place, Snapshot};
use losscape::landscape::geometry::{dot, principal, projection};
use losscape::landscape::hessian::Curved;
use losscape::landscape::{Normalization, Slicer, State};
use losscape::nn::{Network, Objective, Role, weights};
use losscape::spectral::Operator;
use std::path::Path;
use std::sync::Arc;

/// A network with whatever a test says surrounds it.
struct Here {
    objective: Objective<f64>,
    theta: Vec<f64>,
    state: Vec<f64>,
    streams: Streams,
    /// Other networks by name.
    others: Vec<(&'static str, Vec<f64>, Vec<f64>)>,
    snapshots: Vec<Snapshot>,
    companions: Vec<(String, Vec<Snapshot>)>,
}

impl Place for Here {
    fn network(&self) -> &Network {
        self.objective.network()
    }
    fn theta(&self) -> &[f64] {
        &self.theta
    }
    fn state(&self) -> &[f64] {
        &self.state
    }
    fn streams(&self) -> &Streams {
        &self.streams
    }
    fn gradient(&self) -> Result<Vec<f64>> {
        Ok(self.objective.gradient(&self.theta, &self.state).1)
    }
    fn hessian(&self) -> Result<Box<dyn Operator + '_>> {
        let products = self.objective.linearize(&self.theta, &self.state, Curvature::Hessian, usize::MAX);
        Ok(Box::new(Curved(products)))
    }
    fn weights(&self, path: &Path) -> Result<(Vec<f64>, Vec<f64>)> {
        let found = self.others.iter().find(|(name, ..)| Path::new(name) == path);
        let missing = || Error::expected(path.display().to_string(), "a network of this test", "none");
        found.map(|(_, theta, state)| (theta.clone(), state.clone())).ok_or_else(missing)
    }
    fn trajectory(&self) -> Result<Vec<Snapshot>> {
        Ok(self.snapshots.clone())
    }
    fn companions(&self) -> Result<Vec<(String, Vec<Snapshot>)>> {
        Ok(self.companions.clone())
    }
}

/// A network at random parameters, with statistics that a trained one might have.
fn here(model: &str, name: &str) -> Here {
    let network = network(model, "cross-entropy", 4, 3);
    let n = 60;
    let labels: Vec<u32> = (0..n).map(|i| i * i % 7 % 3).collect();
    let data = gaussian(&format!("directions/{name}/data"), 4 * n as usize);
    let theta = place(&network, &format!("{name}/a"));
    Here {
        objective: objective(&network, &data, &labels),
        state: state(&network, &format!("{name}/a")),
        theta,
        streams: Streams::new(11),
        others: Vec::new(),
        snapshots: Vec::new(),
        companions: Vec::new(),
    }
}

fn place(network: &Arc<Network>, name: &str) -> Vec<f64> {
    let drawn = gaussian(&format!("directions/{name}/theta"), network.layout().size());
    drawn.iter().map(|t| 0.6 * t).collect()
}

/// Positive, as variances are.
fn state(network: &Arc<Network>, name: &str) -> Vec<f64> {
    let drawn = gaussian(&format!("directions/{name}/state"), network.layout().state_size());
    drawn.iter().map(|s| 0.5 + s * s).collect()
}

/// theta + sum of c_k d_k.
fn reached(start: &[f64], frame: &Frame, at: &[f64], of: impl Fn(usize) -> Vec<f64>) -> Vec<f64> {
    let mut there = start.to_vec();
    for (k, c) in at.iter().enumerate().take(frame.axes.len()) {
        there.iter_mut().zip(of(k)).for_each(|(t, d)| *t += c * d);
    }
    there
}

const NORMED: &str = "mlp:hidden=[5,4],activation=tanh,norm=batch";

#[test]
fn a_plane_through_three_networks_hits_each_at_its_mark() {
    let mut here = here(NORMED, "through");
    let network = here.objective.network().clone();
    for name in ["b", "c"] {
        let own = format!("through/{name}");
        here.others.push((name, place(&network, &own), state(&network, &own)));
    }
    let through = Through { b: "b".to_owned(), c: "c".to_owned() };
    let frame = through.draw(&here, 2).expect("a plane");
    let [x, y] = [0, 1].map(|k| frame.axes[k].direction.clone());
    let square = dot(&x, &x);
    // Sums of some 60 products of size 1, rounded.
    agree("angle", &[dot(&x, &y) / square], &[0.0], 1e-14);
    agree("length", &[dot(&y, &y) / square], &[1.0], 1e-14);
    let names: Vec<&str> = frame.marks.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["B", "C"]);
    for ((at, _), (_, theta, state)) in frame.marks.iter().zip(&here.others) {
        let found = reached(&here.theta, &frame, at, |k| frame.axes[k].direction.clone());
        agree("weights at a mark", &found, theta, 1e-13);
        let found = reached(&here.state, &frame, at, |k| frame.axes[k].state.clone());
        agree("statistics at a mark", &found, state, 1e-13);
        // What is to be seen is within the ends.
        for (c, axis) in at.iter().zip(&frame.axes) {
            assert!(axis.ends.0 < c.min(0.0) && axis.ends.1 > c.max(0.0), "{c} in {:?}", axis.ends);
        }
    }
    // The loss there is that network's own.
    let follow = |_: &[f64], p: &[f64; 3]| reached(&here.state, &frame, p, |k| frame.axes[k].state.clone());
    let directions = [x, y];
    let slicer = Slicer::new(&here.objective, &here.theta, State::Follows(&follow), &directions, usize::MAX);
    let marks: Vec<[f64; 3]> = frame.marks.iter().map(|(at, _)| [at[0], at[1], 0.0]).collect();
    let found = slicer.evaluate(&marks, &|_| {}).expect("two points");
    for (found, (name, theta, state)) in found.iter().zip(&here.others) {
        let own = here.objective.evaluate(theta, state);
        agree(name, &[found.loss / own.loss], &[1.0], 1e-12);
        assert_eq!(found.accuracy, own.accuracy, "{name}");
    }
    // B alone makes a line, with the same first axis.
    let line = Through { b: "b".to_owned(), c: String::new() }.draw(&here, 1).expect("a line");
    assert_eq!(line.axes[0].direction, frame.axes[0].direction);
    assert_eq!(line.marks, [(vec![1.0], "B".to_owned())]);
}

/// The text of a refusal.
fn refusal(found: Result<Frame>) -> String {
    match found {
        Ok(_) => panic!("it was accepted"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_plane_needs_three_networks_that_are_not_on_a_line() {
    let mut here = here("mlp:hidden=[4]", "refusals");
    let network = here.objective.network().clone();
    let b = place(&network, "refusals/b");
    let beyond: Vec<f64> = here.theta.iter().zip(&b).map(|(a, b)| a + 2.5 * (b - a)).collect();
    here.others =
        vec![("same", here.theta.clone(), Vec::new()), ("b", b, Vec::new()), ("beyond", beyond, Vec::new())];
    let through =
        |b: &str, c: &str, count| refusal(Through { b: b.to_owned(), c: c.to_owned() }.draw(&here, count));
    for (found, expected) in [
        (through("same", "", 1), "another network, found the same weights"),
        (through("b", "b", 2), "off the line"),
        (through("b", "same", 2), "off the line"),
        (through("b", "beyond", 2), "off the line"),
        (through("b", "", 2), "a third network"),
        (through("b", "beyond", 1), "no c for a line"),
        (through("b", "beyond", 3), "a line or a plane"),
        (through("", "", 1), "a run directory or weight file"),
        (through("none", "", 1), "none: expected a network of this test"),
    ] {
        assert!(found.contains(expected), "{found}");
    }
}

/// Eigenvalues, ascending, and eigenvectors of a dense symmetric matrix.
fn eigen(matrix: &[f64], p: usize) -> (Vec<f64>, Vec<Vec<f64>>) {
    let matrix = faer::MatRef::from_column_major_slice(matrix, p, p);
    let found = matrix.self_adjoint_eigen(faer::Side::Lower).expect("a finite matrix");
    let values = (0..p).map(|k| found.S().column_vector()[k]).collect();
    let vectors = (0..p).map(|k| (0..p).map(|i| found.U()[(i, k)]).collect()).collect();
    (values, vectors)
}

#[test]
fn several_trajectories_lie_in_the_slice_of_all_their_snapshots() {
    let mut here = here("mlp:hidden=[3]", "trajectories");
    let p = here.theta.len();
    let snapshot = |name: &str, t: u64, left: f64| {
        let away = gaussian(&format!("trajectories/{name}/{t}"), p);
        let theta = here.theta.iter().zip(&away).map(|(w, d)| w + left * d).collect();
        Snapshot { step: t, theta, state: Vec::new() }
    };
    let own: Vec<Snapshot> = (0..6).map(|t| snapshot("own", t, (5 - t) as f64)).collect();
    let other: Vec<Snapshot> = (0..4).map(|t| snapshot("other", t, 5.0 - t as f64)).collect();
    // One run that goes through all of them, and ends where the first one does.
    here.snapshots = [&own[..5], &other[..], &own[5..]].concat();
    let one = Trajectory.draw(&here, 2).expect("components");
    here.snapshots = own;
    here.companions = vec![("Adam".to_owned(), other)];
    let both = Trajectory.draw(&here, 2).expect("components");
    for (found, expected) in both.axes.iter().zip(&one.axes) {
        agree("component", &found.direction, &expected.direction, 1e-11);
        assert_eq!(found.label, expected.label);
    }
    let (all, [(name, beside)]) = (one.trail.expect("a trail"), both.others.as_slice()) else {
        panic!("{} other trails", both.others.len());
    };
    assert_eq!((name.as_str(), beside.snapshots.len()), ("Adam", 4));
    agree("coordinates", &beside.coordinates.concat(), &all.coordinates[5..9].concat(), 1e-9);
    agree("residuals", &beside.residuals, &all.residuals[5..9], 1e-9);
    agree(
        "own",
        &both.trail.expect("a trail").coordinates[..5].concat(),
        &all.coordinates[..5].concat(),
        1e-9,
    );
    assert_eq!(both.marks, [(beside.coordinates[3].clone(), "end of Adam".to_owned())]);
}

#[test]
fn a_trajectory_is_seen_along_the_eigenvectors_of_its_covariance() {
    let mut here = here("mlp:hidden=[3]", "trajectory");
    let p = here.theta.len();
    // A way with three directions of decreasing extent and noise in all others, to where the network is.
    let ways = [3.0, 1.0, 0.4].map(|s| (s, gaussian(&format!("trajectory/{s}"), p)));
    for t in 0..9u64 {
        let left = 1.0 - t as f64 / 8.0;
        let noise = gaussian(&format!("trajectory/noise/{t}"), p);
        let shape = [left, (3.0 * left).sin(), (7.0 * left).sin()];
        let step = |i: usize| {
            let ways: f64 = ways.iter().zip(shape).map(|((s, way), c)| s * c * way[i]).sum();
            ways + 0.05 * left * noise[i]
        };
        let theta = (0..p).map(|i| here.theta[i] + step(i)).collect();
        here.snapshots.push(Snapshot { step: 10 * t, theta, state: Vec::new() });
    }
    let n = here.snapshots.len() as f64;
    let rows: Vec<Vec<f64>> = here
        .snapshots
        .iter()
        .map(|s| s.theta.iter().zip(&here.theta).map(|(a, b)| a - b).collect())
        .collect();
    let mean: Vec<f64> = (0..p).map(|i| rows.iter().map(|r| r[i]).sum::<f64>() / n).collect();
    let covariance: Vec<f64> = (0..p * p)
        .map(|ij| rows.iter().map(|r| (r[ij / p] - mean[ij / p]) * (r[ij % p] - mean[ij % p])).sum())
        .collect();
    let (values, vectors) = eigen(&covariance, p);
    let total: f64 = (0..p).map(|i| covariance[i * p + i]).sum();
    for count in 1..=3 {
        let frame = Trajectory.draw(&here, count).expect("components");
        let trail = frame.trail.as_ref().expect("a trail");
        let mut along = vec![vec![0.0; count]; rows.len()];
        for (k, axis) in frame.axes.iter().enumerate() {
            let vector = &vectors[p - 1 - k];
            let sign = dot(&rows[0], vector).signum();
            let expected: Vec<f64> = vector.iter().map(|v| sign * v).collect();
            // Rounding of the matrix over the gap of its eigenvalues, which are an order of magnitude apart.
            agree("component", &axis.direction, &expected, 1e-11);
            let share = frame.facts["explained_variance"][k].as_f64().expect("a number");
            agree("share", &[share], &[values[p - 1 - k] / total], 1e-13);
            for (row, along) in rows.iter().zip(&mut along) {
                along[k] = dot(row, &expected);
            }
        }
        for ((row, along), (found, residual)) in
            rows.iter().zip(&along).zip(trail.coordinates.iter().zip(&trail.residuals))
        {
            agree("coordinates", found, along, 1e-9);
            // Pythagoras: axes are orthonormal.
            let squares = residual * residual + found.iter().map(|c| c * c).sum::<f64>();
            agree("length", &[squares / total], &[dot(row, row) / total], 1e-14);
        }
        assert!(trail.coordinates[8].iter().all(|c| *c == 0.0) && trail.residuals[8] == 0.0, "at the origin");
        assert_eq!(trail.snapshots, here.snapshots);
        let largest = trail.residuals.iter().copied().fold(0.0, f64::max);
        assert_eq!(frame.facts["largest_residual"].as_f64(), Some(largest));
    }
    // As many components as snapshots there cannot be, nor two of a straight way.
    here.snapshots.truncate(2);
    here.theta = here.snapshots[1].theta.clone();
    assert!(refusal(Trajectory.draw(&here, 2)).contains("at least 3 snapshots, found 2"));
    let straight =
        |t: f64| Snapshot { step: 0, theta: ways[0].1.iter().map(|w| t * w).collect(), state: Vec::new() };
    here.snapshots = [0.0, 1.0, 3.0, 4.5].map(straight).to_vec();
    assert!(refusal(Trajectory.draw(&here, 2)).contains("that end at the weights"));
    here.theta = here.snapshots[3].theta.clone();
    assert!(refusal(Trajectory.draw(&here, 2)).contains("expected 2 directions in which training moved"));
    here.snapshots = [1.0; 4].map(straight).to_vec();
    here.theta = here.snapshots[3].theta.clone();
    assert!(refusal(Trajectory.draw(&here, 1)).contains("in which training moved"));
}

#[test]
fn principal_components_of_a_cross_are_its_arms() {
    let row = |x: f64, y: f64| vec![x, 0.0, y];
    let rows = [row(4.0, 1.0), row(-2.0, 1.0), row(1.0, 2.0), row(1.0, 0.0)];
    let (components, shares) = principal(&rows, 2).expect("two");
    // Centred: (+-3, 0) and (0, +-1): variances 18 and 2 of 20.
    agree("shares", &shares, &[0.9, 0.1], 1e-15);
    for (component, expected) in components.iter().zip([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]) {
        agree("arm", &component.iter().map(|c| c.abs()).collect::<Vec<_>>(), &expected, 1e-15);
    }
    assert!(principal(&rows, 3).is_err(), "a cross is flat");
}

#[test]
fn the_nearest_point_of_slanted_axes_is_that_of_least_squares() {
    let p = 40;
    let v = gaussian("projection/v", p);
    let first = gaussian("projection/0", p);
    for count in 1..=3 {
        // Neither orthogonal (cosines of .9 and more) nor of length 1.
        let axes: Vec<Vec<f64>> = (0..count)
            .map(|k| {
                let own = gaussian(&format!("projection/{k}"), p);
                let scale = [2.0, 0.03, 50.0][k];
                first.iter().zip(own).map(|(f, o)| scale * (f + 0.4 * o)).collect()
            })
            .collect();
        let (found, distance) = projection(&axes, &v);
        // QR by Gram-Schmidt, twice, then back substitution.
        let mut basis: Vec<Vec<f64>> = Vec::new();
        for axis in &axes {
            let mut q = axis.clone();
            for _ in 0..2 {
                for b in &basis {
                    let share = dot(b, &q);
                    q.iter_mut().zip(b).for_each(|(q, b)| *q -= share * b);
                }
            }
            let length = dot(&q, &q).sqrt();
            basis.push(q.iter().map(|q| q / length).collect());
        }
        let mut expected = vec![0.0; count];
        for k in (0..count).rev() {
            let known: f64 = (k + 1..count).map(|j| dot(&basis[k], &axes[j]) * expected[j]).sum();
            expected[k] = (dot(&basis[k], &v) - known) / dot(&basis[k], &axes[k]);
        }
        let lengths: Vec<f64> = axes.iter().map(|a| dot(a, a).sqrt()).collect();
        let scaled = |x: &[f64]| x.iter().zip(&lengths).map(|(x, l)| x * l).collect::<Vec<f64>>();
        // The normal equations square a condition number of some 10.
        agree("coordinates", &scaled(&found), &scaled(&expected), 1e-12);
        let within: f64 = basis.iter().map(|b| dot(b, &v).powi(2)).sum();
        agree("distance", &[distance], &[(dot(&v, &v) - within).sqrt()], 1e-12);
    }
}

#[test]
fn eigenvectors_are_those_of_the_dense_hessian() {
    let here = here("mlp:hidden=[4],activation=tanh", "eigenvectors");
    let p = here.theta.len();
    let hessian = dense(&here.objective, &here.theta, Curvature::Hessian);
    let (values, _) = eigen(&hessian, p);
    let scale = values[0].abs().max(values[p - 1].abs());
    let (low, high) = ([values[0], values[1], values[2]], [values[p - 1], values[p - 2], values[p - 3]]);
    for (which, expected) in
        [(Which::Largest, high), (Which::Smallest, low), (Which::Both, [high[0], low[0], high[1]])]
    {
        for count in 1..=3 {
            let kind = Eigenvectors { which, tolerance: 1e-10, steps: 500 };
            let frame = kind.draw(&here, count).expect("eigenvectors");
            assert_eq!(frame.axes.len(), count);
            for (k, (axis, expected)) in frame.axes.iter().zip(expected).enumerate() {
                let d = &axis.direction;
                let value = frame.facts["eigenvalues"][k].as_f64().expect("a number");
                // Residuals of 1e-10, whose squares are the error of a value.
                agree("eigenvalue", &[value / scale], &[expected / scale], 1e-12);
                agree("length", &[dot(d, d)], &[1.0], 1e-14);
                let product: Vec<f64> = hessian.chunks(p).map(|row| dot(row, d) / scale).collect();
                let own: Vec<f64> = d.iter().map(|d| value / scale * d).collect();
                agree("H v", &product, &own, 2e-10);
            }
        }
    }
    // What has not converged is no direction.
    let hasty = Eigenvectors { which: Which::Both, tolerance: 1e-10, steps: 3 };
    let found = refusal(hasty.draw(&here, 2));
    assert!(found.contains("residuals") && found.contains("raise steps or tolerance"), "{found}");
    assert!(refusal(hasty.draw(&here, 3)).contains("products"));
}

#[test]
fn the_gradients_direction_is_down_the_finite_differences() {
    let here = here("mlp:hidden=[4],activation=tanh", "gradient");
    let h = 1e-5;
    let mut slopes: Vec<f64> = Vec::new();
    for i in 0..here.theta.len() {
        let loss = |step: f64| {
            let mut there = here.theta.clone();
            there[i] += step;
            here.objective.evaluate(&there, &[]).loss
        };
        slopes.push((loss(h) - loss(-h)) / (2.0 * h));
    }
    let length = dot(&slopes, &slopes).sqrt();
    let down: Vec<f64> = slopes.iter().map(|s| -s / length).collect();
    let frame = Gradient.draw(&here, 3).expect("a volume");
    // h^2 and rounding over h: some 1e-10 each.
    agree("descent", &frame.axes[0].direction, &down, 1e-8);
    for axis in &frame.axes {
        agree("length", &[dot(&axis.direction, &axis.direction)], &[1.0], 1e-14);
    }
    assert_ne!(frame.axes[1].direction, frame.axes[2].direction);
}

#[test]
fn directions_from_a_file_are_those_written_there() {
    let here = here(NORMED, "file");
    let network = here.objective.network();
    let drawn = ["x", "y"].map(|name| gaussian(&format!("file/{name}"), here.theta.len()));
    let tensors = |prefix: &str, d: &[f64]| weights::tensors(network, d, Precision::F64, prefix);
    let all = [tensors("x/", &drawn[0]), tensors("y/", &drawn[1])].concat();
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("d.safetensors");
    TensorFile { metadata: Default::default(), tensors: all }.write(&path).expect("a file");
    let kind = FromFile { path: path.display().to_string() };
    let frame = kind.draw(&here, 2).expect("two");
    assert_eq!([&frame.axes[0].direction, &frame.axes[1].direction], [&drawn[0], &drawn[1]]);
    assert_eq!(kind.draw(&here, 1).expect("one").axes[0].direction, drawn[0]);
    assert!(refusal(kind.draw(&here, 3)).contains("z/"), "there is no third");
    assert!(refusal(FromFile::default().draw(&here, 1)).contains("a safetensors file"));
}

/// Where a given, partial or masked direction is exactly zero, nothing moves, whatever the normalization and whatever may.
#[test]
fn what_a_direction_leaves_where_it_is_no_normalization_moves() {
    let here = here(NORMED, "zeros");
    let layout = here.objective.network().layout();
    let mut masked = gaussian("zeros/d", here.theta.len());
    // Every third number, a whole filter, a whole tensor of weights and one of biases.
    masked.iter_mut().step_by(3).for_each(|x| *x = 0.0);
    let weights = layout.weights().next().unwrap();
    masked[weights.filters().nth(1).unwrap()].fill(0.0);
    masked[layout.weights().nth(1).unwrap().range()].fill(0.0);
    masked[layout.parameters.iter().find(|p| p.role == Role::Bias).unwrap().range()].fill(0.0);
    for kind in Normalization::all() {
        for may in [false, true] {
            let mut d = masked.clone();
            kind.apply(layout, &here.theta, |_| may, &mut d);
            let moved = d.iter().zip(&masked).filter(|(d, m)| **m == 0.0 && **d != 0.0).count();
            assert_eq!(moved, 0, "{kind}, {may}");
            assert!(d.iter().any(|d| *d != 0.0), "{kind}: nothing moves");
        }
    }
}

#[test]
fn biases_and_norms_move_along_themselves_when_they_may() {
    let here = here(NORMED, "roles");
    let layout = here.objective.network().layout();
    let roles: Vec<Role> = layout.parameters.iter().map(|p| p.role).collect();
    for role in [Role::Weight, Role::Bias, Role::NormScale, Role::NormShift] {
        assert!(roles.contains(&role), "{role:?}");
    }
    let drawn = gaussian("roles/d", here.theta.len());
    for (biases, norms) in [(false, false), (true, false), (false, true), (true, true)] {
        for kind in ["filter", "layer", "weight", "none"] {
            let mut d = drawn.clone();
            let moves = |role| if role == Role::Bias { biases } else { norms };
            kind.parse::<Normalization>().expect("a kind").apply(layout, &here.theta, moves, &mut d);
            for p in layout.parameters.iter().filter(|p| p.role != Role::Weight) {
                let expected =
                    if moves(p.role) { here.theta[p.range()].to_vec() } else { vec![0.0; p.size()] };
                assert_eq!(d[p.range()], expected, "{kind}, {biases}, {norms}: {}", p.name);
            }
        }
    }
}
