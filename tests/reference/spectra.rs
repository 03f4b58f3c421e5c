//! Spectra of two trained networks against JAX's dense matrices: the Hessian and the Gauss-Newton matrix of the mean
//! cross-entropy over the 1297 training digits, in double precision. `spectra.py` made the figures from the weights that
//! lie beside it. Everything agrees to 1e-8 of the largest eigenvalue; rounding is near 1e-14 of it.

use losscape::analyses::Run;
use losscape::autodiff::Curvature;
use losscape::base::Streams;
use losscape::landscape::hessian::Curved;
use losscape::nn::{Objective, Statistics};
use losscape::spectral::trace::hutchinson;
use losscape::spectral::{Krylov, Operator, Settings, Wanted, ends};
use losscape::train::samples;
use serde::Deserialize;
use std::path::Path;
use std::sync::Arc;

const TOLERANCE: f64 = 1e-8;

#[derive(Deserialize)]
struct Figures {
    /// Ascending.
    eigenvalues: Vec<f64>,
    trace: f64,
    frobenius: f64,
    /// v' A^k v, k = 0 to 6, of each probe.
    moments: Vec<Vec<f64>>,
}

impl Figures {
    fn largest(&self) -> f64 {
        self.eigenvalues.iter().fold(0.0, |m, e| f64::max(m, e.abs()))
    }
}

#[derive(Deserialize)]
struct Case {
    name: String,
    /// In their order.
    parameters: Vec<String>,
    samples: usize,
    loss: f64,
    hessian: Figures,
    gauss_newton: Figures,
}

#[derive(Deserialize)]
struct File {
    /// Frequencies of the probes.
    probes: Vec<f64>,
    cases: Vec<Case>,
}

fn file() -> File {
    crate::reference::figures(include_str!("spectra.json"))
}

/// Runs a check on the operator that the figures are of.
fn each(check: impl Fn(&str, &dyn Operator, &Figures)) {
    for case in file().cases {
        let name = format!("tests/reference/spectra-{}.safetensors", case.name);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let run = Run::read(&path).unwrap_or_else(|e| panic!("{e}"));
        let names: Vec<&str> = run.network.layout().parameters.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, case.parameters, "{}: the order of the parameters", case.name);
        assert!(run.theta.len() <= 3000 && run.dataset.train.len() == case.samples, "{}", case.name);
        let network = Arc::new(run.network.clone());
        let train = samples::<f64>(&network, &run.dataset.train);
        let objective = Objective::new(network, train, Statistics::Running);
        let loss = objective.evaluate(&run.theta, &run.state).loss;
        assert!(
            (loss - case.loss).abs() <= 1e-12 * case.loss,
            "{}: loss {loss}, not {}",
            case.name,
            case.loss
        );
        for (curvature, figures) in
            [(Curvature::Hessian, &case.hessian), (Curvature::GaussNewton, &case.gauss_newton)]
        {
            let products = objective.linearize(&run.theta, &run.state, curvature, usize::MAX);
            check(&format!("{} {curvature:?}", case.name), &Curved(products), figures);
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The probes of `spectra.py`, each of length 1.
fn probes(n: usize) -> Vec<Vec<f64>> {
    let probe = |c: &f64| {
        let v: Vec<f64> = (1..=n).map(|i| (c * i as f64).sin()).collect();
        let norm = dot(&v, &v).sqrt();
        v.into_iter().map(|x| x / norm).collect()
    };
    file().probes.iter().map(probe).collect()
}

/// Eigenvalues, trace and Frobenius norm of the dense matrix, from products with blocks of the identity.
#[test]
fn dense_matrices_have_the_eigenvalues_of_those_of_jax() {
    each(|name, operator, figures| {
        let n = operator.dimension();
        let mut matrix = Vec::with_capacity(n * n);
        for start in (0..n).step_by(64) {
            let k = 64.min(n - start);
            let mut block = vec![0.0; n * k];
            (0..k).for_each(|j| block[j * n + start + j] = 1.0);
            matrix.extend(operator.apply(&block, k));
        }
        for i in 0..n {
            for j in 0..i {
                let (a, b) = (matrix[i * n + j], matrix[j * n + i]);
                assert!((a - b).abs() <= 1e-13, "{name}: not symmetric at {i}, {j}");
            }
        }
        let trace: f64 = (0..n).map(|i| matrix[i * n + i]).sum();
        let close = |what: &str, found: f64, expected: f64, size: f64| {
            assert!((found - expected).abs() <= TOLERANCE * size, "{name}: {what} {found}, not {expected}");
        };
        close("trace", trace, figures.trace, figures.trace.abs());
        close("Frobenius norm", dot(&matrix, &matrix).sqrt(), figures.frobenius, figures.frobenius);
        let matrix = faer::MatRef::from_column_major_slice(&matrix, n, n);
        let eigenvalues = matrix.self_adjoint_eigenvalues(faer::Side::Lower).expect("eigenvalues");
        assert_eq!(eigenvalues.len(), figures.eigenvalues.len());
        for (i, (found, expected)) in eigenvalues.iter().zip(&figures.eigenvalues).enumerate() {
            close(&format!("eigenvalue {i}"), *found, *expected, figures.largest());
        }
    });
}

#[test]
fn lanczos_at_a_tolerance_of_1e_12_finds_the_ends_of_jax() {
    each(|name, operator, figures| {
        let n = operator.dimension();
        let settings = Settings { tolerance: 1e-12, most_steps: n, ..Settings::default() };
        let mut rng = Streams::new(1).stream("reference/ends", 0);
        let found = ends(operator, Wanted { top: 5, bottom: 5 }, &mut rng, &settings).expect("eigenvalues");
        assert!(found.converged() && found.certified(), "{name}: {:?}", found.stopped);
        let top = found.top.iter().zip(figures.eigenvalues.iter().rev());
        let bottom = found.bottom.iter().zip(&figures.eigenvalues);
        assert_eq!((found.top.len(), found.bottom.len()), (5, 5), "{name}");
        for (pair, expected) in top.chain(bottom) {
            let error = (pair.value - expected).abs();
            assert!(error <= TOLERANCE * figures.largest(), "{name}: {}, not {expected}", pair.value);
            // What JAX says is stored to 12 digits.
            let slack = 1e-11 * figures.largest();
            let [low, high] = pair.interval;
            assert!(
                (low - slack..=high + slack).contains(expected),
                "{name}: {:?}, not {expected}",
                pair.interval
            );
        }
    });
}

/// By products one after the other, and by the nodes and weights of four Lanczos steps, exact to degree seven.
#[test]
fn moments_of_probes_are_those_of_jax() {
    each(|name, operator, figures| {
        let probes = probes(operator.dimension());
        let block = probes.concat();
        let mut powers = block.clone();
        for k in 0..figures.moments[0].len() {
            for (i, (v, w)) in block.chunks(probes[0].len()).zip(powers.chunks(probes[0].len())).enumerate() {
                let (found, expected) = (dot(v, w), figures.moments[i][k]);
                let error = (found - expected).abs();
                assert!(
                    error <= TOLERANCE * expected.abs(),
                    "{name}: v' A^{k} v of probe {i} {found}, not {expected}"
                );
            }
            powers = operator.apply(&powers, probes.len());
        }
        for (v, expected) in probes.iter().zip(&figures.moments) {
            let mut krylov = Krylov::new(operator, v.clone());
            (0..4).for_each(|_| {
                krylov.step();
            });
            let ritz = krylov.ritz().expect("Ritz values");
            for (k, expected) in expected.iter().enumerate() {
                let nodes = ritz.eigen.values.iter().enumerate();
                let found: f64 =
                    nodes.map(|(i, node)| ritz.eigen.vectors[(0, i)].powi(2) * node.powi(k as i32)).sum();
                let error = (found - expected).abs();
                assert!(error <= TOLERANCE * expected.abs(), "{name}: moment {k} {found}, not {expected}");
            }
        }
    });
}

/// Thirty probes, at least, make an interval; four standard errors hold all but one in ten thousand.
#[test]
fn the_estimated_trace_is_that_of_jax() {
    each(|name, operator, figures| {
        let found = hutchinson(operator, 40, &Streams::new(2)).expect("a trace");
        let error = (found.value - figures.trace).abs();
        assert!(
            found.standard_error > 0.0 && found.standard_error < 0.2 * figures.trace,
            "{name}: {found:?}"
        );
        assert!(error <= 4.0 * found.standard_error, "{name}: {found:?}, not {}", figures.trace);
    });
}
