//! Real-valued targets: matrix factorization with and without a mask, and a student with its teacher's own weights.

use crate::analytic::agree;
use losscape::data::{Dataset, Preparation};
use losscape::nn::{Network, Objective, Samples, Spec, Statistics};
use losscape::train::{TrainSettings, network, samples};
use std::sync::Arc;

/// L = 1/(2n) ||mask * (U V - M)||^2 and its gradient, entry by entry.
#[test]
fn matrix_factorization_is_its_closed_form() {
    let (n, m, rank) = (3, 4, 2);
    let spec = Spec {
        model: format!("matrix-factorization:rank={rank}").parse().expect("a model"),
        loss: "squared-error".parse().expect("a loss"),
        input: vec![n],
        outputs: m,
    };
    let network = Arc::new(Network::new(spec).expect("a network"));
    assert_eq!(network.layout().size(), rank * (n + m));
    let theta = crate::analytic::gaussian("factorization", rank * (n + m));
    let target = crate::analytic::gaussian("factorization/m", n * m);
    let identity: Vec<f64> = (0..n * n).map(|i| if i % (n + 1) == 0 { 1.0 } else { 0.0 }).collect();
    for hidden in [vec![], vec![1, 6, 11]] {
        let observed: Vec<f64> =
            target.iter().enumerate().map(|(i, t)| if hidden.contains(&i) { f64::NAN } else { *t }).collect();
        let samples = Samples::<f64>::regression(&network, &identity, &observed);
        assert_eq!(samples.masked(), !hidden.is_empty());
        let objective = Objective::new(network.clone(), Arc::new(samples), Statistics::Running);
        // The first layer is rank x n, the second m x rank.
        let (u, v) = theta.split_at(rank * n);
        let residual = |i: usize, j: usize| {
            let product: f64 = (0..rank).map(|k| v[j * rank + k] * u[k * n + i]).sum();
            if hidden.contains(&(i * m + j)) { 0.0 } else { product - target[i * m + j] }
        };
        let mut loss = 0.0;
        let mut gradient = vec![0.0; theta.len()];
        for i in 0..n {
            for j in 0..m {
                let r = residual(i, j);
                loss += 0.5 * r * r / n as f64;
                for k in 0..rank {
                    gradient[k * n + i] += r * v[j * rank + k] / n as f64;
                    gradient[rank * n + j * rank + k] += r * u[k * n + i] / n as f64;
                }
            }
        }
        let (evaluation, found) = objective.gradient(&theta, &[]);
        agree("loss", &[evaluation.loss], &[loss], 1e-14);
        agree("gradient", &found, &gradient, 1e-14);
        assert!(evaluation.accuracy.is_nan(), "nothing is right or wrong here");
    }
}

/// Least squares on the features that a student's unit sees: with targets made by the student itself the loss is zero.
#[test]
fn a_student_with_its_teachers_weights_has_no_loss() {
    let settings = TrainSettings {
        data: "teacher-student:noise=0".parse().unwrap_or_else(|e| panic!("{e}")),
        model: "student:units=8".parse().expect("a model"),
        loss: "squared-error".parse().expect("a loss"),
        ..TrainSettings::default()
    };
    let dataset = Dataset::load(&settings.data, 0, &Preparation::default()).expect("data");
    let network = Arc::new(network(&settings, &dataset).expect("a network"));
    let theta = crate::analytic::gaussian("student", network.layout().size());
    let mut own = dataset.train.clone();
    // Outputs in plain loops: sum of max(0, w . x).
    let d = dataset.features();
    let values: Vec<f64> = (0..own.len())
        .map(|i| {
            let x = &own.x[i * d..(i + 1) * d];
            theta.chunks_exact(d).map(|w| w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>().max(0.0)).sum()
        })
        .collect();
    own.y = losscape::data::Targets::Values(values);
    let objective = Objective::new(network.clone(), samples::<f64>(&network, &own), Statistics::Running);
    let (evaluation, gradient) = objective.gradient(&theta, &[]);
    assert!(evaluation.loss < 1e-28, "{}", evaluation.loss);
    assert!(gradient.iter().all(|g| g.abs() < 1e-13));
    let other =
        Objective::new(network.clone(), samples::<f64>(&network, &dataset.train), Statistics::Running);
    assert!(other.evaluate(&theta, &[]).loss > 1e-2, "another teacher");
}
