//! Closed forms: losses, gradients and Hessians that a page of algebra gives, against what the program computes.

mod adaptive;
mod band;
mod blend;
mod chains;
mod chunks;
mod critical;
mod directions;
mod factorization;
mod fisher;
mod initialization;
mod known;
mod lanczos;
mod lbfgs;
mod learning_coefficient;
mod measures;
mod networks_spectra;
mod noise;
mod paths;
mod population;
mod precision;
mod propagation;
mod regression;
mod sharpness;
mod shifted;
mod simplexes;
mod slices;
mod spectra;
mod statistics;
mod tickets;
pub mod topology;
mod training;
mod weighed;

use losscape::autodiff::{Curvature, Element};
use losscape::base::Streams;
use losscape::base::random::normal;
use losscape::nn::{Network, Objective, Samples, Spec, Statistics};
use std::sync::Arc;

/// N(0, 1) draws from a stream named by the test.
fn gaussian(name: &str, n: usize) -> Vec<f64> {
    let mut rng = Streams::new(5).stream(name, 0);
    (0..n).map(|_| normal(&mut rng)).collect()
}

fn network(model: &str, loss: &str, inputs: usize, outputs: usize) -> Arc<Network> {
    let (model, loss) = (model.parse().expect("a model"), loss.parse().expect("a loss"));
    Arc::new(Network::new(Spec { model, loss, input: vec![inputs], outputs }).expect("a network"))
}

fn objective<E: Element>(network: &Arc<Network>, data: &[f64], labels: &[u32]) -> Objective<E> {
    Objective::new(network.clone(), Arc::new(Samples::new(network, data, labels)), Statistics::Running)
}

/// The whole curvature matrix, p x p.
fn dense(objective: &Objective<f64>, theta: &[f64], curvature: Curvature) -> Vec<f64> {
    let p = theta.len();
    let identity: Vec<f64> = (0..p * p).map(|i| if i % (p + 1) == 0 { 1.0 } else { 0.0 }).collect();
    objective.linearize(theta, &[], curvature, usize::MAX).products(&identity, p)
}

/// Every number within `tolerance` of what it should be, absolutely: what is compared is of size 1.
fn agree(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() <= tolerance, "{what}: number {i} is {f}, not {e}");
    }
}
