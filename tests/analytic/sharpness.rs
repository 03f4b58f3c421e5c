//! Sharpness measures against what a page of algebra gives: quadratics, rescaled networks, dense Hessians, single gradients.

use crate::analytic::{dense, gaussian, network};
use losscape::autodiff::{Curvature, Element};
use losscape::base::random::normal;
use losscape::base::registry::Registry;
use losscape::base::{Result, Streams};
use losscape::landscape::Sharpness;
use losscape::landscape::sharpness::{Columns, Here, Quantity, Row, Sharp, Spent};
use losscape::nn::{Network, Objective, Point, Samples, Statistics};
use rand::seq::SliceRandom;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A network with its samples.
struct Place<E> {
    network: Arc<Network>,
    samples: Arc<Samples<E>>,
    objective: Objective<E>,
}

impl<E: Element> Place<E> {
    fn new(network: Arc<Network>, samples: Samples<E>) -> Self {
        let samples = Arc::new(samples);
        let objective = Objective::new(network.clone(), samples.clone(), Statistics::Running);
        Self { network, samples, objective }
    }

    fn try_measure(&self, measure: &str, theta: &[f64]) -> Result<(Vec<Row>, Spent)> {
        let measure: Sharpness = measure.parse()?;
        let point = Point { theta: theta.to_vec(), state: Vec::new() }.to(E::PRECISION);
        let streams = Streams::new(3);
        let here = Here::new(&self.objective, point.at(), &streams, usize::MAX);
        let rows = measure.rows(&here)?;
        Ok((rows, here.spent()))
    }

    fn measure(&self, measure: &str, theta: &[f64]) -> Vec<Row> {
        self.try_measure(measure, theta).unwrap_or_else(|e| panic!("{measure}: {e}")).0
    }
}

fn raw(row: &Row) -> &Quantity {
    row.raw.as_ref().expect("a raw column")
}

fn invariant(row: &Row) -> &Quantity {
    row.invariant.as_ref().expect("an invariant column")
}

/// Equal up to rounding of so many parts of the larger.
fn close(what: &str, found: f64, expected: f64, relative: f64) {
    let error = if found == expected { 0.0 } else { (found - expected).abs() / expected.abs() };
    assert!(error <= relative, "{what}: {found}, not {expected} ({error:.1e})");
}

fn within_errors(what: &str, found: &Quantity, expected: f64) {
    let error = found.standard_error.unwrap_or_else(|| panic!("{what}: no standard error"));
    let z = (found.value - expected) / error;
    assert!(error > 0.0 && z.abs() <= 4.0, "{what}: {} +- {error}, not {expected}", found.value);
}

// ---------------------------------------------------------------------------------------- rescaled networks

/// 4 -> 6 -> 5 -> 3, ReLU, with biases.
fn relu<E: Element>(n: usize) -> (Place<E>, Vec<f64>) {
    let network = network("mlp:hidden=[6,5]", "cross-entropy", 4, 3);
    let data = gaussian("sharpness/data", 4 * n);
    let labels: Vec<u32> = data.chunks(4).map(|x| (x[0] > x[1]) as u32 + (x[2] > 0.5) as u32).collect();
    let theta = gaussian("sharpness/theta", network.layout().size()).iter().map(|t| 0.7 * t).collect();
    let samples = Samples::new(&network, &data, &labels);
    (Place::new(network, samples), theta)
}

/// The factor of each parameter when neuron i of hidden layer l is multiplied by a(l, i), its weights onwards divided.
fn factors(network: &Network, a: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let layout = network.layout();
    let mut factors = vec![1.0; layout.size()];
    for (k, parameter) in layout.parameters.iter().enumerate() {
        let layer = k / 2; // weight, bias, weight, bias, weight, bias
        let of = |l: usize, i: usize| if l < 2 { a(l, i) } else { 1.0 };
        for (o, filter) in parameter.filters().enumerate() {
            for (j, at) in filter.enumerate() {
                factors[at] *= of(layer, o);
                if k % 2 == 0 && layer > 0 {
                    factors[at] /= of(layer - 1, j);
                }
            }
        }
    }
    factors
}

fn times(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a * b).collect()
}

/// Every kind, small enough to be quick.
const SMALL: [&str; 10] = [
    "sam:m=64,steps=4",
    "worst-case:m=64",
    "worst-case:m=0,steps=7",
    "average-case:draws=20",
    "pac-bayes:draws=10",
    "basin-radius:rays=9",
    "fisher-rao",
    "relative-flatness",
    "keskar",
    "critical-sharpness",
];

fn numbers(quantity: &Quantity) -> BTreeMap<String, Option<f64>> {
    let mut all = quantity.details.clone();
    all.insert("value".to_owned(), Some(quantity.value));
    all.insert("standard error".to_owned(), quantity.standard_error);
    all
}

#[test]
fn rescaled_relu_networks_keep_the_invariant_column_and_change_the_raw_one() {
    let (place, theta) = relu::<f64>(200);
    let unlike = |l: usize, i: usize| [3.0, 0.4, 1.7, 2.2, 0.9, 5.0][(i + 2 * l) % 6];
    let layers = factors(&place.network, |l, _| [3.0, 0.4][l]);
    let neurons = factors(&place.network, unlike);
    // The function is the same.
    let loss = |theta: &[f64]| place.objective.evaluate(theta, &[]).loss;
    for factors in [&layers, &neurons] {
        close("loss", loss(&times(&theta, factors)), loss(&theta), 1e-13);
    }
    let by_weight = ["basin-radius:rays=9,normalize=weight"];
    for measure in SMALL.iter().chain(&by_weight) {
        let kind: Sharpness = measure.parse().expect("a measure");
        // Norms of filters and of neurons' weights mix what comes from neurons scaled unlike.
        let filterwise = ["relative-flatness", "basin-radius:rays=9"].contains(measure);
        for (scaling, factors) in [("layers", &layers), ("neurons", &neurons)] {
            let before = place.measure(measure, &theta);
            let after = place.measure(measure, &times(&theta, factors));
            assert_eq!(before.len(), after.len());
            for (before, after) in before.iter().zip(&after) {
                let what = format!("{measure}, {}, {scaling}", before.key);
                assert_eq!(before.raw.is_some(), kind.columns() != Columns::Invariant, "{what}");
                assert_eq!(before.invariant.is_some(), kind.columns() != Columns::Raw, "{what}");
                if let (Some(before), Some(after)) = (&before.raw, &after.raw) {
                    let change = (after.value / before.value - 1.0).abs();
                    assert!(change > 0.01, "{what}: raw {} and {}", before.value, after.value);
                }
                let (Some(before), Some(after)) = (&before.invariant, &after.invariant) else { continue };
                if filterwise && scaling == "neurons" {
                    let change = (after.value / before.value - 1.0).abs();
                    assert!(change > 1e-3, "{what}: documented to change");
                    continue;
                }
                assert_eq!(before.status, after.status, "{what}");
                for ((name, before), after) in numbers(before).into_iter().zip(numbers(after).values()) {
                    match (before, after) {
                        (Some(before), Some(after)) => {
                            close(&format!("{what}: {name}"), *after, before, 1e-8)
                        }
                        (before, after) => assert_eq!(before, *after, "{what}: {name}"),
                    }
                }
            }
        }
    }
}

/// theta' = D theta has gradient g / D and Hessian H / (D D'), element by element.
#[test]
fn raw_sharpness_changes_as_the_chain_rule_says() {
    let (place, theta) = relu::<f64>(200);
    let p = theta.len();
    let factors = factors(&place.network, |l, i| [3.0, 0.4][l] + 0.1 * i as f64);
    let (_, gradient) = place.objective.gradient(&theta, &[]);
    let hessian = dense(&place.objective, &theta, Curvature::Hessian);
    let there = times(&theta, &factors);
    // To first order SAM's rise is rho ||g||, and the worst case in l_inf rho times the sum of |g|.
    let slopes: Vec<f64> = gradient.iter().zip(&factors).map(|(g, d)| g / d).collect();
    let steep = slopes.iter().map(|g| g * g).sum::<f64>().sqrt();
    let sam = place.measure("sam:rho=1e-6,m=0,steps=3", &there);
    close("sam", raw(&sam[0]).value, 1e-6 * steep, 1e-4);
    close("sam, 3 steps", raw(&sam[1]).value, 1e-6 * steep, 1e-4);
    let worst = place.measure("worst-case:l2=1e-6,linf=1e-7,m=0,steps=60", &there);
    close("l2", raw(&worst[0]).value, 1e-6 * steep, 1e-4);
    close("l_inf", raw(&worst[1]).value, 1e-7 * slopes.iter().map(|g| g.abs()).sum::<f64>(), 1e-4);
    // The gradient cancels between a draw and its mirror image; to second order the mean is sigma^2 / 2 tr H. That is of the
    // smooth pieces between kinks, and so small a sigma crosses none; rounding is 1e-16 of some 1e-11.
    let trace: f64 = (0..p).map(|i| hessian[i * p + i] / factors[i].powi(2)).sum();
    let average = place.measure("average-case:l2=1e-6,draws=4000", &there);
    within_errors("average", raw(&average[0]), 0.5e-12 * trace);
    close("average", raw(&average[0]).value, 0.5e-12 * trace, 0.1);
}

// ------------------------------------------------------------------------------------------- exact quadratics

/// Least squares in d unknowns and n samples: f(w + e) - f(w) = g'e + e'He / 2 everywhere.
struct Quadratic {
    place: Place<f64>,
    theta: Vec<f64>,
    gradient: Vec<f64>,
    hessian: Vec<f64>,
}

fn quadratic(x: &[f64], d: usize) -> Quadratic {
    let network = network("mlp:hidden=[],bias=false", "squared-error", d, 1);
    let n = x.len() / d;
    let y = gaussian("sharpness/targets", n);
    let theta = gaussian("sharpness/w", d);
    let residual = |i: usize| x[i * d..][..d].iter().zip(&theta).map(|(x, w)| x * w).sum::<f64>() - y[i];
    let mean = |f: &dyn Fn(usize) -> f64| (0..n).map(f).sum::<f64>() / n as f64;
    let gradient = (0..d).map(|j| mean(&|i| residual(i) * x[i * d + j])).collect();
    let hessian = (0..d * d).map(|k| mean(&|i| x[i * d + k / d] * x[i * d + k % d])).collect();
    let samples = Samples::regression(&network, x, &y);
    Quadratic { place: Place::new(network, samples), theta, gradient, hessian }
}

impl Quadratic {
    /// With perturbations s * u: gradient and Hessian in u.
    fn scaled(&self, s: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let d = s.len();
        (times(&self.gradient, s), (0..d * d).map(|k| self.hessian[k] * s[k / d] * s[k % d]).collect())
    }

    /// In the coordinates of the raw column, and of the invariant one.
    fn columns(&self) -> [(Vec<f64>, Vec<f64>); 2] {
        let magnitudes: Vec<f64> = self.theta.iter().map(|w| w.abs()).collect();
        [self.scaled(&vec![1.0; self.theta.len()]), self.scaled(&magnitudes)]
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// g'e + e'He / 2.
fn rise((g, h): &(Vec<f64>, Vec<f64>), e: &[f64]) -> f64 {
    let d = e.len();
    dot(g, e) + (0..d).map(|i| e[i] * dot(&h[i * d..][..d], e)).sum::<f64>() / 2.0
}

/// The largest rise with ||e|| <= rho: e = (mu I - H)^-1 g with mu > lambda_max such that ||e|| = rho.
fn trust_region((g, h): &(Vec<f64>, Vec<f64>), rho: f64) -> f64 {
    let d = g.len();
    let matrix = faer::MatRef::from_column_major_slice(h, d, d);
    let eigen = matrix.self_adjoint_eigen(faer::Side::Lower).expect("a finite matrix");
    let value = |i: usize| eigen.S()[i];
    let slope: Vec<f64> = (0..d).map(|i| (0..d).map(|j| eigen.U()[(j, i)] * g[j]).sum()).collect();
    let step = |mu: f64| -> Vec<f64> { (0..d).map(|i| slope[i] / (mu - value(i))).collect() };
    let length = |mu: f64| dot(&step(mu), &step(mu)).sqrt();
    let (mut low, mut high) = (value(d - 1), value(d - 1) + 1.0);
    while length(high) > rho {
        high = value(d - 1) + 2.0 * (high - value(d - 1));
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if length(middle) > rho { low = middle } else { high = middle }
    }
    let e = step(high);
    (0..d).map(|i| slope[i] * e[i] + value(i) * e[i] * e[i] / 2.0).sum()
}

const D: usize = 5;

fn least_squares() -> Quadratic {
    let spread = [2.0, 1.0, 0.5, 1.5, 0.2];
    let x: Vec<f64> =
        gaussian("sharpness/x", 90 * D).iter().enumerate().map(|(i, x)| x * spread[i % D]).collect();
    quadratic(&x, D)
}

#[test]
fn ascent_in_a_ball_reaches_the_trust_regions_maximum() {
    let q = least_squares();
    for (rho, adaptive) in [(0.05, 0.5), (2.0, 1.3)] {
        let settings = format!("rho={rho},adaptive-rho={adaptive},m=0,steps=400");
        let sam = q.place.measure(&format!("sam:{settings}"), &q.theta);
        let one = q.place.measure(&format!("sam:rho={rho},adaptive-rho={adaptive},m=0,steps=1"), &q.theta);
        assert_eq!((sam.len(), one.len()), (2, 1));
        let settings = format!("l2={rho},adaptive-l2={adaptive},m=0,steps=400");
        let worst = q.place.measure(&format!("worst-case:{settings}"), &q.theta);
        for (i, (column, rho)) in q.columns().iter().zip([rho, adaptive]).enumerate() {
            let of = |row: &Row| if i == 0 { raw(row).value } else { invariant(row).value };
            let length = dot(&column.0, &column.0).sqrt();
            let step: Vec<f64> = column.0.iter().map(|g| rho * g / length).collect();
            // Differences of losses of size 1: some 1e-16 each.
            close("one step", of(&sam[0]), rise(column, &step), 1e-12);
            assert_eq!(of(&sam[0]), of(&one[0]), "the first step of many is the only one");
            let largest = trust_region(column, rho);
            close("many steps", of(&sam[1]), largest, 1e-9);
            close("worst case", of(&worst[0]), largest, 1e-7);
            assert!(of(&worst[0]) <= largest * (1.0 + 1e-12) && of(&sam[1]) <= largest * (1.0 + 1e-12));
        }
    }
    // A few steps come close: the default's.
    let worst = q.place.measure("worst-case:m=0", &q.theta);
    close("20 steps", raw(&worst[0]).value, trust_region(&q.columns()[0], 0.25), 1e-3);
}

#[test]
fn the_worst_case_in_linf_is_that_of_a_diagonal_quadratic() {
    // Each sample has one feature: H is diagonal, and the maximum is at a corner.
    let d = 4;
    let sizes = [1.0, 0.3, 2.0, 0.7];
    let x: Vec<f64> =
        (0..40 * d).map(|k| if k / d % d == k % d { sizes[k % d] + k as f64 / 1e3 } else { 0.0 }).collect();
    let q = quadratic(&x, d);
    let rows = q.place.measure("worst-case:linf=0.3,adaptive-linf=0.2,m=0", &q.theta);
    assert_eq!(rows[1].key, "worst_case_linf");
    for ((g, h), (rho, found)) in q.columns().iter().zip([(0.3, raw(&rows[1])), (0.2, invariant(&rows[1]))]) {
        let expected: f64 = (0..d).map(|i| rho * g[i].abs() + h[i * d + i] * rho * rho / 2.0).sum();
        close("corner", found.value, expected, 1e-12);
    }
}

#[test]
fn m_sharpness_is_the_mean_over_random_batches() {
    let q = least_squares();
    let (n, m, rho) = (90, 40, 0.4);
    let rows = q.place.measure("sam:rho=0.4,m=40,steps=1", &q.theta);
    let mut order: Vec<u32> = (0..n).collect();
    order.shuffle(&mut Streams::new(3).stream("sharpness/batches", 0));
    // Two batches of 40; ten samples are left out.
    let rises: Vec<f64> = order
        .chunks_exact(m)
        .map(|batch| {
            let part = q.place.objective.over(Arc::new(q.place.samples.subset(batch)));
            let (here, g) = part.gradient(&q.theta, &[]);
            let length = dot(&g, &g).sqrt();
            let there: Vec<f64> = q.theta.iter().zip(&g).map(|(w, g)| w + rho * g / length).collect();
            part.evaluate(&there, &[]).loss - here.loss
        })
        .collect();
    let found = raw(&rows[0]);
    close("mean", found.value, (rises[0] + rises[1]) / 2.0, 1e-12);
    close("error", found.standard_error.expect("one"), (rises[0] - rises[1]).abs() / 2.0, 1e-12);
    assert_eq!((found.details["batches"], found.details["m"]), (Some(2.0), Some(40.0)));
    // More than there are, or 0: all at once, and no error.
    for all in ["sam:m=90", "sam:m=0", "sam:m=1000"] {
        let rows = q.place.measure(all, &q.theta);
        let column = &q.columns()[0];
        let length = dot(&column.0, &column.0).sqrt();
        let step: Vec<f64> = column.0.iter().map(|g| 0.05 * g / length).collect();
        close(all, raw(&rows[0]).value, rise(column, &step), 1e-12);
        assert_eq!((raw(&rows[0]).standard_error, raw(&rows[0]).details["m"]), (None, Some(90.0)));
    }
}

#[test]
fn the_average_case_is_half_the_noise_times_the_trace() {
    let q = least_squares();
    let rows = q
        .place
        .measure("average-case:l2=0.1,adaptive-l2=0.2,linf=0.3,adaptive-linf=0.4,draws=3000", &q.theta);
    let traces = q.columns().map(|(_, h)| (0..D).map(|i| h[i * D + i]).sum::<f64>());
    for (i, trace) in traces.into_iter().enumerate() {
        let of = |row| if i == 0 { raw(row) } else { invariant(row) };
        let (sigma, rho) = ([0.1, 0.2][i], [0.3, 0.4][i]);
        within_errors("Gaussian", of(&rows[0]), sigma * sigma / 2.0 * trace);
        // A uniform law has variance rho^2 / 3.
        within_errors("uniform", of(&rows[1]), rho * rho / 6.0 * trace);
    }
}

#[test]
fn a_rays_crossing_solves_the_quadratic_equation() {
    let q = least_squares();
    let rows = q.place.measure("basin-radius:rays=1,tolerance=1e-10,rise=0.07", &q.theta);
    let mut rng = Streams::new(3).stream("sharpness/basin_radius", 0);
    let d: Vec<f64> = (0..D).map(|_| normal(&mut rng)).collect();
    let length = dot(&d, &d).sqrt();
    let filter = dot(&q.theta, &q.theta).sqrt();
    let plain = &q.columns()[0];
    for (found, scale) in [(raw(&rows[0]), 1.0), (invariant(&rows[0]), filter)] {
        let ray: Vec<f64> = d.iter().map(|d| scale * d / length).collect();
        // a t^2 + b t = rise.
        let b = dot(&plain.0, &ray);
        let a = rise(plain, &ray) - b;
        let t = (-b + (b * b + 4.0 * a * 0.07).sqrt()) / (2.0 * a);
        close("radius", found.value, t, 1e-8);
        assert!(
            ["q10", "q25", "q50", "q75", "q90"].iter().all(|name| found.details[*name] == Some(found.value))
        );
    }
}

/// Along the gradient of a quadratic the loss is back where it was after 2 g.g / g.Hg.
#[test]
fn critical_sharpness_is_the_curvature_along_the_gradient() {
    let q = least_squares();
    let found = |measure: &str| {
        let row = q.place.measure(measure, &q.theta).remove(0);
        assert_eq!(row.key, "critical_sharpness");
        [raw(&row).clone(), invariant(&row).clone()]
    };
    let (usual, close_up) =
        (found("critical-sharpness"), found("critical-sharpness:tolerance=1e-9,losses=20"));
    for (i, (g, h)) in q.columns().iter().enumerate() {
        let product: Vec<f64> = (0..D).map(|k| dot(&h[k * D..][..D], g)).collect();
        let expected = dot(g, &product) / dot(g, g);
        let ends = ["low", "high"].map(|end| usual[i].details[end].expect("an end"));
        assert!(ends[0] <= expected && expected <= ends[1], "{ends:?} without {expected}");
        close("to the tolerance", usual[i].value, expected, 0.01);
        close("closer", close_up[i].value, expected, 1e-9);
        assert!(usual[i].details["losses"] <= Some(9.0) && usual[i].status.is_none(), "{:?}", usual[i]);
        // No more than the largest eigenvalue.
        let matrix = faer::MatRef::from_column_major_slice(h, D, D);
        let values = matrix.self_adjoint_eigenvalues(faer::Side::Lower).expect("a finite matrix");
        assert!(close_up[i].value <= values[D - 1] * (1.0 + 1e-9));
    }
    // Where nothing leads down there is no number, and the reason.
    let flat = q.place.measure("critical-sharpness", &[f64::MAX; D]).remove(0);
    assert!(raw(&flat).value.is_nan() && raw(&flat).status.is_some(), "{flat:?}");
    let still = quadratic(&[0.0; 3 * D], D);
    let none = still.place.measure("critical-sharpness", &still.theta).remove(0);
    for column in [raw(&none), invariant(&none)] {
        let status = column.status.as_deref().expect("a status");
        assert!(column.value.is_nan() && status.contains("gradient along the update is zero"), "{status}");
    }
}

#[test]
fn quantiles_order_the_rays_and_count_those_that_do_not_cross() {
    let q = least_squares();
    let rows = q.place.measure("basin-radius:rays=200", &q.theta);
    for found in [raw(&rows[0]), invariant(&rows[0])] {
        let all = ["q10", "q25", "q50", "q75", "q90"].map(|name| found.details[name].expect("a quantile"));
        assert!(all.windows(2).all(|w| w[0] < w[1]) && all[2] == found.value, "{all:?}");
        assert_eq!((found.details["beyond"], &found.status), (Some(0.0), &None));
    }
    // Where some rays are cut off, upper quantiles are missing; where most are, so is the median.
    let median = invariant(&rows[0]).value;
    for (reach, missing) in [(1.2 * median, false), (0.5 * median, true)] {
        let rows = q.place.measure(&format!("basin-radius:rays=200,reach={reach}"), &q.theta);
        let found = invariant(&rows[0]);
        assert_eq!((found.value.is_nan(), found.details["q90"]), (missing, None));
        let beyond = found.details["beyond"].expect("a count");
        let status = found.status.as_deref().expect("a status");
        assert!(beyond > 0.0 && status.starts_with(&format!("{beyond} of 200 rays")), "{status}");
    }
}

#[test]
fn keskars_box_has_its_maximum_at_a_corner_of_a_convex_loss() {
    for seed in 0..20 {
        let x = gaussian(&format!("sharpness/keskar/{seed}"), 12 * 3);
        let q = quadratic(&x, 3);
        for eps in [1e-3, 0.3] {
            let sizes: Vec<f64> = q.theta.iter().map(|w| eps * (w.abs() + 1.0)).collect();
            let loss = q.place.objective.evaluate(&q.theta, &[]).loss;
            let corner = |k: usize| -> Vec<f64> {
                (0..3).map(|i| if k >> i & 1 == 1 { sizes[i] } else { -sizes[i] }).collect()
            };
            let corners = (0..8).map(|k| rise(&q.columns()[0], &corner(k)));
            let largest = 100.0 * corners.fold(0.0, f64::max) / (1.0 + loss);
            let found = raw(&q.place.measure(&format!("keskar:eps={eps}"), &q.theta)[0]).value;
            assert!(found <= largest * (1.0 + 1e-9), "{found} is more than the maximum {largest}");
            // In a small box the gradient decides; in a large one the ascent may end in another corner.
            if eps < 0.01 {
                close("corner", found, largest, 1e-9);
            } else {
                assert!(found >= 0.3 * largest, "{found} of {largest}");
            }
        }
    }
}

/// (w2 w1^2 - 1)^2 / 2 has its maximum within the box, at w1 = 0: steps must slow down there.
#[test]
fn keskars_ascent_finds_a_maximum_within_the_box() {
    let network = network("mlp:hidden=[1],activation=quadratic,bias=false", "squared-error", 1, 1);
    let samples = Samples::regression(&network, &[1.0], &[1.0]);
    let place = Place::<f64>::new(network, samples);
    for theta in [[0.1, 1.5], [-0.2, 1.2]] {
        let loss = place.objective.evaluate(&theta, &[]).loss;
        let size = |w: f64| 0.5 * (w + 1.0);
        // By brute force.
        let mut largest = 0.0f64;
        for i in 0..=200 {
            for j in 0..=200 {
                let at = |k: i32, w: f64| w + size(w.abs()) * (f64::from(k) / 100.0 - 1.0);
                largest =
                    largest.max(place.objective.evaluate(&[at(i, theta[0]), at(j, theta[1])], &[]).loss);
            }
        }
        let expected = 100.0 * (largest - loss) / (1.0 + loss);
        let found = raw(&place.measure("keskar:eps=0.5,steps=40", &theta)[0]).value;
        close("brute force", expected, 100.0 * (0.5 - loss) / (1.0 + loss), 1e-3);
        close("ascent", found, 100.0 * (0.5 - loss) / (1.0 + loss), 1e-9);
    }
}

// ------------------------------------------------------------------------------------- accuracy, curvature, Fisher

/// Two outputs of one feature: the difference of the weights moves by N(0, 2 sigma^2), and the accuracy is the chance that
/// it stays positive.
#[test]
fn the_noise_that_costs_a_tenth_of_the_accuracy() {
    let network = network("mlp:hidden=[],bias=false", "cross-entropy", 1, 2);
    let samples = Samples::new(&network, &[1.0], &[0]);
    let place = Place::<f64>::new(network, samples);
    let theta = [0.5, -0.7];
    let rows = place.measure("pac-bayes:draws=4000,tolerance=1e-4", &theta);
    let z = 1.2815515655446004; // Phi(z) = .9
    let draws = 4000.0f64;
    for (found, length) in [(raw(&rows[0]), 2f64.sqrt()), (invariant(&rows[0]), 0.74f64.sqrt())] {
        let sigma = 1.2 / (z * length);
        within_errors("sigma", found, sigma);
        // Accuracy Phi(1.2 / (sigma length)) has slope -phi(z) z / sigma.
        let slope = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt() * z / sigma;
        let error = (0.09 / draws).sqrt() / slope;
        // The slope is measured over a fifth of sigma, from the same draws.
        close("its error", found.standard_error.expect("one"), error, 0.2);
    }
}

#[test]
fn relative_flatness_is_that_of_the_dense_hessian() {
    let network = network("mlp:hidden=[5,4],activation=tanh", "cross-entropy", 3, 3);
    let n = 70;
    let labels: Vec<u32> = (0..n).map(|i| i * i % 11 % 3).collect();
    let samples = Samples::new(&network, &gaussian("sharpness/flat", 3 * n as usize), &labels);
    let place = Place::<f64>::new(network, samples);
    let p = place.network.layout().size();
    let theta = gaussian("sharpness/flat/theta", p);
    let hessian = dense(&place.objective, &theta, Curvature::Hessian);
    let weights: Vec<_> = place.network.layout().weights().cloned().collect();
    for weight in &weights {
        let [rows, d] = weight.shape[..] else { panic!("a dense layer") };
        let at = |s: usize, j: usize| weight.offset + s * d + j;
        let mut expected = 0.0;
        for s in 0..rows {
            for t in 0..rows {
                let inner: f64 = (0..d).map(|j| theta[at(s, j)] * theta[at(t, j)]).sum();
                let trace: f64 = (0..d).map(|j| hessian[at(s, j) * p + at(t, j)]).sum();
                expected += inner * trace;
            }
        }
        let name = &weight.name;
        let exact = place.measure(&format!("relative-flatness:layer={name}"), &theta);
        close(name, invariant(&exact[0]).value, expected, 1e-10);
        assert!(exact[0].label.ends_with(name.as_str()));
        assert_eq!(invariant(&exact[0]).details["products"], Some((rows * d) as f64));
        let estimate = place.measure(&format!("relative-flatness:layer={name},exact=0,probes=400"), &theta);
        within_errors(name, invariant(&estimate[0]), expected);
    }
    let last = place.measure("relative-flatness", &theta);
    assert!(last[0].label.ends_with(weights[2].name.as_str()), "{}", last[0].label);
    let error = place.try_measure("relative-flatness:layer=0.wieght", &theta).expect_err("no such layer");
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("did you mean `0.weight`"), "{error}");
}

#[test]
fn the_fisher_rao_norm_is_the_mean_square_of_single_gradients_along_theta() {
    let (place, theta) = relu::<f64>(60);
    let squares = (0..60).map(|i| {
        let (_, gradient) = place.objective.over(Arc::new(place.samples.subset(&[i]))).gradient(&theta, &[]);
        dot(&theta, &gradient).powi(2)
    });
    let expected = squares.sum::<f64>() / 60.0;
    close("cross-entropy", invariant(&place.measure("fisher-rao", &theta)[0]).value, expected, 1e-11);

    // Without biases theta' grad f = L f; with targets of zero a loss of f^2 / 2 has theta' grad = L f^2.
    let layers = 3.0;
    let network = network("mlp:hidden=[6,5],bias=false", "squared-error", 4, 1);
    let theta = gaussian("sharpness/fisher", network.layout().size());
    let samples = Samples::regression(&network, &gaussian("sharpness/fisher/data", 4 * 50), &[0.0; 50]);
    let place = Place::<f64>::new(network, samples);
    let squares = (0..50).map(|i| {
        let loss = place.objective.over(Arc::new(place.samples.subset(&[i]))).evaluate(&theta, &[]).loss;
        (layers * 2.0 * loss).powi(2)
    });
    let expected = squares.sum::<f64>() / 50.0;
    close("bias-free", invariant(&place.measure("fisher-rao", &theta)[0]).value, expected, 1e-11);
}

// ----------------------------------------------------------------------------------------------- all of them

#[test]
fn numbers_that_cannot_be_had_say_why() {
    // No gradient: nowhere to go for SAM, and every direction for the others.
    let q = least_squares();
    let rows = q.place.measure("pac-bayes", &q.theta);
    for found in [raw(&rows[0]), invariant(&rows[0])] {
        assert!(found.value.is_nan() && found.status.as_deref().is_some_and(|s| s.contains("regression")));
    }
    // A loss out of range leaves no number, in any column, and no zero.
    let (place, theta) = relu::<f64>(20);
    let far: Vec<f64> = theta.iter().map(|t| 1e300 * t).collect();
    for measure in SMALL {
        for row in place.measure(measure, &far) {
            for found in [&row.raw, &row.invariant].into_iter().flatten() {
                assert!(found.value.is_nan() && found.status.is_some(), "{measure}: {row:?}");
            }
            let text = serde_json::to_string(&row).expect("JSON");
            let read: Row = serde_json::from_str(&text).expect("it reads back");
            assert_eq!(text, serde_json::to_string(&read).expect("JSON"));
        }
    }
    // A network of zeros cannot be perturbed by shares of its weights: the loss stays where it is.
    let zero = vec![0.0; theta.len()];
    for (measure, value) in [("sam", Some(0.0)), ("worst-case", Some(0.0)), ("basin-radius", None)] {
        for row in place.measure(measure, &zero) {
            let found = invariant(&row);
            assert_eq!((!found.value.is_nan()).then_some(found.value), value, "{measure}: {found:?}");
        }
    }
}

/// At an exact minimum there is no gradient to begin with.
#[test]
fn measures_find_a_way_up_from_an_exact_minimum() {
    let network = network("mlp:hidden=[],bias=false", "squared-error", 1, 1);
    let samples = Samples::regression(&network, &[1.0, -1.0], &[2.0, -2.0]);
    let place = Place::<f64>::new(network, samples);
    // f = (w - 2)^2 / 2.
    let keskar = place.measure("keskar:eps=0.1", &[2.0]);
    close("keskar", raw(&keskar[0]).value, 100.0 * 0.3f64.powi(2) / 2.0, 1e-12);
    let worst = place.measure("worst-case:l2=0.1,adaptive-linf=0.1", &[2.0]);
    close("l2", raw(&worst[0]).value, 0.1f64.powi(2) / 2.0, 1e-12);
    close("l_inf", invariant(&worst[1]).value, 0.2f64.powi(2) / 2.0, 1e-12);
    for row in place.measure("sam", &[2.0]) {
        close("sam", raw(&row).value, 0.05f64.powi(2) / 2.0, 1e-12);
    }
}

/// Hinge loss with every margin above 1: loss and gradient are exactly zero around theta.
fn separated() -> (Place<f64>, Vec<f64>) {
    let network = network("mlp:hidden=[],bias=false", "hinge", 1, 2);
    let samples = Samples::new(&network, &[1.0, 0.5], &[0, 0]);
    (Place::<f64>::new(network, samples), vec![4.0, -4.0])
}

#[test]
fn ascent_finds_a_rise_beyond_a_flat_place() {
    let (place, theta) = separated();
    assert_eq!(place.objective.gradient(&theta, &[]).1, [0.0, 0.0]);
    // Margins 4 and 2; (w1, -w2) = (4 - a, 4 - b) costs max(0, a - 3) + max(0, a / 2 - 1), and the same of b, over two samples.
    let cost = |a: f64| (a - 3.0).max(0.0) + (a / 2.0 - 1.0).max(0.0);
    let loss = |u: &[f64]| (cost(-u[0]) + cost(u[1])) / 2.0;
    for rho in [2.2, 3.5, 5.0] {
        let turn = |i: usize| std::f64::consts::TAU * i as f64 / 3600.0;
        let circle: Vec<f64> = (0..3600).map(|i| loss(&[rho * turn(i).cos(), rho * turn(i).sin()])).collect();
        let (mean, most) = (circle.iter().sum::<f64>() / 3600.0, circle.iter().copied().fold(0.0, f64::max));
        let adaptive = rho / 4.0;
        let sam = place.measure(&format!("sam:rho={rho},adaptive-rho={adaptive},m=0"), &theta);
        let worst = place.measure(&format!("worst-case:l2={rho},adaptive-l2={adaptive},m=0"), &theta);
        for (what, found) in [
            ("sam", raw(&sam[1])),
            ("sam, invariant", invariant(&sam[1])),
            ("l2", raw(&worst[0])),
            ("l2, invariant", invariant(&worst[0])),
        ] {
            let value = found.value;
            assert!(
                value >= mean && value <= most * (1.0 + 1e-6),
                "{what} {rho}: {value} of {most}, mean {mean}"
            );
            assert!(value > 0.0, "{what} {rho}: {found:?}");
        }
    }
    // SAM alone would have stayed where it is.
    let sam = place.measure("sam:rho=3.5,m=0", &theta);
    assert_eq!(raw(&sam[0]).details["ascended_again"], Some(1.0));
    // Keskar's box has its maximum at a corner: eps (4 + 1) = 2.5 in both.
    let keskar = place.measure("keskar:eps=0.5", &theta);
    close("keskar", raw(&keskar[0]).value, 100.0 * loss(&[-2.5, 2.5]), 1e-9);
}

#[test]
fn nothing_found_is_no_number_with_an_error_of_zero() {
    let (place, theta) = separated();
    // Within these balls the loss is zero everywhere.
    for measure in ["sam:m=1", "worst-case:m=1", "keskar"] {
        for row in place.measure(measure, &theta) {
            for found in [&row.raw, &row.invariant].into_iter().flatten() {
                assert!(found.value.is_nan() && found.standard_error.is_none(), "{measure}: {found:?}");
                assert!(
                    found.status.as_deref().is_some_and(|s| s.contains("no rise was found")),
                    "{found:?}"
                );
            }
        }
    }
    for row in place.measure("average-case", &theta) {
        let found = raw(&row);
        assert!(found.value == 0.0 && found.standard_error.is_none() && found.status.is_some(), "{found:?}");
    }
}

/// The mean over random points of a ball is no more than its maximum, whatever the place.
#[test]
fn no_ascent_ends_below_the_average_case() {
    for (loss, size) in [
        ("cross-entropy", 1.0),
        ("hinge", 1.0),
        ("hinge", 6.0),
        ("cross-entropy", 30.0),
        ("squared-error", 0.0),
    ] {
        let network = network("mlp:hidden=[6,5]", loss, 4, 3);
        let data = gaussian("sharpness/data", 4 * 40);
        let theta: Vec<f64> =
            gaussian("sharpness/theta", network.layout().size()).iter().map(|t| size * t).collect();
        // Labels that the network itself gives: every sample is right.
        let unlabelled = Samples::new(&network, &data, &[0; 40]);
        let outputs = Place::<f64>::new(network.clone(), unlabelled).objective.outputs(&theta, &[]);
        let label = |f: &[f64]| (0..3).max_by(|a, b| f[*a].total_cmp(&f[*b])).unwrap() as u32;
        let labels: Vec<u32> = outputs.chunks(3).map(label).collect();
        let place = Place::<f64>::new(network.clone(), Samples::new(&network, &data, &labels));
        let n = theta.len();
        let center = place.objective.evaluate(&theta, &[]).loss;
        for rho in [0.05, 0.5, 3.0] {
            let rises: Vec<f64> = (0..200)
                .map(|i| {
                    let u = gaussian(&format!("sharpness/ball/{i}"), n);
                    let length = dot(&u, &u).sqrt();
                    let at: Vec<f64> = theta.iter().zip(&u).map(|(t, u)| t + rho * u / length).collect();
                    place.objective.evaluate(&at, &[]).loss - center
                })
                .collect();
            let mean = rises.iter().sum::<f64>() / 200.0;
            let rows = [
                place.measure(&format!("sam:rho={rho},m=0"), &theta)[1].clone(),
                place.measure(&format!("worst-case:l2={rho},m=0"), &theta)[0].clone(),
            ];
            for row in rows {
                let found = raw(&row);
                let value = if found.value.is_nan() { 0.0 } else { found.value };
                assert!(
                    value >= mean - 1e-12 * center.abs(),
                    "{loss} {size}, {} {rho}: {value} below {mean}",
                    row.key
                );
            }
        }
    }
}

fn same_bytes<E: Element>() {
    let all = || {
        // Several chunks and several batches.
        let (place, theta) = relu::<E>(1100);
        let measures = SMALL.iter().chain(&["relative-flatness:exact=3,probes=5"]);
        let rows = measures.flat_map(|measure| place.measure(measure, &theta));
        rows.map(|row| serde_json::to_string(&row).expect("JSON")).collect::<Vec<String>>()
    };
    let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(all);
    let one = on(1);
    assert_eq!(one, on(2));
    assert_eq!(one, on(4));
}

#[test]
fn the_bytes_do_not_depend_on_threads() {
    same_bytes::<f32>();
    same_bytes::<f64>();
}

#[test]
fn single_precision_gives_the_same_numbers_but_for_rounding() {
    let (single, theta) = relu::<f32>(300);
    let theta: Vec<f64> = theta.iter().map(|t| f64::from(*t as f32)).collect();
    let (double, _) = relu::<f64>(300);
    for measure in ["sam", "worst-case", "average-case", "basin-radius", "fisher-rao", "relative-flatness"] {
        for (single, double) in single.measure(measure, &theta).iter().zip(&double.measure(measure, &theta)) {
            for (single, double) in [(&single.raw, &double.raw), (&single.invariant, &double.invariant)] {
                let (Some(single), Some(double)) = (single, double) else { continue };
                // Differences of losses of size 1, of some 1e-3 at least, rounded to 1e-7.
                close(&format!("{measure}, {}", measure), single.value, double.value, 1e-2);
            }
        }
    }
}

#[test]
fn what_is_spent_is_what_the_documentation_says() {
    let (place, theta) = relu::<f64>(192);
    let spent = |measure: &str| place.try_measure(measure, &theta).expect("rows").1;
    let all = |losses: f64, gradients: f64, products: f64| Spent { losses, gradients, products };
    // Two columns each; three batches of 64 are one pass over 192.
    assert_eq!(spent("sam:m=64,steps=6"), all(18.0, 12.0, 0.0));
    assert_eq!(spent("worst-case:m=64,steps=6"), all(20.0, 28.0, 0.0));
    assert_eq!(spent("average-case:draws=12"), all(4.0 * 13.0, 0.0, 0.0));
    assert_eq!(spent("fisher-rao"), all(0.0, 0.0, 1.0));
    assert_eq!(spent("relative-flatness"), all(0.0, 0.0, 15.0));
    let critical = spent("critical-sharpness");
    assert!(critical.gradients == 2.0 && critical.losses <= 18.0, "{critical:?}");
    let keskar = spent("keskar");
    assert!(keskar.gradients <= 11.0 && keskar.losses <= 45.0, "{keskar:?}");
    let pac = spent("pac-bayes:draws=10");
    assert!(pac.losses <= 2.0 * (1.0 + 10.0 * 30.0), "{pac:?}");
    let basin = spent("basin-radius:rays=10");
    assert!(basin.losses <= 2.0 * (1.0 + 10.0 * 40.0), "{basin:?}");
}

#[test]
fn what_measures_cost_is_foretold_within_a_factor_of_two() {
    let (place, theta) = relu::<f64>(192);
    // In losses: a gradient is three, a product six.
    let work = |s: Spent| s.losses + 3.0 * s.gradients + 6.0 * s.products;
    let mut all = [0.0; 2];
    for kind in Sharpness::all() {
        let (foretold, spent) =
            (kind.cost(&place.network), place.try_measure(kind.name(), &theta).expect("rows").1);
        // An ascent may end early, at a corner that every further step is held in.
        assert!(
            work(spent) <= 2.0 * work(foretold),
            "{}: {foretold:?} foretold, {spent:?} spent",
            kind.name()
        );
        all[0] += work(foretold);
        all[1] += work(spent);
    }
    assert!((0.5..=2.0).contains(&(all[0] / all[1])), "{all:?}");
}

#[test]
fn every_kind_has_rows_of_its_own_and_says_which_columns() {
    let (place, theta) = relu::<f64>(200);
    let mut keys = Vec::new();
    for kind in Sharpness::all() {
        for row in place.measure(kind.name(), &theta) {
            let columns = match (&row.raw, &row.invariant) {
                (Some(_), Some(_)) => Columns::Both,
                (Some(_), None) => Columns::Raw,
                _ => Columns::Invariant,
            };
            assert_eq!(columns, kind.columns(), "{}", row.key);
            assert!(
                row.key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
                "{}",
                row.key
            );
            for found in [&row.raw, &row.invariant].into_iter().flatten() {
                assert!(found.value.is_finite() && found.value != 0.0, "{}: {found:?}", row.key);
            }
            keys.push(row.key);
        }
    }
    let n = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), n, "two rows of one name");
}
