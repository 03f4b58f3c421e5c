//! The gradient noise scale of least squares, where a sample's gradient is (theta'x - y) x, against covariances, every
//! partition, and expectations that a page of algebra gives.

use crate::analytic::{agree, gaussian, network};
use losscape::base::Streams;
use losscape::landscape::noise::{NoiseScale, noise_scale};
use losscape::nn::{At, Objective, Samples, Statistics};
use std::sync::Arc;

/// Least squares: data (d x n), targets, theta.
struct Problem {
    x: Vec<Vec<f64>>,
    y: Vec<f64>,
    theta: Vec<f64>,
}

impl Problem {
    /// x ~ N(0, I), y = noise: theta is then what it is off.
    fn new(name: &str, n: usize, theta: &[f64]) -> Self {
        let d = theta.len();
        let x = gaussian(&format!("{name}/x"), n * d).chunks(d).map(<[f64]>::to_vec).collect();
        Self { x, y: gaussian(&format!("{name}/y"), n), theta: theta.to_vec() }
    }

    fn noise(&self, small: usize, seed: u64) -> losscape::base::Result<NoiseScale> {
        let network = network("mlp:hidden=[],bias=false", "squared-error", self.theta.len(), 1);
        let samples = Arc::new(Samples::<f64>::regression(&network, &self.x.concat(), &self.y));
        let objective = Objective::new(network, samples, Statistics::Running);
        noise_scale(&objective, At { theta: &self.theta, state: &[] }, small, &Streams::new(seed))
    }

    fn gradients(&self) -> Vec<Vec<f64>> {
        let of = |(x, y): (&Vec<f64>, &f64)| {
            let residual = x.iter().zip(&self.theta).map(|(x, t)| x * t).sum::<f64>() - y;
            x.iter().map(|x| residual * x).collect()
        };
        self.x.iter().zip(&self.y).map(of).collect()
    }
}

fn mean(gradients: &[&Vec<f64>]) -> Vec<f64> {
    let n = gradients.len() as f64;
    (0..gradients[0].len()).map(|j| gradients.iter().map(|g| g[j]).sum::<f64>() / n).collect()
}

fn square(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum()
}

/// The trace of the covariance of single samples' gradients, with n - 1.
fn covariance(gradients: &[Vec<f64>]) -> f64 {
    let center = mean(&gradients.iter().collect::<Vec<_>>());
    let apart = |g: &Vec<f64>| g.iter().zip(&center).map(|(g, c)| (g - c).powi(2)).sum::<f64>();
    gradients.iter().map(apart).sum::<f64>() / (gradients.len() - 1) as f64
}

const THETA: [f64; 3] = [0.7, -0.4, 0.5];

#[test]
fn with_single_samples_it_is_the_sample_covariances() {
    let problem = Problem::new("noise/single", 41, &THETA);
    let (gradients, n) = (problem.gradients(), 41.0);
    let whole = square(&mean(&gradients.iter().collect::<Vec<_>>()));
    let trace = covariance(&gradients);
    let found = problem.noise(1, 3).expect("noise");
    let g2 = whole - trace / n;
    assert_eq!((found.small, found.large, found.batches), (1, 41, 41));
    // Sums of 41 numbers of size 1.
    let numbers = [found.tr_sigma, found.g2, found.gradient_norm, found.value];
    agree("noise", &numbers, &[trace, g2, whole.sqrt(), trace / g2], 1e-12);
    // Of a mean of independent terms the jackknife is the textbook's: tr(Sigma) is sum |g - G|^2 / (n - 1), whose
    // standard error is, up to terms of 1/n, that of the mean of |g - G|^2.
    let center = mean(&gradients.iter().collect::<Vec<_>>());
    let apart: Vec<f64> =
        gradients.iter().map(|g| g.iter().zip(&center).map(|(g, c)| (g - c).powi(2)).sum()).collect();
    let average = apart.iter().sum::<f64>() / n;
    let spread = apart.iter().map(|a| (a - average).powi(2)).sum::<f64>() / (n - 1.0) / n;
    let ratio = found.tr_sigma_standard_error / spread.sqrt();
    assert!((ratio - 1.0).abs() < 4.0 / n, "{ratio}");
}

/// Six samples in pairs: all fifteen partitions by hand, each of which some seed must give, and no other number.
#[test]
fn every_partition_has_its_number_and_their_mean_is_the_covariance() {
    let problem = Problem::new("noise/pairs", 6, &THETA);
    let gradients = problem.gradients();
    let whole = square(&mean(&gradients.iter().collect::<Vec<_>>()));
    let pair = |i: usize, j: usize| square(&mean(&[&gradients[i], &gradients[j]]));
    let mut all = Vec::new();
    for partner in 1..6 {
        let rest: Vec<usize> = (1..6).filter(|i| *i != partner).collect();
        for other in 1..4 {
            let last: Vec<usize> = (1..4).filter(|i| *i != other).map(|i| rest[i]).collect();
            let squares = pair(0, partner) + pair(rest[0], rest[other]) + pair(last[0], last[1]);
            all.push((squares / 3.0 - whole) / (1.0 / 2.0 - 1.0 / 6.0));
        }
    }
    assert_eq!(all.len(), 15);
    let average = all.iter().sum::<f64>() / 15.0;
    agree("mean over partitions", &[average], &[covariance(&gradients)], 1e-13);
    let mut seen = [false; 15];
    // That one of 15 equally likely does not come up in 300 has a probability of 15 (14/15)^300 = 1.5e-8.
    for seed in 0..300 {
        let found = problem.noise(2, seed).expect("noise").tr_sigma;
        let which = all.iter().position(|t| (t - found).abs() < 1e-12);
        seen[which.unwrap_or_else(|| panic!("seed {seed}: {found} belongs to no partition"))] = true;
    }
    assert!(seen.iter().all(|s| *s), "{seen:?}");
}

/// With x ~ N(0, I) and y of variance 1: G = theta, tr(Sigma) = d + (d + 1) |theta|^2, by the fourth moments of a Gaussian.
#[test]
fn estimates_are_unbiased_and_their_errors_what_they_say() {
    const SETS: usize = 400;
    let (d, off) = (THETA.len() as f64, square(&THETA));
    // 30 batches of 8, and one sample left over.
    let found: Vec<NoiseScale> = (0..SETS)
        .map(|i| Problem::new(&format!("noise/set-{i}"), 241, &THETA).noise(8, i as u64).expect("noise"))
        .collect();
    assert!(found.iter().all(|f| f.batches == 30));
    let moments = |of: fn(&NoiseScale) -> f64| {
        let average = found.iter().map(of).sum::<f64>() / SETS as f64;
        let variance = found.iter().map(|f| (of(f) - average).powi(2)).sum::<f64>() / (SETS - 1) as f64;
        (average, variance)
    };
    for (what, of, expected) in [
        ("|G|^2", (|f| f.g2) as fn(&NoiseScale) -> f64, off),
        ("tr Sigma", |f| f.tr_sigma, d + (d + 1.0) * off),
    ] {
        let (average, variance) = moments(of);
        let z = (average - expected) / (variance / SETS as f64).sqrt();
        assert!(z.abs() <= 4.0, "{what}: {average}, {z} standard errors from {expected}");
    }
    // Variances from 400 draws that are not quite normal, and a jackknife that errs by 1/30 and to the safe side.
    for (what, of, error) in [
        (
            "tr Sigma",
            (|f| f.tr_sigma) as fn(&NoiseScale) -> f64,
            (|f| f.tr_sigma_standard_error) as fn(&NoiseScale) -> f64,
        ),
        ("scale", |f| f.value, |f| f.standard_error),
    ] {
        let (_, variance) = moments(of);
        let said = found.iter().map(|f| error(f).powi(2)).sum::<f64>() / SETS as f64;
        assert!((0.75..1.4).contains(&(said / variance)), "{what}: said {said}, found {variance}");
    }
}

#[test]
fn where_the_gradient_vanishes_there_is_no_scale() {
    // One parameter, x = 1: the minimum is the mean of y.
    let n = 40;
    let y = gaussian("noise/minimum", n);
    let theta = vec![y.iter().sum::<f64>() / n as f64];
    let problem = Problem { x: vec![vec![1.0]; n], y, theta };
    let found = problem.noise(4, 0).expect("noise");
    assert!(found.gradient_norm < 1e-14 && found.g2 < 0.0, "{found:?}");
    assert!(found.value.is_nan() && found.standard_error.is_nan() && found.tr_sigma > 0.0, "{found:?}");
    for small in [0, 21, 40, usize::MAX] {
        let refused = problem.noise(small, 0).expect_err("a refusal").to_string();
        assert!(refused.contains("1 to 20 samples"), "{small}: {refused}");
    }
    let two = problem.noise(20, 0).expect("two batches");
    assert!(two.tr_sigma.is_finite() && two.tr_sigma_standard_error.is_nan(), "{two:?}");
}
