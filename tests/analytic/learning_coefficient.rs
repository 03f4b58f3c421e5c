//! Local learning coefficients against closed forms: quadratics, singular polynomials, reduced-rank regression, the coverage of the
//! intervals, and a network.

use crate::analytic::{gaussian, network};
use losscape::base::{Result, Streams};
use losscape::landscape::Sampler;
use losscape::landscape::learning_coefficient::{Coefficient, Posterior, Sample};
use losscape::nn::{At, MeanLoss, Objective, Samples, Statistics};
use std::sync::Arc;

type Loss<'a> = &'a (dyn Fn(&[f64]) -> (f64, Vec<f64>) + Sync);

fn coefficient(loss: Loss, dimension: usize, n: usize, sampler: &str, seed: u64) -> Coefficient {
    let sampler: Sampler = sampler.parse().expect("a sampler");
    let fallible = |u: &[f64]| -> Result<(f64, Vec<f64>)> { Ok(loss(u)) };
    let center = loss(&vec![0.0; dimension]).0;
    let posterior = Posterior { loss: &fallible, dimension, center, n };
    sampler.estimate(&posterior, &Streams::new(seed), &|| {}).expect("a coefficient").0
}

fn scale(n: usize) -> f64 {
    n as f64 / (n as f64).ln()
}

/// E[n beta K] of one weight, by the trapezoidal rule, which is exact to rounding for what vanishes so smoothly.
fn expected(n: usize, gamma: f64, potential: impl Fn(f64) -> f64) -> f64 {
    let (mut sum, mut weight) = (0.0, 0.0);
    for i in -30_000..=30_000 {
        let w = i as f64 * 1e-4;
        let p = (-scale(n) * potential(w) - 0.5 * gamma * w * w).exp();
        sum += scale(n) * potential(w) * p;
        weight += p;
    }
    sum / weight
}

/// E[n beta (w1 w2)^2]: given w1, w2 is Gaussian of precision 2 n beta w1^2 + gamma.
fn expected_product(n: usize, gamma: f64) -> f64 {
    let (mut sum, mut weight) = (0.0, 0.0);
    for i in -200_000..=200_000 {
        let squared = (i as f64 * 2e-5).powi(2);
        let precision = 2.0 * scale(n) * squared + gamma;
        let p = (-0.5 * gamma * squared).exp() / precision.sqrt();
        sum += scale(n) * squared / precision * p;
        weight += p;
    }
    sum / weight
}

fn quadratic(curvatures: &[f64]) -> impl Fn(&[f64]) -> (f64, Vec<f64>) + Sync + '_ {
    move |u| {
        let gradient: Vec<f64> = u.iter().zip(curvatures).map(|(u, h)| h * u).collect();
        (3.0 + 0.5 * gradient.iter().zip(u).map(|(g, u)| g * u).sum::<f64>(), gradient)
    }
}

fn power(k: i32) -> impl Fn(&[f64]) -> (f64, Vec<f64>) + Sync {
    move |u| (u[0].powi(2 * k), vec![f64::from(2 * k) * u[0].powi(2 * k - 1)])
}

fn product(u: &[f64]) -> (f64, Vec<f64>) {
    ((u[0] * u[1]).powi(2), vec![2.0 * u[0] * u[1] * u[1], 2.0 * u[1] * u[0] * u[0]])
}

fn covers(found: &Coefficient, truth: f64) -> bool {
    found.interval[0] <= truth && truth <= found.interval[1]
}

/// n beta h / (n beta h + gamma) halves a direction: of curvatures far above gamma / (n beta), half the dimensions.
#[test]
fn a_regular_minimum_has_half_its_dimensions() {
    let curvatures: Vec<f64> = (0..10).map(|i| 0.5 + f64::from(i)).collect();
    let loss = quadratic(&curvatures);
    for (gamma, draws) in [(1.0, 20_000), (100.0, 20_000)] {
        let sampler = format!("mala:gamma={gamma},draws={draws}");
        let found = coefficient(&loss, 10, 10_000, &sampler, 1);
        let share = |h: &f64| 0.5 * scale(10_000) * h / (scale(10_000) * h + gamma);
        let truth: f64 = curvatures.iter().map(share).sum();
        assert!((found.value - truth).abs() < 4.0 * found.standard_error, "{found:?}, not {truth}");
        assert!(found.standard_error < 0.05 && found.converged, "{found:?}");
        assert!((found.acceptance - 0.574).abs() < 0.1, "{found:?}");
        if gamma == 1.0 {
            assert!((found.value - 5.0).abs() < 0.15, "{found:?}");
        }
    }
}

#[test]
fn singular_minima_have_less() {
    // lambda = 1/(2k), less what gamma and a finite n take: E is known by quadrature, and lies within those of lambda.
    for k in [2, 3] {
        let truth = expected(10_000, 1.0, |w| w.powi(2 * k));
        let lambda = 0.5 / f64::from(k);
        assert!((truth / lambda - 1.0).abs() < 0.05, "{truth} for {lambda}");
        let found = coefficient(&power(k), 1, 10_000, "mala:gamma=1,burn-in=2000,draws=20000", 1);
        assert!((found.value - truth).abs() < 4.0 * found.standard_error, "{found:?}, not {truth}");
        assert!(found.standard_error < 0.01, "{found:?}");
    }
    // Two valleys that cross: lambda = 1/2 of multiplicity 2, which E approaches as 1/2 - 1 / log(n beta / gamma^2).
    let found = coefficient(&product, 2, 10_000, "mala:gamma=10,burn-in=2000,draws=20000", 1);
    let truth = expected_product(10_000, 10.0);
    assert!((found.value - truth).abs() < 4.0 * found.standard_error, "{found:?}, not {truth}");
    let [near, far] = [10_000usize, 1_000_000_000].map(|n| 0.5 - expected_product(n, 10.0));
    assert!(0.0 < far && far < 0.5 * near && far < 0.1, "{near}, {far}");
}

/// K(A, B) = |B A - B* A*|^2 / 2 with 4 inputs, 2 hidden units, 3 outputs and a truth of rank 1, at the point where the second unit
/// is zero: lambda = (-(H+r)^2 - M^2 - N^2 + 2 (H+r) M + 2 (H+r) N + 2 M N) / 8 = 4 (Aoyagi and Watanabe 2005, theorem 1, of the case
/// that M + H + N + r is even and none of the others applies), and its multiplicity is 1. A regular minimum would have 7.
#[test]
fn reduced_rank_regression_has_the_coefficient_of_aoyagi_and_watanabe() {
    const SIZES: [usize; 3] = [4, 2, 3];
    let [inputs, hidden, outputs] = SIZES;
    let loss = |u: &[f64]| {
        let (a, b) = u.split_at(hidden * inputs);
        let (mut a, mut b) = (a.to_vec(), b.to_vec());
        a[0] += 1.0;
        b[0] += 1.0;
        let mut residual = vec![0.0; outputs * inputs];
        residual[0] = -1.0;
        let entries =
            || (0..outputs).flat_map(|i| (0..inputs).flat_map(move |j| (0..hidden).map(move |k| (i, j, k))));
        for (i, j, k) in entries() {
            residual[i * inputs + j] += b[i * hidden + k] * a[k * inputs + j];
        }
        let mut gradient = vec![0.0; u.len()];
        for (i, j, k) in entries() {
            let r = residual[i * inputs + j];
            gradient[k * inputs + j] += r * b[i * hidden + k];
            gradient[hidden * inputs + i * hidden + k] += r * a[k * inputs + j];
        }
        (0.5 * residual.iter().map(|r| r * r).sum::<f64>(), gradient)
    };
    let (h, m, n) = (hidden as f64 + 1.0, inputs as f64, outputs as f64);
    let lambda = (-h * h - m * m - n * n + 2.0 * h * m + 2.0 * h * n + 2.0 * m * n) / 8.0;
    assert_eq!(lambda, 4.0);
    let found = coefficient(&loss, 14, 10_000, "mala:gamma=1,burn-in=5000,draws=30000", 1);
    // What gamma = 1 and n = 10000 take of it, some hundredths: 3.97 +- 0.02 over seeds.
    assert!(found.converged && (found.value - lambda).abs() < 0.15, "{found:?}");
}

/// Of 50 intervals of 95 %, at least 95 % less two standard errors: 45.
#[test]
fn intervals_cover_what_they_say() {
    let curvatures = [0.1, 0.5, 1.0, 2.0, 7.0];
    let halves = |h: &f64| 0.5 * scale(10_000) * h / (scale(10_000) * h + 1.0);
    let plain = quadratic(&curvatures);
    let quartic = power(2);
    // The last is the hard one: valleys that cross and are long, with the draws that nobody has asked for.
    let cases: [(&str, Loss, usize, f64, usize, f64); 4] = [
        ("quadratic", &plain, 5, 1.0, 4000, curvatures.iter().map(halves).sum()),
        ("quartic", &quartic, 1, 1.0, 4000, expected(10_000, 1.0, |w| w.powi(4))),
        ("product", &product, 2, 10.0, 4000, expected_product(10_000, 10.0)),
        ("long valleys", &product, 2, 1.0, 1500, expected_product(10_000, 1.0)),
    ];
    for (name, loss, dimension, gamma, draws, truth) in cases {
        let sampler = format!("mala:gamma={gamma},burn-in=500,draws={draws}");
        let all: Vec<Coefficient> =
            (0..50).map(|seed| coefficient(loss, dimension, 10_000, &sampler, seed)).collect();
        let covering = all.iter().filter(|c| covers(c, truth)).count();
        let least = 50.0 * (0.95 - 2.0 * (0.95f64 * 0.05 / 50.0).sqrt());
        assert!(covering as f64 >= least, "{name}: {covering} of 50 intervals have {truth}");
        let converged = all.iter().filter(|c| c.converged).count();
        // Of fewer draws some say that they are not enough.
        let enough = if draws == 4000 { 48 } else { 45 };
        assert!(converged >= enough, "{name}: {converged} of 50 converged");
        // And they are no wider than need be: an eighth of the value to either side, of fewer draws a quarter.
        let width = all.iter().map(|c| c.interval[1] - c.interval[0]).sum::<f64>() / 50.0;
        let most = if draws == 4000 { 0.25 } else { 0.5 };
        assert!(width < most * truth, "{name}: {width}");
    }
}

#[test]
fn chains_that_have_not_mixed_say_so() {
    // Flat directions next to steep ones: 300 steps are far too few for gamma = 1.
    let curvatures: Vec<f64> = (0..200).map(|i| 20.0 * f64::from(i + 1).powf(-1.2)).collect();
    let loss = quadratic(&curvatures);
    let found = coefficient(&loss, 200, 1000, "mala:gamma=1,burn-in=100,draws=200", 1);
    assert!(!found.converged && found.status.contains("R-hat is"), "{found:?}");
    assert!(found.status.contains("effective draws, fewer than 100"), "{found:?}");
    // A loss that is nowhere finite but at the centre: no proposal is ever taken.
    let wall = |u: &[f64]| {
        let loss = if u.iter().all(|u| *u == 0.0) { 1.0 } else { f64::NAN };
        (loss, vec![0.0; u.len()])
    };
    let found = coefficient(&wall, 3, 1000, "mala:burn-in=50,draws=50", 1);
    assert_eq!((found.value, found.acceptance, found.converged), (0.0, 0.0, false));
    // What is no minimum has a negative one.
    let slope = |u: &[f64]| (u[0], vec![1.0]);
    let found = coefficient(&slope, 1, 1000, "mala:gamma=100", 1);
    let (b, g) = (scale(1000), 100.0);
    assert!((found.value + b * b / g).abs() < 5.0 * found.standard_error, "{found:?}");
}

/// Least squares is a quadratic: the coefficient of a linear network from its Hessian, in both precisions and on any number of
/// threads.
#[test]
fn a_linear_network_has_the_coefficient_of_its_hessian() {
    const D: usize = 4;
    let network = network("mlp:hidden=[],bias=false", "squared-error", D, 1);
    let n = 200;
    let x = gaussian("learning-coefficient/x", n * D);
    let truth = [0.5, -1.0, 2.0, 0.3];
    let y: Vec<f64> = x.chunks(D).map(|x| x.iter().zip(truth).map(|(x, w)| x * w).sum()).collect();
    let hessian: Vec<f64> = (0..D * D)
        .map(|k| (0..n).map(|i| x[i * D + k / D] * x[i * D + k % D]).sum::<f64>() / n as f64)
        .collect();
    let matrix = faer::MatRef::from_column_major_slice(&hessian, D, D);
    let values = matrix.self_adjoint_eigenvalues(faer::Side::Lower).expect("a finite matrix");
    let gamma = 10.0;
    let expected: f64 = values.iter().map(|h| 0.5 * scale(n) * h / (scale(n) * h + gamma)).sum();
    let samples = Arc::new(Samples::<f32>::regression(&network, &x, &y));
    let objective: &dyn MeanLoss = &Objective::new(network, samples, Statistics::Running);
    let loss = |u: &[f64]| {
        let theta: Vec<f64> = truth.iter().zip(u).map(|(w, u)| w + u).collect();
        let (evaluation, gradient) = objective.gradient(At { theta: &theta, state: &[] });
        (evaluation.loss, gradient)
    };
    let of = || coefficient(&loss, D, n, "mala:gamma=10,draws=4000", 3);
    let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(of);
    let found = on(1);
    assert!(
        (found.value - expected).abs() < 4.0 * found.standard_error && found.converged,
        "{found:?}, {expected}"
    );
    assert_eq!(found, on(4));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    for text in
        ["mala:chains=1", "mala:draws=3", "mala:gamma=-1", "mala:level=1", "mala:rhat=1", "mala:burn-in=0"]
    {
        let error = text.parse::<Sampler>().expect_err(text);
        let name = text.split([':', '=']).nth(1).expect("a setting");
        assert!(error.to_string().contains(name), "{error}");
    }
    let plan = "mala:chains=3,burn-in=7,draws=18".parse::<Sampler>().expect("a sampler").plan();
    assert_eq!(plan.segments().iter().sum::<usize>(), 25);
    assert_eq!(plan.gradients(), 3 * (25 + 10));
}
