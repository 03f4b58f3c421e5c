//! The population loss of ReLU students and teachers against quadrature, samples and the gradient and Hessian that algebra
//! gives (Safran and Shamir 2018; Brutzkus and Globerson 2017).

use crate::analytic::{agree, dense, gaussian};
use losscape::autodiff::Curvature;
use losscape::base::Streams;
use losscape::base::random::normal;
use losscape::data::{Dataset, Preparation};
use losscape::nn::{Network, Objective, Spec, Statistics};
use losscape::train::samples;
use std::f64::consts::PI;
use std::sync::Arc;

/// The loss of `units` students of the teacher that `data` says, and the teacher's weights.
fn population(data: &str, units: usize) -> (Objective<f64>, Vec<f64>) {
    let source = format!("gaussian-teacher:{data}").parse().unwrap_or_else(|e| panic!("{data}: {e}"));
    let dataset = Dataset::load(&source, 0, &Preparation::default()).unwrap_or_else(|e| panic!("{e}"));
    let model = format!("population-student:units={units}").parse().expect("a model");
    let loss = "excess".parse().expect("a loss");
    let spec = Spec { model, loss, input: dataset.shape.clone(), outputs: dataset.outputs };
    let network = Arc::new(Network::new(spec).expect("a network"));
    let on = samples(&network, &dataset.train);
    (Objective::new(network, on, Statistics::Running), dataset.train.x)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// The angle between two vectors, to full precision also where it is small.
fn angle(w: &[f64], v: &[f64]) -> f64 {
    let along = dot(w, v) / dot(w, w);
    let across: Vec<f64> = w.iter().zip(v).map(|(w, v)| v - along * w).collect();
    norm(&across).atan2(along * norm(w))
}

/// E relu(w . x) relu(v . x) in the plane of the two: the radius integrates to 2, the direction to
/// 1/(2 pi) times the integral of cos a cos(a - t) over the angles where both are positive, by Gauss's rule of three points
/// on 64 pieces (an error below 1e-15).
fn moment(w: &[f64], v: &[f64]) -> f64 {
    let t = angle(w, v);
    let (low, step) = (t - PI / 2.0, (PI - t) / 64.0);
    let at = |a: f64| a.cos() * (a - t).cos();
    let piece = |p: usize| {
        let (middle, off) = (low + (p as f64 + 0.5) * step, 0.5 * step * 0.6f64.sqrt());
        step / 18.0 * (5.0 * at(middle - off) + 8.0 * at(middle) + 5.0 * at(middle + off))
    };
    norm(w) * norm(v) / PI * (0..64).map(piece).sum::<f64>()
}

/// The gradient of that in w, (|v| sin t w/|w| + (pi - t) v) / (2 pi).
fn slope(w: &[f64], v: &[f64]) -> Vec<f64> {
    let t = angle(w, v);
    let length = norm(v) * t.sin() / norm(w);
    w.iter().zip(v).map(|(w, v)| (length * w + (PI - t) * v) / (2.0 * PI)).collect()
}

/// The loss's gradient: of a unit with itself w / 2, then the others', less the teacher's.
fn gradient(theta: &[f64], teacher: &[f64], d: usize) -> Vec<f64> {
    let units = || theta.chunks_exact(d).enumerate();
    let of = |(i, w): (usize, &[f64])| {
        let mut g: Vec<f64> = w.iter().map(|w| 0.5 * w).collect();
        let mut add = |by: f64, v| g.iter_mut().zip(slope(w, v)).for_each(|(g, s)| *g += by * s);
        units().filter(|(j, _)| *j != i).for_each(|(_, v)| add(1.0, v));
        teacher.chunks_exact(d).for_each(|v| add(-1.0, v));
        g
    };
    units().flat_map(of).collect()
}

/// More students than teachers, in more dimensions than either, and the other way round.
const CASES: [(&str, usize, usize); 4] = [
    ("units=3,dimension=7", 4, 7),
    ("units=5,dimension=2,random=true", 3, 2),
    ("units=1,dimension=1", 2, 1),
    ("units=4,dimension=5,random=true", 1, 5),
];

#[test]
fn the_loss_and_its_gradient_are_the_closed_forms() {
    for (data, units, d) in CASES {
        let (objective, teacher) = population(data, units);
        let theta = gaussian(data, units * d);
        let pairs = |a: &[f64], b: &[f64]| -> f64 {
            a.chunks_exact(d).flat_map(|w| b.chunks_exact(d).map(|v| moment(w, v))).sum()
        };
        let (own, cross, fixed) = (pairs(&theta, &theta), pairs(&theta, &teacher), pairs(&teacher, &teacher));
        let (evaluation, found) = objective.gradient(&theta, &[]);
        agree(data, &[evaluation.loss], &[0.5 * own - cross + 0.5 * fixed], 1e-13);
        assert_eq!(objective.evaluate(&theta, &[]).loss, evaluation.loss);
        agree(data, &found, &gradient(&theta, &teacher, d), 1e-13);
    }
}

#[test]
fn the_loss_is_the_mean_over_gaussian_inputs() {
    const DRAWS: usize = 1_000_000;
    for (data, units, d) in CASES {
        let (objective, teacher) = population(data, units);
        let theta = gaussian(data, units * d);
        let mut rng = Streams::new(1).stream(data, 0);
        let (mut sum, mut squares) = (0.0, 0.0);
        let mut x = vec![0.0; d];
        for _ in 0..DRAWS {
            x.iter_mut().for_each(|x| *x = normal(&mut rng));
            let out = |all: &[f64]| all.chunks_exact(d).map(|w| dot(w, &x).max(0.0)).sum::<f64>();
            let loss = 0.5 * (out(&theta) - out(&teacher)).powi(2);
            (sum, squares) = (sum + loss, squares + loss * loss);
        }
        let mean = sum / DRAWS as f64;
        let error = ((squares / DRAWS as f64 - mean * mean) / DRAWS as f64).sqrt();
        let z = (objective.evaluate(&theta, &[]).loss - mean) / error;
        assert!(z.abs() < 4.0, "{data}: {z} standard errors from {mean}");
    }
}

#[test]
fn the_hessian_is_the_difference_of_the_closed_gradient() {
    for (data, units, d) in CASES.into_iter().filter(|c| c.2 > 1) {
        let (objective, teacher) = population(data, units);
        let theta = gaussian(data, units * d);
        let (p, step) = (theta.len(), 1e-5);
        let found = dense(&objective, &theta, Curvature::Hessian);
        for i in 0..p {
            let at = |h: f64| {
                let mut moved = theta.clone();
                moved[i] += h;
                gradient(&moved, &teacher, d)
            };
            let expected: Vec<f64> =
                at(step).iter().zip(at(-step)).map(|(up, down)| (up - down) / (2.0 * step)).collect();
            // Rounding 1e-16 / 1e-5, and h^2 / 6 of third derivatives of up to a hundred.
            agree(data, &found[i * p..(i + 1) * p], &expected, 2e-9);
        }
    }
}

/// Where each student is a teacher the loss is zero and flat, and its Hessian has blocks I/2 on the diagonal and
/// I/4 + (e_i e_j' + e_j e_i') / (2 pi) beside it.
#[test]
fn a_found_teacher_is_a_minimum_with_the_hessian_of_algebra() {
    let d = 4;
    let (objective, teacher) = population("units=4,dimension=4", 4);
    let (evaluation, found) = objective.gradient(&teacher, &[]);
    agree("loss", &[evaluation.loss], &[0.0], 1e-14);
    agree("gradient", &found, &[0.0; 16], 1e-15);
    let unit = |a: usize, b: usize| if a == b { 1.0 } else { 0.0 };
    let entry = |at: usize| {
        let ((i, a), (j, b)) = ((at / 16 / d, at / 16 % d), (at % 16 / d, at % d));
        if i == j {
            0.5 * unit(a, b)
        } else {
            0.25 * unit(a, b) + (unit(a, i) * unit(b, j) + unit(a, j) * unit(b, i)) / (2.0 * PI)
        }
    };
    let expected: Vec<f64> = (0..256).map(entry).collect();
    agree("Hessian", &dense(&objective, &teacher, Curvature::Hessian), &expected, 1e-14);
}

/// One unit more: a teacher's vector in two parts, parallel to each other and to it. Of two parts a and 1 - a, changes that
/// cancel across the vector cost nothing, to second order.
#[test]
fn a_split_unit_is_a_minimum_too() {
    let d = 6;
    let (objective, teacher) = population("units=5,dimension=6,random=true", 6);
    let first = &teacher[..d];
    let part = |a: f64| first.iter().map(move |v| a * v);
    let theta: Vec<f64> = part(0.3).chain(part(0.7)).chain(teacher[d..].iter().copied()).collect();
    let (evaluation, found) = objective.gradient(&theta, &[]);
    agree("loss", &[evaluation.loss], &[0.0], 1e-14);
    agree("gradient", &found, &vec![0.0; theta.len()], 1e-15);
    let mut across = gaussian("split", d);
    let along = dot(&across, first);
    across.iter_mut().zip(first).for_each(|(a, v)| *a -= along * v);
    let direction: Vec<f64> =
        across.iter().copied().chain(across.iter().map(|a| -a)).chain(vec![0.0; 4 * d]).collect();
    let linear = objective.linearize(&theta, &[], Curvature::Hessian, usize::MAX);
    agree("product", &linear.products(&direction, 1), &vec![0.0; theta.len()], 1e-14);
    // And any other change costs something.
    let other = gaussian("split/other", theta.len());
    assert!(dot(&other, &linear.products(&other, 1)) > 0.1);
}

/// A unit of length zero is none: the loss is that of the others, and nothing is NaN.
#[test]
fn a_unit_of_length_zero_is_not_there() {
    let d = 4;
    let (objective, teacher) = population("units=4,dimension=4", 5);
    let theta = [&teacher[..], &vec![0.0; d]].concat();
    let (evaluation, found) = objective.gradient(&theta, &[]);
    agree("loss", &[evaluation.loss], &[0.0], 1e-14);
    agree("gradient", &found, &vec![0.0; theta.len()], 1e-15);
}
