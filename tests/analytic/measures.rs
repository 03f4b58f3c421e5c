//! Maps over a slice against finite differences, dense Hessians and functions whose curvature a page of algebra gives.

use crate::analytic::{agree, dense, gaussian, network, objective};
use losscape::analyses::range::{Range, Side};
use losscape::autodiff::Curvature as Matrix;
use losscape::base::Streams;
use losscape::landscape::geometry;
use losscape::landscape::measures::curvature::Curvature;
use losscape::landscape::measures::gap::Gap;
use losscape::landscape::measures::gradient_norm::GradientNorm;
use losscape::landscape::measures::spectrum::Spectrum;
use losscape::landscape::measures::{Finished, Measure, Spot};
use losscape::nn::{At, Objective};

fn smooth() -> (Objective<f64>, Vec<Vec<f64>>) {
    let network = network("mlp:hidden=[5],activation=tanh", "cross-entropy", 4, 3);
    let n = 70;
    let labels: Vec<u32> = (0..n).map(|i| i * i % 11 % 3).collect();
    let p = network.layout().size();
    // The center of a slice, and points further and further from it.
    let center = gaussian("measures/theta", p);
    let direction = gaussian("measures/d", p);
    let at = |x: f64| center.iter().zip(&direction).map(|(t, d)| 0.5 * t + x * d).collect();
    let points = [0.0, -0.3, 0.8, 2.0].map(at).to_vec();
    (objective(&network, &gaussian("measures/data", 4 * n as usize), &labels), points)
}

fn at(measure: &impl Measure, objective: &Objective<f64>, theta: &[f64]) -> Vec<f64> {
    let streams = Streams::new(2);
    let spot = Spot { objective, at: At { theta, state: &[] }, streams: &streams, memory: usize::MAX };
    measure.at(&spot).expect("numbers")
}

#[test]
fn the_gradients_norm_is_that_of_finite_differences() {
    let (objective, points) = smooth();
    let h = 1e-5;
    for theta in &points {
        let slope = |i: usize| {
            let loss = |step: f64| {
                let mut there = theta.clone();
                there[i] += step;
                objective.evaluate(&there, &[]).loss
            };
            (loss(h) - loss(-h)) / (2.0 * h)
        };
        let expected = (0..theta.len()).map(|i| slope(i).powi(2)).sum::<f64>().sqrt();
        // h^2 and rounding over h: some 1e-10 each.
        agree("norm", &[at(&GradientNorm, &objective, theta)[0] / expected], &[1.0], 1e-8);
    }
}

#[test]
fn the_spectrums_ends_are_those_of_the_dense_hessian() {
    let (objective, points) = smooth();
    for theta in &points {
        let p = theta.len();
        let matrix = dense(&objective, theta, Matrix::Hessian);
        let matrix = faer::MatRef::from_column_major_slice(&matrix, p, p);
        let values = matrix.self_adjoint_eigenvalues(faer::Side::Lower).expect("a finite matrix");
        let (low, high) = (values[0], values[p - 1]);
        let scale = low.abs().max(high.abs());
        let found = at(&Spectrum { tolerance: 1e-9, steps: 500, certify: true }, &objective, theta);
        // Residuals of 1e-9, whose squares over a gap are the error of a value.
        let ends = [found[0] / scale, found[1] / scale, found[2] / (low / high).abs()];
        agree("ends", &ends, &[low / scale, high / scale, 1.0], 1e-11);
        assert!(found[3] <= 1e-9, "residual {}", found[3]);
        // The picture's tolerance: an error of at most the residual.
        let found = at(&Spectrum::default(), &objective, theta);
        agree("default", &[found[0] / scale, found[1] / scale], &[low / scale, high / scale], 1e-2);
        // What did not converge is no eigenvalue, and says by how much.
        let hasty = at(&Spectrum { tolerance: 1e-9, steps: 2, certify: false }, &objective, theta);
        assert!(hasty[..3].iter().all(|v| v.is_nan()) && hasty[3] > 1e-9, "{hasty:?}");
    }
}

#[test]
fn a_network_out_of_range_has_no_spectrum_and_no_gradient() {
    let (objective, points) = smooth();
    let far: Vec<f64> = points[0].iter().map(|t| t * 1e308 * 10.0).collect();
    assert!(at(&Spectrum::default(), &objective, &far).iter().all(|v| v.is_nan()));
    assert!(!at(&GradientNorm, &objective, &far)[0].is_finite());
}

/// c + g . r + r' A r / 2 with A = [[a, b], [b, d]] on a grid with unlike steps.
fn quadratic(a: f64, b: f64, d: f64) -> [Vec<f64>; 3] {
    let x = Range { min: -1.0, max: 0.5, n: 7 }.points();
    let y = Range { min: 0.0, max: 0.6, n: 4 }.points();
    let value = |x: f64, y: f64| 0.3 + x - 2.0 * y + 0.5 * (a * x * x + 2.0 * b * x * y + d * y * y);
    let values = y.iter().flat_map(|y| x.iter().map(|x| value(*x, *y)).collect::<Vec<f64>>()).collect();
    [x, y, values]
}

#[test]
fn the_curvature_of_a_quadratic_is_its_eigenvalues_inside_and_nothing_on_the_border() {
    for (a, b, d) in [(2.0, 0.0, 1.0), (2.0, 0.7, -1.0), (-3.0, 1.5, -0.5), (1.0, 1.0, 1.0)] {
        let [x, y, values] = quadratic(a, b, d);
        let map = |name: &str| {
            assert_eq!(name, "train_loss");
            values.clone()
        };
        let found = Curvature.over(&Finished { x: &x, y: &y, map: &map });
        let direct = geometry::curvature(&x, &y, &values);
        // Roots of l^2 - (a + d) l + a d - b^2.
        let root = ((a + d) * (a + d) - 4.0 * (a * d - b * b)).sqrt();
        let expected = [0.5 * (a + d - root), 0.5 * (a + d + root)];
        for ((found, direct), expected) in found.iter().zip(&direct).zip(expected) {
            for (k, (value, direct)) in found.iter().zip(direct).enumerate() {
                let (i, j) = (k % 7, k / 7);
                assert_eq!(value.to_bits(), direct.to_bits());
                if (1..6).contains(&i) && (1..3).contains(&j) {
                    // Rounding of values up to 3 over steps of .2 squared, thrice.
                    agree("curvature", &[*value], &[expected], 1e-12)
                } else {
                    assert!(value.is_nan(), "the border, ({i}, {j})")
                }
            }
        }
    }
    // A hole takes its eight neighbours with it, and no other.
    let [x, y, mut values] = quadratic(2.0, 0.7, 1.0);
    values[7 + 2] = f64::INFINITY;
    let [low, _] = geometry::curvature(&x, &y, &values);
    let there: Vec<usize> = (0..28).filter(|k| low[*k].is_finite()).collect();
    assert_eq!(there, [7 + 4, 7 + 5, 14 + 4, 14 + 5]);
}

#[test]
fn the_gap_is_test_minus_training_loss() {
    let (train, test) = (vec![1.0, 2.5, f64::NAN, 0.25], vec![1.5, 2.0, 1.0, f64::INFINITY]);
    let map = |name: &str| if name == "test_loss" { test.clone() } else { train.clone() };
    let found = Gap.over(&Finished { x: &[0.0, 1.0], y: &[0.0, 1.0], map: &map });
    assert_eq!(found[0][..2], [0.5, -0.5]);
    assert!(found[0][2].is_nan() && found[0][3] == f64::INFINITY);
}

#[test]
fn a_side_is_a_range_or_a_number_of_points() {
    let ends = (-0.5, 1.5);
    let points: Side = "5".parse().expect("points");
    assert_eq!((points.n(), points), (5, Side::Points(5)));
    assert_eq!(points.over(ends), Range { min: -0.5, max: 1.5, n: 5 });
    assert_eq!(points.over(ends).points(), [-0.5, 0.0, 0.5, 1.0, 1.5]);
    let range: Side = "-2:1:4".parse().expect("a range");
    assert_eq!(range.n(), 4);
    assert_eq!(range.over(ends), Range { min: -2.0, max: 1.0, n: 4 });
    for side in [points, range] {
        assert_eq!(side.to_string().parse(), Ok(side));
        let json = serde_json::to_string(&side).expect("text");
        assert_eq!(serde_json::from_str::<Side>(&json).expect("a side"), side);
    }
    assert_eq!(serde_json::from_str::<Side>("7").expect("a number"), Side::Points(7));
    for (text, expected) in [
        ("1", "at least 2 points, found 1"),
        ("0", "at least 2 points, found 0"),
        ("-3", "min:max:n, found `-3`"),
        ("", "min:max:n, found ``"),
        ("1:2", "min:max:n"),
        ("1:2:1", "at least 2 points, found 1"),
        ("2:1:5", "min below max"),
        ("nan:1:5", "a finite number as min"),
        ("0:inf:5", "a finite number as max"),
        ("0:1:x", "a number of points"),
        ("0:1:2:3", "min:max:n"),
    ] {
        let found = text.parse::<Side>().expect_err(text);
        assert!(found.contains(expected), "`{text}`: {found}");
    }
}
