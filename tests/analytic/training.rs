//! Steps of training against their equations, done by hand on the gradient of the whole set: a batch of all samples.

use crate::analytic::agree;
use losscape::analyses::EnsembleSettings;
use losscape::base::Precision;
use losscape::data::Dataset;
use losscape::nn::{Network, Objective};
use losscape::train::{self, Point, Snapshots, TrainSettings, Trained};
use std::sync::Arc;

const N: usize = 60;
const RATE: f64 = 0.1;

/// Sums of 60 terms of size 1 in another order differ by some 1e-15.
const TOLERANCE: f64 = 1e-13;

/// Softmax regression on 60 points in the plane, in f64, without momentum, by full batches.
fn settings(more: &str) -> TrainSettings {
    let text = format!(
        "model = \"mlp:hidden=[5],activation=tanh\"\noptimizer = \"sgd:momentum=0\"\nlr = {RATE}\nepochs = 1\n\
         batch-size = {N}\nprecision = \"f64\"\nsnapshots = 1\n{more}"
    );
    toml::from_str(&text).expect("settings")
}

fn dataset(settings: &TrainSettings) -> Dataset {
    let mut all = Dataset::load(&settings.data, settings.data_seed, &settings.preparation).expect("data");
    all.train = all.train.select(&(0..N).collect::<Vec<_>>(), all.features());
    all
}

fn trained(settings: &TrainSettings) -> Trained {
    assert_eq!(settings.precision, Precision::F64);
    train::train::<f64>(settings, &dataset(settings), None, &mut |_| {}).expect("training")
}

/// The mean loss over all training samples.
fn objective(settings: &TrainSettings) -> (Arc<Network>, Objective<f64>) {
    let dataset = dataset(settings);
    let network = Arc::new(train::network(settings, &dataset).expect("a network"));
    let samples = train::samples(&network, &dataset.train);
    (network.clone(), Objective::new(network, samples, Default::default()))
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn along(v: &[f64], step: f64, d: &[f64]) -> Vec<f64> {
    v.iter().zip(d).map(|(v, d)| v + step * d).collect()
}

/// Snapshots of one step: start, end, and the gradient at the start.
fn one_step(more: &str) -> (Vec<f64>, Vec<f64>, Vec<f64>, Trained) {
    let settings = settings(more);
    let trained = trained(&settings);
    let thetas: Vec<Vec<f64>> = trained.trajectory.iter().map(|(_, p)| p.theta.clone()).collect();
    let gradient = objective(&settings).1.gradient(&thetas[0], &[]).1;
    assert_eq!((thetas.len(), trained.steps), (2, 1));
    assert_eq!(thetas[1], trained.point.theta);
    (thetas[0].clone(), thetas[1].clone(), gradient, trained)
}

#[test]
fn a_plain_step_goes_along_the_gradient_whose_norm_is_recorded() {
    let (before, after, gradient, trained) = one_step("");
    agree("theta", &after, &along(&before, -RATE, &gradient), TOLERANCE);
    let epoch = &trained.epochs[1];
    assert!((epoch.gradient_norm - norm(&gradient)).abs() < TOLERANCE);
    assert!(trained.epochs[0].gradient_norm.is_nan() && epoch.lr == RATE);
}

#[test]
fn sam_takes_the_gradient_up_the_slope() {
    let rho = 0.5;
    let (before, after, gradient, trained) = one_step(&format!("sam = {rho}"));
    let above = along(&before, rho / norm(&gradient), &gradient);
    let there = objective(&settings("")).1.gradient(&above, &[]).1;
    agree("theta", &after, &along(&before, -RATE, &there), TOLERANCE);
    // Not the plain step by far, and the recorded norm is of the gradient that was used.
    assert!(norm(&along(&there, -1.0, &gradient)) > 0.05 * norm(&gradient));
    assert!((trained.epochs[1].gradient_norm - norm(&there)).abs() < TOLERANCE);
}

#[test]
fn clipping_by_norm_is_exact() {
    let (before, plain, gradient, _) = one_step("");
    let length = norm(&gradient);
    for (clip, scale) in [(0.5 * length, 0.5), (1e-3 * length, 1e-3)] {
        let (_, after, _, trained) = one_step(&format!("clip = {clip:?}"));
        agree("theta", &after, &along(&before, -RATE * scale, &gradient), TOLERANCE);
        // ||theta' - theta|| / rate: rounding of theta, of size 1, over a step of some 1e-4.
        let step = norm(&along(&after, -1.0, &before)) / RATE;
        assert!((step / clip - 1.0).abs() < 1e-11, "{step} for {clip}");
        assert!((trained.epochs[1].gradient_norm - length).abs() < TOLERANCE, "before clipping");
    }
    let (_, after, ..) = one_step(&format!("clip = {:?}", 1.001 * length));
    assert_eq!(after, plain, "shorter gradients stay as they are, to the last bit");
}

#[test]
fn clipping_by_value_comes_first() {
    let (before, _, gradient, _) = one_step("");
    let most = 0.5 * gradient.iter().fold(0.0f64, |m, g| m.max(g.abs()));
    let cut: Vec<f64> = gradient.iter().map(|g| g.clamp(-most, most)).collect();
    assert!(cut.iter().zip(&gradient).filter(|(a, b)| a != b).count() > 0);
    let (_, after, ..) = one_step(&format!("clip-value = {most:?}"));
    agree("theta", &after, &along(&before, -RATE, &cut), TOLERANCE);
    let clip = 0.3 * norm(&cut);
    let (_, after, ..) = one_step(&format!("clip-value = {most:?}\nclip = {clip:?}"));
    agree("theta", &after, &along(&before, -RATE * 0.3, &cut), TOLERANCE);
}

/// Many steps of mini-batches with momentum, every one of them a snapshot.
const LONG: &str = "ema = 0.8\nswa = 3";

fn long() -> (TrainSettings, Trained) {
    let settings = TrainSettings {
        epochs: 6,
        batch_size: Some(25),
        optimizer: "sgd:momentum=0.9".parse().expect("an optimizer"),
        ..settings(LONG)
    };
    let trained = trained(&settings);
    assert_eq!(trained.steps, 18, "two batches of 25 and one of 10 an epoch");
    let steps: Vec<u64> = trained.trajectory.iter().map(|s| s.0).collect();
    assert_eq!(steps, (0..=18).collect::<Vec<u64>>());
    (settings, trained)
}

fn theta(trained: &Trained, step: u64) -> &[f64] {
    let found = trained.trajectory.iter().find(|s| s.0 == step);
    &found.expect("a snapshot").1.theta
}

#[test]
fn the_exponential_average_is_that_of_all_steps() {
    let (settings, trained) = long();
    let mut average = theta(&trained, 0).to_vec();
    for step in 1..=18 {
        average = average.iter().zip(theta(&trained, step)).map(|(a, t)| 0.8 * a + 0.2 * t).collect();
    }
    let kept = trained.ema.as_ref().expect("an average");
    agree("ema", &kept.point.theta, &average, TOLERANCE);
    assert_eq!(kept.from, 18);
    let loss = objective(&settings).1.evaluate(&kept.point.theta, &[]);
    assert_eq!(kept.train, loss, "its loss is recorded");
    assert!(norm(&along(&average, -1.0, &trained.point.theta)) > 1e-3);
}

#[test]
fn swa_is_the_mean_of_the_epochs_ends() {
    let (settings, trained) = long();
    let ends: Vec<&[f64]> = (3..=6).map(|epoch| theta(&trained, 3 * epoch)).collect();
    let mean: Vec<f64> =
        (0..trained.point.theta.len()).map(|i| ends.iter().map(|t| t[i]).sum::<f64>() / 4.0).collect();
    let kept = trained.swa.as_ref().expect("a mean");
    agree("swa", &kept.point.theta, &mean, TOLERANCE);
    assert_eq!(kept.from, 4);
    assert_eq!(kept.train, objective(&settings).1.evaluate(&kept.point.theta, &[]));
}

#[test]
fn the_best_weights_are_those_of_the_lowest_loss() {
    // A rate at which the loss goes up and down; with a constant one, fewer epochs are the same ones.
    let run = |best: &str, epochs: usize| {
        let settings = TrainSettings {
            epochs,
            lr: Some(3.0),
            batch_size: Some(10),
            snapshots: Some(Snapshots::Epochs(1)),
            best: clap::ValueEnum::from_str(best, false).expect("a loss"),
            ..settings("")
        };
        trained(&settings)
    };
    for (best, of) in [
        ("test-loss", (|e: &train::Epoch| e.test_loss) as fn(&train::Epoch) -> f64),
        ("train-loss", |e| e.train_loss),
    ] {
        let losses: Vec<f64> = run(best, 12).epochs.iter().map(of).collect();
        let lowest = |n: usize| (0..=n).min_by(|a, b| losses[*a].total_cmp(&losses[*b])).expect("epochs");
        let end = (1..=12).rev().find(|n| lowest(*n) < *n).expect("a loss that rises");
        let trained = run(best, end);
        assert!(lowest(end) > 0, "{losses:?}");
        let kept = trained.best.as_ref().expect("weights");
        assert_eq!(kept.from, lowest(end));
        assert_eq!(
            kept.point,
            Point { theta: theta(&trained, 6 * lowest(end) as u64).to_vec(), state: Vec::new() }
        );
        assert_ne!(kept.point.theta, trained.point.theta);
    }
}

#[test]
fn targets_end_training_when_they_are_reached() {
    let run = |more: &str| {
        let settings = TrainSettings { epochs: 60, lr: Some(0.5), ..settings(more) };
        (trained(&settings), objective(&settings).1)
    };
    let (plain, _) = run("");
    let target = plain.epochs[20].train_loss;
    let (trained, _) = run(&format!("target-loss = {target:?}"));
    assert_eq!((trained.steps, trained.status), (20, train::Status::Done));
    assert_eq!((trained.train.loss, trained.stop), (target, train::Stop::Target));
    // The gradient's norm is that of all samples, at every epoch.
    let (whole, objective) = run("target-gradient = 1e-9");
    let norms: Vec<f64> = whole.epochs.iter().map(|e| e.full_gradient_norm.expect("a norm")).collect();
    for (found, (_, point)) in norms.iter().zip(&whole.trajectory) {
        assert!((found - norm(&objective.gradient(&point.theta, &[]).1)).abs() < TOLERANCE);
    }
    let target = norms[40];
    let first = norms.iter().position(|n| *n <= target).expect("an epoch");
    let (trained, _) = run(&format!("target-gradient = {target:?}"));
    assert_eq!((trained.steps, trained.status), (first as u64, train::Status::Done));
    // All targets that are set must be reached.
    let (both, _) = run(&format!("target-gradient = {target:?}\ntarget-loss = -1.0"));
    assert_eq!((both.steps, both.status), (60, train::Status::TargetMissed));
    assert!(both.reason.contains("above the target -1"), "{}", both.reason);
}

#[test]
fn training_goes_on_from_given_weights_along_a_cyclical_rate() {
    // Two cycles of four epochs, a step each, between rates .1 and .01.
    let cyclic = EnsembleSettings { cycles: 2, cycle: 4, lr_low: Some(0.01), seed: 3, ..Default::default() };
    let settings = cyclic.cyclic(&self::settings("")).expect("settings");
    let data = dataset(&settings);
    let start = trained(&self::settings("seed = 7\n")).point;
    let found = train::train_from::<f64>(&settings, &data, &start, None, &mut |_| {}).expect("training");
    let objective = objective(&settings).1;
    let rates = [0.01, 0.055, 0.1, 0.055, 0.01, 0.055, 0.1, 0.055];
    let mut theta = start.theta.clone();
    for (step, rate) in rates.into_iter().enumerate() {
        agree("rate", &[found.epochs[step + 1].lr], &[rate], 1e-16);
        theta = along(&theta, -rate, &objective.gradient(&theta, &[]).1);
        if step % 4 == 3 {
            let kept = found.trajectory.iter().find(|(s, _)| *s == step as u64 + 1).expect("a snapshot");
            agree("weights", &kept.1.theta, &theta, TOLERANCE);
        }
    }
    agree("end", &found.point.theta, &theta, TOLERANCE);
    let wrong = Point { theta: vec![0.0; 3], state: Vec::new() };
    let refused =
        train::train_from::<f64>(&settings, &data, &wrong, None, &mut |_| {}).expect_err("a refusal");
    assert!(refused.to_string().contains("3 and 0"), "{refused}");
}
