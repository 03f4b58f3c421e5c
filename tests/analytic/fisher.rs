//! Fisher matrices: the empirical one against explicit gradients of single samples, the true one, sampled, against
//! the Gauss-Newton matrix that it is in expectation (Martens 2020, "New insights and perspectives on the natural gradient
//! method"). And samples, cut and replaced.

use super::{agree, dense, gaussian, network, objective};
use losscape::autodiff::Curvature;
use losscape::base::Streams;
use losscape::nn::{Network, Objective, Samples, Statistics};
use std::sync::Arc;

const N: usize = 7;
const INPUTS: usize = 3;
const OUTPUTS: usize = 4;

fn case(model: &str, loss: &str) -> (Arc<Network>, Vec<f64>, Vec<u32>, Vec<f64>) {
    let network = network(model, loss, INPUTS, OUTPUTS);
    let labels: Vec<u32> = (0..N as u32).map(|i| i * i % OUTPUTS as u32).collect();
    let theta = gaussian("fisher/theta", network.layout().size());
    (network, gaussian("fisher/data", N * INPUTS), labels, theta)
}

#[test]
fn the_empirical_fisher_is_the_mean_of_squared_gradients() {
    for loss in ["cross-entropy", "cross-entropy:smoothing=0.1", "squared-error", "logistic", "hinge"] {
        for model in ["mlp:hidden=[5],activation=tanh", "mlp:hidden=[5,4],activation=relu", "linear"] {
            let (network, data, labels, theta) = case(model, loss);
            let all = objective::<f64>(&network, &data, &labels);
            let p = theta.len();
            let mut expected = vec![0.0; p * p];
            for (x, label) in data.chunks(INPUTS).zip(&labels) {
                let (_, g) = objective::<f64>(&network, x, &[*label]).gradient(&theta, &[]);
                (0..p * p).for_each(|i| expected[i] += g[i / p] * g[i % p] / N as f64);
            }
            let scale = expected.iter().fold(0.0f64, |m, x| m.max(x.abs()));
            let found = dense(&all, &theta, Curvature::Fisher);
            agree(&format!("{model}, {loss}"), &found, &expected, 1e-13 * scale);
        }
    }
}

#[test]
fn the_true_fisher_tends_to_the_gauss_newton_matrix() {
    // So many draws that four standard errors of an entry, whose terms are of the size of the largest entry of a sample,
    // are about a tenth.
    const DRAWS: usize = 4000;
    for loss in ["cross-entropy", "squared-error", "logistic"] {
        let (network, data, labels, theta) = case("mlp:hidden=[3],activation=tanh", loss);
        let all = objective::<f64>(&network, &data, &labels);
        let expected = dense(&all, &theta, Curvature::GaussNewton);
        let drawn = all.drawn(&theta, &[], DRAWS, &Streams::new(3)).expect("a likelihood");
        let found = dense(&drawn, &theta, Curvature::Fisher);
        let p = theta.len();
        // The error of x' F x, for each axis x, is sqrt(2) x' F x / sqrt(draws) or so for a sample; heavier tails get room.
        for i in 0..p {
            let (f, e) = (found[i * (p + 1)], expected[i * (p + 1)]);
            assert!((f - e).abs() <= 0.12 * e.abs() + 1e-12, "{loss}: entry {i} is {f}, not {e}");
        }
        let error = found.iter().zip(&expected).map(|(f, e)| (f - e).powi(2)).sum::<f64>().sqrt();
        let size = expected.iter().map(|e| e * e).sum::<f64>().sqrt();
        assert!(error <= 0.05 * size, "{loss}: {error} of {size}");
        // It is a sample: another seed gives another, and the same seed the same.
        let again = all.drawn(&theta, &[], 1, &Streams::new(3)).expect("a likelihood");
        let once = all.drawn(&theta, &[], 1, &Streams::new(3)).expect("a likelihood");
        let other = all.drawn(&theta, &[], 1, &Streams::new(4)).expect("a likelihood");
        let of = |o: &Objective<f64>| dense(o, &theta, Curvature::Fisher);
        assert_eq!(of(&again), of(&once));
        assert_ne!(of(&again), of(&other));
    }
}

#[test]
fn what_is_no_likelihood_has_no_true_fisher() {
    let (network, data, labels, theta) = case("linear", "hinge");
    let all = objective::<f64>(&network, &data, &labels);
    let error = all.drawn(&theta, &[], 1, &Streams::new(0)).expect_err("no likelihood").to_string();
    assert!(error.starts_with("true Fisher: expected a loss that is a log-likelihood"), "{error}");
}

#[test]
fn subsets_and_other_samples_are_what_was_asked_for() {
    let (network, data, labels, theta) = case("mlp:hidden=[5],activation=tanh", "cross-entropy");
    let samples = Samples::<f64>::new(&network, &data, &labels);
    let chosen = [6u32, 0, 3];
    let x: Vec<f64> = chosen.iter().flat_map(|i| &data[*i as usize * INPUTS..][..INPUTS]).copied().collect();
    let y: Vec<u32> = chosen.iter().map(|i| labels[*i as usize]).collect();
    let all = Objective::new(network.clone(), Arc::new(samples.clone()), Statistics::Running);
    let same = objective::<f64>(&network, &x, &y);
    // Fewer samples than before, and as many.
    for from in [&all, &same] {
        let part = from.over(Arc::new(samples.subset(&chosen)));
        assert_eq!(part.evaluate(&theta, &[]), same.evaluate(&theta, &[]));
        assert_eq!(part.gradient(&theta, &[]), same.gradient(&theta, &[]));
    }
}
