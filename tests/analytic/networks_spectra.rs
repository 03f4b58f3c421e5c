//! Certified eigenvalues of networks whose spectrum a page of algebra gives, and a whole analysis of a network and of the
//! same function with other weights.

use crate::analytic::{gaussian, network, objective};
use losscape::analyses::{
    DataSettings, Progress, Run, SharpnessResult, SharpnessSettings, sharpness, training,
};
use losscape::autodiff::Curvature;
use losscape::base::{Precision, Streams};
use losscape::landscape::hessian::Curved;
use losscape::nn::{Objective, Samples, Statistics};
use losscape::spectral::operators::Scaled;
use losscape::spectral::{Ends, Operator, Settings, Wanted, ends};
use losscape::train::TrainSettings;
use std::sync::Arc;

/// Both ends of the Hessian's spectrum, as exact as it gets.
fn spectrum(objective: &Objective<f64>, theta: &[f64], top: usize, bottom: usize) -> Ends {
    let curved = Curved(objective.linearize(theta, &[], Curvature::Hessian, usize::MAX));
    outermost(&curved, top, bottom)
}

fn outermost(operator: &dyn Operator, top: usize, bottom: usize) -> Ends {
    let settings = Settings { tolerance: 1e-13, ..Settings::default() };
    let mut rng = Streams::new(11).stream("networks", 0);
    ends(operator, Wanted { top, bottom }, &mut rng, &settings).expect("eigenvalues")
}

fn close(what: &str, found: f64, expected: f64, scale: f64) {
    assert!((found - expected).abs() <= 1e-10 * scale, "{what}: {found}, not {expected}");
}

/// 1/2 (prod w_i - y)^2 at a global minimum: lambda_max = sum (y / w_i)^2, and nothing else.
#[test]
fn a_deep_scalar_chain_has_one_eigenvalue() {
    for layers in [2, 3, 5, 8] {
        let hidden = vec!["1"; layers - 1].join(",");
        let chain =
            network(&format!("mlp:hidden=[{hidden}],activation=identity,bias=false"), "squared-error", 1, 1);
        let objective = objective::<f64>(&chain, &[1.0], &[0]);
        let mut w: Vec<f64> = (0..layers).map(|i| [1.5, -0.75, 0.5, 2.0, -1.25][i % 5]).collect();
        w[layers - 1] = 1.0 / w[..layers - 1].iter().product::<f64>();
        let expected: f64 = w.iter().map(|w| 1.0 / (w * w)).sum();
        let found = spectrum(&objective, &w, 2, 1);
        assert!(found.certified(), "{found:?}");
        close("the largest", found.top[0].value, expected, expected);
        close("the second", found.top[1].value, 0.0, expected);
        close("the smallest", found.bottom[0].value, 0.0, expected);
    }
}

/// At w = 0 the Hessian is X'X / n (x) (I - 11'/C) / C: each eigenvalue of X'X / n divided by C, C - 1 times, and zeros.
#[test]
fn softmax_regression_at_zero_has_copies_of_the_inputs_spectrum() {
    const N: usize = 40;
    const D: usize = 5;
    const C: usize = 4;
    let model = network("mlp:hidden=[],bias=false", "cross-entropy", D, C);
    let data = gaussian("networks/data", N * D);
    let labels: Vec<u32> = (0..N as u32).map(|i| i % C as u32).collect();
    let covariance = faer::Mat::from_fn(D, D, |i, j| {
        (0..N).map(|k| data[k * D + i] * data[k * D + j]).sum::<f64>() / N as f64
    });
    let mut inputs = covariance.self_adjoint_eigenvalues(faer::Side::Lower).expect("finite");
    inputs.reverse();
    let found = spectrum(&objective(&model, &data, &labels), &[0.0; D * C], D * (C - 1), D);
    assert!(found.certified());
    for (i, pair) in found.top.iter().enumerate() {
        close(&format!("eigenvalue {i}"), pair.value, inputs[i / (C - 1)] / C as f64, inputs[0]);
    }
    found.bottom.iter().for_each(|pair| close("the kernel", pair.value, 0.0, inputs[0]));
}

/// 1/(2n) ||W2 W1 - M||^2 at zero is a saddle with the eigenvalues +-s_i / n, s_i the singular values of M, each as often as
/// there are hidden units.
#[test]
fn two_linear_layers_at_zero_have_the_singular_values_of_their_target() {
    let (n, rank, singular) = (3usize, 2usize, [3.0, 2.0, 0.5]);
    let model = network(&format!("matrix-factorization:rank={rank}"), "squared-error", n, n);
    let identity: Vec<f64> = (0..n * n).map(|i| f64::from(u8::from(i % (n + 1) == 0))).collect();
    // M = Q diag(s) R', Q and R reflections.
    let reflection = |v: [f64; 3]| {
        let square: f64 = v.iter().map(|x| x * x).sum();
        move |i: usize, j: usize| f64::from(u8::from(i == j)) - 2.0 * v[i] * v[j] / square
    };
    let (q, r) = (reflection([1.0, 2.0, -1.0]), reflection([0.5, -1.0, 3.0]));
    let entry = |i: usize, j: usize| (0..3).map(|k| q(i, k) * singular[k] * r(j, k)).sum::<f64>();
    let target: Vec<f64> = (0..9).map(|ij| entry(ij / 3, ij % 3)).collect();
    let samples = Samples::<f64>::regression(&model, &identity, &target);
    let objective = Objective::new(model.clone(), Arc::new(samples), Statistics::Running);
    let found = spectrum(&objective, &vec![0.0; model.layout().size()], 6, 6);
    assert!(found.certified());
    for i in 0..6 {
        let expected = singular[i / rank] / n as f64;
        close(&format!("eigenvalue {i}"), found.top[i].value, expected, 1.0);
        close(&format!("eigenvalue -{i}"), found.bottom[i].value, -expected, 1.0);
    }
}

/// A small trained ReLU network as a run.
fn trained() -> Run {
    let settings = TrainSettings {
        model: "mlp:hidden=[6]".parse().expect("a model"),
        samples: Some(200),
        epochs: 30,
        precision: Precision::F64,
        ..TrainSettings::default()
    };
    let result = training::run(&settings, &mut |_| {}).expect("a network");
    let (data, dataset) = DataSettings::load(&settings).expect("digits");
    let point = result.trained.point;
    let network = (*result.trained.network).clone();
    Run {
        network,
        theta: point.theta,
        state: point.state,
        precision: Precision::F64,
        data,
        dataset,
        origin: None,
    }
}

/// Everything of it, eigenvalues to ten digits.
fn analysed(run: &Run) -> SharpnessResult {
    let settings = SharpnessSettings {
        full: true,
        top: Some(1),
        tolerance: Some(1e-11),
        density_steps: 10,
        density_probes: 1,
        ..SharpnessSettings::default()
    };
    sharpness::run(&settings, std::slice::from_ref(run), None, &|_| {})
        .expect("an analysis")
        .expect("all of it")
}

/// ((W1, b1) a, W2 / a) is the same function: the invariant column stays, and the raw Hessian is S^-1 H S^-1, S what each
/// parameter is multiplied by.
#[test]
fn a_rescaled_network_keeps_its_invariant_column() {
    let (run, a) = (trained(), 7.0);
    let mut rescaled = run.clone();
    let names = ["0.weight", "0.bias", "2.weight", "2.bias"];
    let mut factors = vec![1.0; run.theta.len()];
    for (p, name) in run.network.layout().parameters.iter().zip(names) {
        assert_eq!(p.name, name);
        let factor = if name.starts_with('0') { a } else { 1.0 / a };
        if name != "2.bias" {
            factors[p.range()].fill(factor);
        }
    }
    rescaled.theta.iter_mut().zip(&factors).for_each(|(t, s)| *t *= s);
    let [before, after] = [&run, &rescaled].map(analysed);
    let (lines, others) = (before.lines(0), after.lines(0));
    assert!(lines.len() >= 13, "{}", lines.len());
    let mut compared = 0;
    for (line, other) in lines.iter().zip(&others) {
        assert_eq!(line.key, other.key);
        if let (Some(x), Some(y)) = (&line.invariant, &other.invariant) {
            let scale = x.value.abs().max(1e-6);
            assert!((x.value - y.value).abs() <= 1e-8 * scale, "{}: {} and {}", line.key, x.value, y.value);
            compared += 1;
        }
        // Keskar's box grows with |x| + 1, its own step between the two.
        if let (Some(x), Some(y)) = (&line.raw, &other.raw) {
            assert!((x.value / y.value - 1.0).abs() > 1e-3, "{}: {} and {}", line.key, x.value, y.value);
        }
    }
    assert!(compared >= 11, "{compared}");
    let samples = losscape::train::samples::<f64>(&run.network, &run.dataset.train);
    let objective = Objective::new(Arc::new(run.network.clone()), samples, Statistics::Running);
    let curved = Curved(objective.linearize(&run.theta, &run.state, Curvature::Hessian, usize::MAX));
    let inverse: Vec<f64> = factors.iter().map(|s| 1.0 / s).collect();
    let theory = outermost(&Scaled::new(&curved, inverse), 1, 1);
    for (key, pair) in [("lambda_max", &theory.top[0]), ("lambda_min", &theory.bottom[0])] {
        let found = after.number(0, &[key, "value"]);
        assert!((found - pair.value).abs() <= 1e-8 * theory.scale, "{key}: {found}, not {}", pair.value);
    }
}

/// What an analysis says of its products before it begins, and what it makes.
fn foretold(run: &Run, settings: &SharpnessSettings) -> (usize, usize) {
    let counts = std::sync::Mutex::new((0, 0));
    let hears = |event: Progress| {
        let mut counts = counts.lock().expect("no panic");
        match event {
            Progress::Begins(_, _, products) => counts.0 = products,
            Progress::Done(n) => counts.1 += n as usize,
            _ => {}
        }
    };
    sharpness::run(settings, std::slice::from_ref(run), None, &hears)
        .expect("an analysis")
        .expect("all of it");
    counts.into_inner().expect("no panic")
}

#[test]
fn products_are_foretold_within_a_factor_of_two() {
    let run = trained();
    for exact in [Some(0), None] {
        for (name, settings) in [
            ("quick", SharpnessSettings { quick: true, ..SharpnessSettings::default() }),
            ("default", SharpnessSettings { measures: vec![], ..SharpnessSettings::default() }),
            ("top 1", SharpnessSettings { top: Some(1), measures: vec![], ..SharpnessSettings::default() }),
            ("full", SharpnessSettings { full: true, measures: vec![], ..SharpnessSettings::default() }),
        ] {
            let (foretold, made) = foretold(&run, &SharpnessSettings { exact, ..settings });
            assert!(
                foretold <= 2 * made && made <= 2 * foretold,
                "{name}, exact {exact:?}: {foretold} foretold, {made} made"
            );
        }
    }
}

/// Of 200 samples and a loss that is a likelihood the true Fisher matrix is the Gauss-Newton matrix; seeds change nothing.
#[test]
fn the_true_fisher_is_exact_where_the_loss_has_one() {
    use losscape::analyses::sharpness::{Matrix, Task};
    for loss in ["cross-entropy", "squared-error", "logistic"] {
        let settings = TrainSettings {
            model: "mlp:hidden=[3]".parse().expect("a model"),
            loss: loss.parse().expect("a loss"),
            samples: Some(60),
            epochs: 2,
            precision: Precision::F64,
            ..TrainSettings::default()
        };
        let result = training::run(&settings, &mut |_| {}).expect("a network");
        let run = Run::of(result).expect("a run");
        let of = |operator, seed, draws| {
            let compute = vec![Task::Eigenvalues, Task::Trace];
            let settings =
                SharpnessSettings { operator, seed, draws, compute, ..SharpnessSettings::default() };
            sharpness::run(&settings, std::slice::from_ref(&run), None, &|_| {})
                .expect("an analysis")
                .expect("all of it")
        };
        let expected = of(Matrix::GaussNewton, 0, None);
        for seed in 0..3 {
            let found = of(Matrix::Fisher, seed, None);
            for path in [["lambda_max", "value"], ["lambda_min", "value"], ["trace", "value"]] {
                let (found, expected) = (found.number(0, &path), expected.number(0, &path));
                assert!((found - expected).abs() <= 1e-13, "{loss}, seed {seed}: {found}, not {expected}");
            }
            assert!(found.text(0, &["certificates_of"]).contains("the Gauss-Newton matrix"));
            assert!(found.at(0, &["draws"]).is_null());
        }
        // A sampled one says so, and by how much draws differ: their mean is near the expectation.
        let sampled = of(Matrix::Fisher, 0, Some(20));
        assert!(sampled.text(0, &["certificates_of"]).contains("one draw of 20 targets a sample"));
        let of = |key| sampled.number(0, &["draws", "trace", key]);
        let (mean, error) = (of("mean"), of("standard_deviation") / 5f64.sqrt());
        let expected = expected.number(0, &["trace", "value"]);
        // Five draws: Student's t of 4 degrees leaves 6e-3 beyond 5 standard errors.
        assert!(
            error > 0.0 && (mean - expected).abs() <= 5.0 * error,
            "{loss}: {mean} +- {error}, {expected}"
        );
        assert!(sampled.number(0, &["draws", "lambda_max", "standard_deviation"]) > 0.0);
    }
}
