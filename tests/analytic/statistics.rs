//! Batch statistics: groups of samples, and running statistics that follow them.

use crate::analytic::{agree, gaussian, network};
use losscape::analyses::DataSettings;
use losscape::base::{Precision, Streams};
use losscape::nn::{Network, Objective, Samples, Statistics};
use losscape::train::batch::{BatchGradient, Noise};
use losscape::train::{Point, TrainSettings, train};
use std::sync::Arc;

const MODEL: &str = "mlp:hidden=[6,5],activation=tanh,norm=batch";

struct Case {
    network: Arc<Network>,
    theta: Vec<f64>,
    data: Vec<f64>,
    labels: Vec<u32>,
}

impl Case {
    fn new(n: usize) -> Self {
        let network = network(MODEL, "cross-entropy", 4, 3);
        let theta = network.init(&Default::default(), &Streams::new(2));
        Self {
            data: gaussian("statistics", 4 * n),
            labels: (0..n as u32).map(|i| i % 3).collect(),
            network,
            theta,
        }
    }

    fn samples(&self, range: std::ops::Range<usize>) -> Arc<Samples<f64>> {
        Arc::new(Samples::new(&self.network, &self.data[4 * range.start..4 * range.end], &self.labels[range]))
    }

    fn objective(&self, range: std::ops::Range<usize>, size: usize) -> Objective<f64> {
        Objective::new(self.network.clone(), self.samples(range), Statistics::Groups(size))
    }
}

/// Groups of at most 8 of 20 samples are 7, 7 and 6; each is normalised by itself, and the loss is the mean over samples.
#[test]
fn the_loss_is_the_mean_over_groups_normalised_by_themselves() {
    let case = Case::new(20);
    let state = case.network.start(&case.theta);
    let whole = case.objective(0..20, 8);
    let sizes: Vec<usize> = whole.chunks().iter().map(|c| c.samples.len()).collect();
    assert_eq!(sizes, [7, 7, 6]);
    let (evaluation, gradient) = whole.gradient(&case.theta, &state);
    let mut loss = 0.0;
    let mut sum = vec![0.0; case.theta.len()];
    for group in [0..7, 7..14, 14..20] {
        let share = group.len() as f64 / 20.0;
        let alone = case.objective(group, usize::MAX);
        let (part, g) = alone.gradient(&case.theta, &state);
        loss += share * part.loss;
        sum.iter_mut().zip(g).for_each(|(s, g)| *s += share * g);
    }
    agree("loss", &[evaluation.loss, whole.evaluate(&case.theta, &state).loss], &[loss, loss], 1e-14);
    agree("gradient", &gradient, &sum, 1e-14);
    // Another cut is another function.
    let one = case.objective(0..20, usize::MAX).evaluate(&case.theta, &state).loss;
    assert!((one - loss).abs() > 1e-4);
    // Groups do not depend on memory.
    let v = gaussian("statistics/v", case.theta.len());
    let products = |memory| {
        let linearization =
            whole.linearize(&case.theta, &state, losscape::autodiff::Curvature::Hessian, memory);
        linearization.products(&v, 1)
    };
    assert_eq!(products(0), products(usize::MAX));
}

/// Mean and unbiased variance of the first layer's outputs over some samples, in plain loops.
fn moments(case: &Case, range: std::ops::Range<usize>) -> (Vec<f64>, Vec<f64>) {
    let parameters = &case.network.layout().parameters;
    let (w, b) = (&case.theta[parameters[0].range()], &case.theta[parameters[1].range()]);
    let n = range.len() as f64;
    let z =
        |unit: usize, i: usize| b[unit] + (0..4).map(|f| w[4 * unit + f] * case.data[4 * i + f]).sum::<f64>();
    let mean = |unit| range.clone().map(|i| z(unit, i)).sum::<f64>() / n;
    let variance = |unit| range.clone().map(|i| (z(unit, i) - mean(unit)).powi(2)).sum::<f64>() / (n - 1.0);
    ((0..6).map(mean).collect(), (0..6).map(variance).collect())
}

#[test]
fn running_statistics_follow_batches_as_in_pytorch() {
    let case = Case::new(10);
    let mut state = case.network.start(&case.theta);
    let mut batch = BatchGradient::new(&case.network, 10, false, None);
    let indices: Vec<u32> = (0..10).collect();
    for step in 0..3 {
        let noise = Noise { streams: Streams::new(0), step, epoch: 1, vary: None };
        batch.run(&case.theta, &state, &case.samples(0..10), &indices, &noise);
        batch.follow(&mut state);
    }
    let (mean, variance) = moments(&case, 0..10);
    // r <- .9 r + .1 new, three times over the same batch.
    let keep = 0.9f64.powi(3);
    let expected: Vec<f64> = mean.iter().map(|m| (1.0 - keep) * m).collect();
    agree("means", &state[..6], &expected, 1e-13);
    let expected: Vec<f64> = variance.iter().map(|v| keep + (1.0 - keep) * v).collect();
    agree("variances", &state[6..12], &expected, 1e-13);
}

/// Of ten samples three workers get 4, 3 and 3: each normalises its own, gradients and statistics are means by samples.
#[test]
fn workers_have_statistics_of_their_own_and_share_gradients() {
    let case = Case::new(10);
    let mut state = case.network.start(&case.theta);
    let start = state.clone();
    let mut batch = BatchGradient::new(&case.network, 10, false, Some(3));
    let indices: Vec<u32> = (0..10).collect();
    let noise = Noise { streams: Streams::new(0), step: 0, epoch: 1, vary: None };
    let loss = batch.run(&case.theta, &state, &case.samples(0..10), &indices, &noise);
    let mut gradient = vec![0.0; case.theta.len()];
    batch.gradient(0, &mut gradient);
    batch.follow(&mut state);
    let (evaluation, expected) = case.objective(0..10, 4).gradient(&case.theta, &start);
    agree("loss", &[loss], &[evaluation.loss], 1e-14);
    agree("gradient", &gradient, &expected, 1e-14);
    let parts = [0..4, 4..7, 7..10].map(|part| {
        let (n, (means, variances)) = (part.len() as f64, moments(&case, part));
        (n, [means, variances])
    });
    let mean = |of: usize, before: f64| -> Vec<f64> {
        let sum = |i: usize| parts.iter().map(|(n, m)| n / 10.0 * m[of][i]).sum::<f64>();
        (0..6).map(|i| 0.9 * before + 0.1 * sum(i)).collect()
    };
    agree("means", &state[..6], &mean(0, 0.0), 1e-13);
    agree("variances", &state[6..12], &mean(1, 1.0), 1e-13);
}

/// One value has no variance: what is left of an epoch, of a batch among workers or of samples among groups joins others.
#[test]
fn no_group_is_too_small_for_statistics() {
    let case = Case::new(66);
    let start = case.network.start(&case.theta);
    let sizes = |n: usize, size: usize| -> Vec<usize> {
        case.objective(0..n, size).chunks().iter().map(|c| c.samples.len()).collect()
    };
    assert_eq!((sizes(3, 2), sizes(5, 2), sizes(5, 1)), (vec![3], vec![3, 2], vec![3, 2]));
    assert_eq!((sizes(6, 2), sizes(65, 64)), (vec![2, 2, 2], vec![33, 32]));
    // Of 5 samples five workers get 2 batches, not 5 of one value each.
    let few = |workers: Option<usize>| {
        let mut state = start.clone();
        let mut batch = BatchGradient::new(&case.network, 5, false, workers);
        let noise = Noise { streams: Streams::new(0), step: 0, epoch: 1, vary: None };
        batch.run(&case.theta, &state, &case.samples(0..66), &[0, 1, 2, 3, 4], &noise);
        batch.follow(&mut state);
        state
    };
    let parts = [0..3, 3..5].map(|part| (part.len() as f64 / 5.0, moments(&case, part).1));
    let variance = |i: usize| 0.9 + 0.1 * parts.iter().map(|(share, v)| share * v[i]).sum::<f64>();
    agree("variances", &few(Some(5))[6..12], &(0..6).map(variance).collect::<Vec<f64>>(), 1e-13);
    assert_ne!(few(Some(5)), few(None));
}

/// The running variance after many epochs at a standstill is that of the data, whatever is left of an epoch: before, a last
/// batch of one sample took a tenth of it away each time (.48, .63, .03 and .76 of it were left). Means over five units of the
/// quotient: the variance of a batch is unbiased, and its spread, over the twenty batches that count, is a few hundredths.
#[test]
fn running_variances_are_those_of_the_data() {
    let ratio = |samples: usize, batch: usize, workers: Option<usize>| -> f64 {
        let settings = TrainSettings {
            samples: Some(samples),
            batch_size: Some(batch),
            workers,
            lr: Some(1e-12),
            epochs: 200,
            model: "mlp:hidden=[5],norm=batch".parse().unwrap(),
            precision: Precision::F64,
            ..TrainSettings::default()
        };
        let dataset = DataSettings::load(&settings).unwrap().1;
        let trained = train::<f64>(&settings, &dataset, None, &mut |_| ()).unwrap();
        let (network, Point { theta, state }) = (&trained.network, &trained.point);
        let all = Objective::new(
            network.clone(),
            losscape::train::samples(network, &dataset.train),
            Statistics::Groups(usize::MAX),
        );
        let expected = all.refresh(theta, state);
        // The first five numbers of the state are the means.
        state[5..10].iter().zip(&expected[5..10]).map(|(a, b)| a / b / 5.0).sum()
    };
    for (samples, batch, workers) in [(65, 64, None), (65, 32, None), (65, 64, Some(32)), (33, 8, None)] {
        let found = ratio(samples, batch, workers);
        assert!((found - 1.0).abs() < 0.15, "{samples} in {batch}, {workers:?}: {found}");
    }
}

/// Weighed by their samples: 10 and 9.
#[test]
fn refreshed_statistics_are_means_over_groups() {
    let case = Case::new(19);
    let state = case.network.start(&case.theta);
    let refreshed = case.objective(0..19, 10).refresh(&case.theta, &state);
    let [(m0, v0), (m1, v1)] = [moments(&case, 0..10), moments(&case, 10..19)];
    let mean = |a: &[f64], b: &[f64]| {
        a.iter().zip(b).map(|(a, b)| (10.0 * a + 9.0 * b) / 19.0).collect::<Vec<f64>>()
    };
    agree("means", &refreshed[..6], &mean(&m0, &m1), 1e-13);
    agree("variances", &refreshed[6..12], &mean(&v0, &v1), 1e-13);
    // With them, frozen, the network is another function than with the groups' own.
    let running = Objective::new(case.network.clone(), case.samples(0..19), Statistics::Running);
    assert_eq!(running.refresh(&case.theta, &state), state, "nothing to refresh from");
    assert!(running.evaluate(&case.theta, &refreshed).loss.is_finite());
}
