//! Simplexes of networks whose loss is a quadratic that a page of algebra gives: the training of connecting points with the pull
//! of the volume, and ensembles.

use crate::analytic::{agree, gaussian, network, objective};
use losscape::base::Streams;
use losscape::base::random::Rng;
use losscape::landscape::Complex;
use losscape::landscape::path::{Between, Evaluator};
use losscape::landscape::simplex::{blended, distances, gram, log_volume, uniform};
use losscape::nn::{Network, Samples};
use losscape::train::blend::Blend;
use losscape::train::{BlendSettings, train_blend};
use rand::RngExt;
use std::sync::{Arc, Mutex};

const N: usize = 24;
const D: usize = 3;
const C: usize = 2;
const P: usize = C * (D + 1);

/// Sums of 24 terms of size 1 in another order differ by some 1e-15, and the steps multiply that by less than 100.
const TOLERANCE: f64 = 1e-12;

/// Least squares: a linear network, data and labels.
fn linear() -> (Arc<Network>, Vec<f64>, Vec<u32>) {
    let labels = (0..N).map(|n| (n * n % 7 % C) as u32).collect();
    (network("mlp:hidden=[]", "squared-error", D, C), gaussian("simplexes/data", N * D), labels)
}

/// W x + b for each sample.
fn outputs(w: &[f64], data: &[f64]) -> Vec<[f64; C]> {
    let one = |x: &[f64]| -> [f64; C] {
        std::array::from_fn(|o| (0..D).map(|i| w[o * D + i] * x[i]).sum::<f64>() + w[C * D + o])
    };
    data.chunks_exact(D).map(one).collect()
}

/// Half the mean square of what the outputs are off.
fn loss(outputs: &[[f64; C]], labels: &[u32]) -> f64 {
    let off = |(y, label): (&[f64; C], &u32)| {
        (0..C).map(|o| (y[o] - f64::from(u8::from(o == *label as usize))).powi(2)).sum::<f64>() / 2.0
    };
    outputs.iter().zip(labels).map(off).sum::<f64>() / N as f64
}

/// The gradient of that.
fn slope(w: &[f64], data: &[f64], labels: &[u32]) -> Vec<f64> {
    let mut gradient = vec![0.0; P];
    for ((x, y), label) in data.chunks_exact(D).zip(outputs(w, data)).zip(labels) {
        for (o, y) in y.iter().enumerate() {
            let residual = (y - f64::from(u8::from(o == *label as usize))) / N as f64;
            (0..D).for_each(|i| gradient[o * D + i] += residual * x[i]);
            gradient[C * D + o] += residual;
        }
    }
    gradient
}

fn points(n: usize) -> Vec<Vec<f64>> {
    (0..n).map(|k| gaussian(&format!("simplexes/{k}"), P)).collect()
}

fn slices(points: &[Vec<f64>]) -> Vec<&[f64]> {
    points.iter().map(Vec::as_slice).collect()
}

/// The logarithm of a complex's volume.
fn log_volume_of(complex: Complex, points: &[Vec<f64>]) -> f64 {
    let gram = gram(&slices(points));
    (0..complex.minima)
        .map(|i| log_volume(&gram, complex.points(), &complex.simplex(i)).exp())
        .sum::<f64>()
        .ln()
}

#[test]
fn a_step_goes_down_the_loss_and_up_the_volume() {
    let (network, data, labels) = linear();
    let samples = Samples::<f64>::new(&network, &data, &labels);
    let (rate, lambda) = (0.3, 0.05);
    let settings: BlendSettings = toml::from_str(&format!(
        "optimizer = \"sgd:momentum=0\"\nlr = {rate}\nschedule = \"constant\"\nepochs = 3\nbatch-size = {N}"
    ))
    .expect("settings");
    for (minima, connectors) in [(2, 1), (3, 2)] {
        let complex = Complex { minima, connectors };
        let start = points(complex.points());
        let free: Vec<bool> = (0..complex.points()).map(|k| k >= minima).collect();
        let drawn = Mutex::new(Vec::new());
        let draw = |rng: &mut Rng| {
            let shares = complex.anywhere(rng);
            drawn.lock().expect("a lock").push(shares.clone());
            shares
        };
        let pull = |gram: &[f64]| complex.growth(gram).iter().map(|g| -lambda * g).collect::<Vec<f64>>();
        let blend = Blend {
            network: &network,
            train: &samples,
            control: &start,
            free: &free,
            draw: &draw,
            pull: Some(&pull),
            name: "complex",
            seed: 3,
            vary: None,
        };
        let found = train_blend(&settings, &blend, None, &mut |_| {}).expect("training");
        let drawn = drawn.into_inner().expect("a lock");
        let mut control = start.clone();
        for (step, shares) in drawn[..3].iter().enumerate() {
            assert!(shares.iter().filter(|c| **c > 0.0).count() == connectors + 1, "one simplex: {shares:?}");
            let w = blended(shares, &slices(&control));
            // From the second step on the differences below are in it.
            let tolerance = if step == 0 { TOLERANCE } else { 1e-9 };
            agree("loss", &[found.epochs[step].loss], &[loss(&outputs(&w, &data), &labels)], tolerance);
            let gradient = slope(&w, &data, &labels);
            let before = control.clone();
            for k in minima..complex.points() {
                for i in 0..P {
                    // The volume's slope by differences: 1e-6 squared, and rounding over 1e-6.
                    let moved = |by: f64| {
                        let mut moved = before.clone();
                        moved[k][i] += by;
                        log_volume_of(complex, &moved)
                    };
                    let growth = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                    control[k][i] -= rate * (shares[k] * gradient[i] - lambda * growth);
                }
            }
        }
        for (found, expected) in found.control.iter().zip(&control) {
            agree("control point", found, expected, 1e-9);
        }
        assert_eq!(found.control[..minima], start[..minima], "minima to the bit");
    }
}

#[test]
fn random_points_have_the_loss_of_the_quadratic() {
    let (network, data, labels) = linear();
    let loss_of = || Box::new(objective::<f64>(&network, &data, &labels));
    let evaluator = Evaluator::new(loss_of(), loss_of(), Between::Refresh, 8).unwrap();
    let (points, complex) = (points(4), Complex { minima: 3, connectors: 1 });
    let mut rng = Streams::new(1).stream("simplexes/points", 0);
    for i in 0..12 {
        let shares = complex.within(i % 3, &mut rng);
        assert!(shares[i % 3] > 0.0 && (shares[i % 3] + shares[3] - 1.0).abs() < 1e-15);
        let w = blended(&shares, &slices(&points));
        // Outputs are linear in the weights: those of the point are the blend of the corners'.
        let mut mean = vec![[0.0; C]; N];
        for (share, corner) in shares.iter().zip(&points) {
            for (m, y) in mean.iter_mut().zip(outputs(corner, &data)) {
                (0..C).for_each(|o| m[o] += share * y[o]);
            }
        }
        let found = evaluator.evaluate(&w, &[]).0.loss;
        agree("loss", &[found], &[loss(&mean, &labels)], TOLERANCE);
    }
}

#[test]
fn an_ensemble_of_one_network_over_and_over_is_that_network() {
    let network = network("mlp:hidden=[6]", "cross-entropy", D, C);
    let (data, labels) =
        (gaussian("simplexes/data", N * D), (0..N as u32).map(|n| n % 2).collect::<Vec<_>>());
    let first = |n: usize| Box::new(objective::<f64>(&network, &data[..n * D], &labels[..n]));
    let evaluator = Evaluator::new(first(N), first(9), Between::Refresh, 8).unwrap();
    let at = |name: &str| (gaussian(name, network.layout().size()), Vec::new());
    let (a, b) = (at("simplexes/a"), at("simplexes/b"));
    let (train, test) = evaluator.evaluate(&a.0, &a.1);
    for (all, alone) in evaluator.ensembles(&[a.clone(), a.clone(), a.clone()]).iter().zip([train, test]) {
        assert_eq!(all.len(), 3);
        for said in all.iter().map(|e| e.expect("an ensemble")) {
            agree("loss", &[said.loss], &[alone.loss], 1e-14);
            assert_eq!(said.accuracy, alone.accuracy);
        }
    }
    // Each number of members is an ensemble of its own.
    let grown = evaluator.ensembles(&[a.clone(), b.clone()]);
    assert_eq!(grown[1][1], evaluator.ensemble(&[a, b]));
    assert!(grown[1][0] != grown[1][1]);
}

#[test]
fn shares_are_uniform_over_the_simplex() {
    let mut rng = Streams::new(3).stream("simplex/test", 0);
    let draws: Vec<Vec<f64>> = (0..4000).map(|_| uniform(3, &mut rng)).collect();
    for shares in &draws {
        assert!(shares.iter().all(|c| (0.0..=1.0).contains(c)));
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-15);
    }
    for k in 0..3 {
        // Of Dirichlet(1, 1, 1): mean 1 / 3, P(c > 1 / 2) = 1 / 4; five standard errors.
        let mean = draws.iter().map(|c| c[k]).sum::<f64>() / 4000.0;
        let above = draws.iter().filter(|c| c[k] > 0.5).count() as f64 / 4000.0;
        assert!((mean - 1.0 / 3.0).abs() < 0.019 && (above - 0.25).abs() < 0.035, "{k}: {mean}, {above}");
    }
    assert_eq!(uniform(1, &mut rng), [1.0]);
}

#[test]
fn volumes_are_those_of_a_page_of_geometry() {
    // A triangle with legs 3 and 4, far from the origin; the corner of a box of 1 x 2 x 3; a segment of length 5.
    let triangle = [vec![9.0, 9.0, 9.0], vec![12.0, 9.0, 9.0], vec![9.0, 13.0, 9.0]];
    let corner = [vec![0.0; 3], vec![1.0, 0.0, 0.0], vec![0.0, 2.0, 0.0], vec![0.0, 0.0, 3.0]];
    let volume = |points: &[Vec<f64>], members: &[usize]| {
        log_volume(&gram(&slices(points)), points.len(), members).exp()
    };
    assert!((volume(&triangle, &[0, 1, 2]) - 6.0).abs() < 1e-12);
    assert!((volume(&triangle, &[1, 2]) - 5.0).abs() < 1e-12);
    assert!((volume(&corner, &[3, 1, 0, 2]) - 1.0).abs() < 1e-12);
    let flat = [vec![0.0, 0.0], vec![1.0, 1.0], vec![2.0, 2.0]];
    assert_eq!(volume(&flat, &[0, 1, 2]), 0.0);
    let d = distances(&gram(&slices(&triangle)), 3);
    assert!((d[5] - 5.0).abs() < 1e-12 && d[4] == 0.0 && (d[1] - 3.0).abs() < 1e-12);
}

#[test]
fn growth_is_the_gradient_of_the_logarithm() {
    let mut rng = Streams::new(4).stream("simplex/test", 1);
    for (minima, connectors) in [(2, 1), (3, 1), (3, 2), (4, 3)] {
        let complex = Complex { minima, connectors };
        let n = complex.points();
        let points: Vec<Vec<f64>> = (0..n).map(|_| (0..6).map(|_| rng.random::<f64>()).collect()).collect();
        let log = |points: &[Vec<f64>]| {
            complex.log_volumes(&gram(&slices(points))).iter().map(|l| l.exp()).sum::<f64>().ln()
        };
        let growth = complex.growth(&gram(&slices(&points)));
        for k in 0..n {
            for i in 0..6 {
                let found: f64 = (0..n).map(|j| growth[k * n + j] * points[j][i]).sum();
                let moved = |h: f64| {
                    let mut moved = points.clone();
                    moved[k][i] += h;
                    log(&moved)
                };
                let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                assert!((found - expected).abs() < 1e-6 * expected.abs().max(1.0), "{found}, {expected}");
            }
        }
    }
}
