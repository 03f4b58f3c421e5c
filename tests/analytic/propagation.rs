//! Signals by depth and smoothness along the gradient, where a page of algebra says what they are.

use crate::analytic::{gaussian, network};
use losscape::analyses::smoothness::probe;
use losscape::analyses::{PropagateResult, PropagateSettings, propagate};
use losscape::autodiff::Curvature;
use losscape::nn::{Objective, Samples, Statistics};
use losscape::train::Point;
use std::sync::Arc;

fn run(settings: PropagateSettings) -> PropagateResult {
    losscape::analyses::pieces::whole(propagate::run(&settings, None, &|_| {}))
        .unwrap_or_else(|e| panic!("{e}"))
}

fn settings(init: &[&str]) -> PropagateSettings {
    let init = init.iter().map(|i| i.parse().expect("an initializer")).collect();
    PropagateSettings {
        init,
        samples: Some(256),
        seeds: 3,
        jacobian_samples: 0,
        ..PropagateSettings::default()
    }
}

/// With ReLU and Var W = c / fan_in the second moment is multiplied by c / 2 a layer, forward and backward.
#[test]
fn second_moments_grow_as_the_variance_of_the_weights_says() {
    let result = run(settings(&["lecun-normal", "glorot-normal", "he-normal", "geometric", "geometric:c=4"]));
    for (variant, expected) in result.numbers.variants.iter().zip([-1.0, -1.0, 0.0, 0.0, 1.0]) {
        // 29 layers of 128 units: a layer's factor has a deviation of about sqrt(5 / 128) = .2, in log2 .28; the slope
        // of such a walk one of about .06, and the median of three draws less.
        let (label, forward, backward) = (&variant.label, variant.forward_slope, variant.backward_slope);
        assert!((forward - expected).abs() < 0.2, "{label}: forward {forward}, not {expected}");
        assert!((backward + expected).abs() < 0.2, "{label}: backward {backward}, not {}", -expected);
    }
}

#[test]
fn lsuv_keeps_unit_variance_within_its_tolerance_at_every_layer() {
    for model in
        [None, Some("cnn:channels=[6,8],norm=none,hidden=[20]"), Some("resnet:depth=14,width=0.25,norm=none")]
    {
        let mut settings = PropagateSettings { samples: Some(256), seeds: 2, ..settings(&["lsuv"]) };
        if let Some(model) = model {
            settings.model = model.parse().expect("a model");
        }
        let name = settings.model.to_string();
        let result = run(settings);
        let deviations = result.array("deviation");
        assert!(deviations.len() >= 6);
        let sorted = |less: fn(f64, f64) -> f64| deviations.iter().copied().reduce(less).expect("some");
        let found = result.numbers.variants[0].deviation;
        assert_eq!([found.min, found.max], [sorted(f64::min), sorted(f64::max)]);
        // The batch that it saw is the batch that is measured.
        for (i, d) in deviations.iter().enumerate() {
            assert!((0.9..=1.1).contains(d), "{name}: layer {i} has a deviation of {d}");
        }
    }
}

/// The Jacobian of a deep linear network is the product of its weights: orthogonal ones leave all singular values 1.
#[test]
fn orthogonal_linear_networks_have_singular_values_of_one() {
    let model = "linear:hidden=[64,64,64,64]".parse().expect("a model");
    let result = run(PropagateSettings { model, jacobian_samples: 2, ..settings(&["orthogonal"]) });
    for name in ["jacobian_max", "jacobian_median", "jacobian_min"] {
        for value in result.array(name) {
            assert!((value - 1.0).abs() < 1e-5, "{name}: {value}");
        }
    }
}

/// Least squares: the gradient is linear along the step and the loss a parabola.
#[test]
fn smoothness_of_least_squares_is_that_of_its_hessian() {
    let (network, n) = (network("linear:hidden=[]", "squared-error", 4, 3), 20);
    let data = gaussian("smoothness/data", 4 * n);
    let labels: Vec<u32> = (0..n as u32).map(|i| i % 3).collect();
    let samples = Arc::new(Samples::<f64>::new(&network, &data, &labels));
    let objective = Objective::new(network.clone(), samples, Statistics::Groups(usize::MAX));
    let theta = gaussian("smoothness/theta", network.layout().size());
    let (here, g) = objective.gradient(&theta, &[]);
    let hg = objective.linearize(&theta, &[], Curvature::Hessian, usize::MAX).products(&g, 1);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let etas = [0.1, 0.2, 0.4];
    let [loss, low, high, change, beta] = probe(&objective, &Point { theta, state: Vec::new() }, &etas);
    let along = |eta: f64| here.loss - eta * dot(&g, &g) + 0.5 * eta * eta * dot(&g, &hg);
    let expected = [
        here.loss,
        etas.map(along).into_iter().fold(f64::INFINITY, f64::min),
        etas.map(along).into_iter().fold(f64::NEG_INFINITY, f64::max),
        0.4 * dot(&hg, &hg).sqrt(),
        (dot(&hg, &hg) / dot(&g, &g)).sqrt(),
    ];
    crate::analytic::agree("smoothness", &[loss, low, high, change, beta], &expected, 1e-12);
}
