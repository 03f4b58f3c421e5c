//! Permutations of the hidden units of exported networks: they leave the loss alone, and undo each other.

use crate::exported::{NETWORKS, data, file};
use losscape::analyses::exported::open;
use losscape::base::Streams;
use losscape::nn::{Objective, Samples, Statistics};
use std::sync::Arc;

#[test]
fn hidden_units_of_graphs_change_places() {
    for name in NETWORKS {
        let run = open(&file(&format!("{name}.pt2")), &data(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let network = Arc::new(run.network.clone());
        let train = &run.dataset.train;
        let samples = Samples::regression(&network, &train.x, &vec![0.0; train.len()]);
        let objective = Objective::<f64>::new(network.clone(), Arc::new(samples), Statistics::Running);
        let symmetry = network.symmetry();
        // Tanh and ReLU layers; hidden channels before a batch norm; heads and feedforward units of two layers.
        let mut groups = symmetry.groups().to_vec();
        groups.sort_unstable();
        match name {
            "mlp" => assert_eq!(groups, [12, 12]),
            "multilabel" => assert_eq!(groups, [8]),
            // Products of two signals hold what they sum over and what stands beside it.
            "gcn" => assert!(groups.is_empty()),
            "vae" => assert!(groups.contains(&8), "{groups:?}"),
            "encoder" => assert_eq!(groups, [4, 4, 32, 32]),
            _ => {}
        }
        let before = objective.evaluate(&run.theta, &run.state).loss;
        for i in 0..3 {
            let permutation = symmetry.random(&Streams::new(7), i);
            let (theta, state) = permutation.apply(&run.theta, &run.state);
            assert!(groups.is_empty() || theta != run.theta, "{name}");
            let after = objective.evaluate(&theta, &state).loss;
            assert!((after - before).abs() <= 1e-12 * before.abs(), "{name}: {after} for {before}");
            assert_eq!(permutation.inverse().apply(&theta, &state), (run.theta.clone(), run.state.clone()));
        }
    }
}
