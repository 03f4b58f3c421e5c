//! Every activation and its two derivatives, from PyTorch's own derivatives.

use crate::reference::{agrees, figures};
use losscape::autodiff::Element;
use losscape::base::registry::Registry;
use losscape::nn::activations::Activation;
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize)]
struct Figures {
    points: Vec<f64>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    activation: String,
    derivatives: [Vec<f64>; 3],
}

#[test]
fn activations_are_those_of_other_implementations() {
    let figures: Figures = figures(include_str!("activations.json"));
    let mut tried = BTreeSet::new();
    for case in &figures.cases {
        let activation = Activation::parse(&case.activation).unwrap_or_else(|e| panic!("{e}"));
        tried.insert(activation.name());
        let curve = activation.curve();
        for (order, expected) in (0..).zip(&case.derivatives) {
            let mut found = vec![f64::NAN; figures.points.len()];
            f64::apply(curve.as_ref(), order, &figures.points, &mut found);
            for ((x, found), expected) in figures.points.iter().zip(found).zip(expected) {
                agrees(found, *expected, &format!("{}, derivative {order} at {x}", case.activation));
            }
        }
    }
    assert_eq!(tried, BTreeSet::from_iter(Activation::names()), "every activation has figures");
}
