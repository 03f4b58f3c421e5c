//! Samples with weights against samples that are there several times, one logit against two, and rows of a table against
//! one-hot columns.

use crate::analytic::{agree, dense, gaussian, network, objective};
use losscape::autodiff::Curvature;
use losscape::nn::{Network, Objective, Samples, Statistics};
use std::sync::Arc;

const COUNTS: [usize; 4] = [3, 1, 0, 2];

fn of(network: &Arc<Network>, samples: Samples<f64>) -> Objective<f64> {
    Objective::new(network.clone(), Arc::new(samples), Statistics::Running)
}

/// sum_i w_i l_i / sum_i w_i is the mean over samples of which each is there w_i times, for every loss; targets that were not
/// observed stay so.
#[test]
fn weights_are_samples_that_are_there_several_times() {
    let (x, values) = (gaussian("weighed/x", 4 * 3), gaussian("weighed/y", 4 * 2));
    let again = |all: &[f64], width: usize| -> Vec<f64> {
        let rows = all.chunks(width).zip(COUNTS);
        rows.flat_map(|(row, count)| row.repeat(count)).collect()
    };
    let weights = COUNTS.map(|count| 0.7 * count as f64);
    for text in [
        "cross-entropy",
        "cross-entropy:smoothing=0.1",
        "logistic",
        "hinge:squared=true",
        "huber",
        "squared-error",
    ] {
        let network = network("mlp:hidden=[4],activation=tanh", text, 3, 2);
        let theta = gaussian("weighed/theta", network.layout().size());
        let labels = [0, 1, 1, 0];
        let mut holes = values.clone();
        (holes[1], holes[6]) = (f64::NAN, f64::NAN);
        let mut pairs = Vec::new();
        if !text.contains("huber") {
            let repeated: Vec<u32> =
                labels.iter().zip(COUNTS).flat_map(|(label, count)| vec![*label; count]).collect();
            pairs.push((
                Samples::new(&network, &x, &labels).weighted(&weights),
                Samples::new(&network, &again(&x, 3), &repeated),
            ));
        }
        if text == "huber" || text == "squared-error" {
            for y in [&values, &holes] {
                pairs.push((
                    Samples::regression(&network, &x, y).weighted(&weights),
                    Samples::regression(&network, &again(&x, 3), &again(y, 2)),
                ));
            }
        }
        for (weighed, repeated) in pairs {
            assert_eq!(weighed.masked(), repeated.masked(), "{text}");
            let (weighed, repeated) = (of(&network, weighed), of(&network, repeated));
            let ((a, g), (b, h)) = (weighed.gradient(&theta, &[]), repeated.gradient(&theta, &[]));
            agree(text, &[a.loss], &[b.loss], 1e-14);
            agree(text, &g, &h, 1e-13);
            for curvature in [Curvature::Hessian, Curvature::GaussNewton] {
                agree(text, &dense(&weighed, &theta, curvature), &dense(&repeated, &theta, curvature), 1e-13);
            }
        }
    }
}

/// A subset keeps the weights that its samples have among all, so that the gradient of a batch has the whole one for its mean.
#[test]
fn batches_keep_the_weights_of_all() {
    let network = network("mlp:hidden=[4]", "cross-entropy", 3, 2);
    let theta = gaussian("weighed/theta", network.layout().size());
    let all = Samples::<f64>::new(&network, &gaussian("weighed/x", 4 * 3), &[0, 1, 1, 0])
        .weighted(&COUNTS.map(|count| count as f64));
    let halves = [[2, 0], [1, 3]].map(|half| of(&network, all.subset(&half)).evaluate(&theta, &[]).loss);
    let whole = of(&network, all).evaluate(&theta, &[]).loss;
    agree("halves", &[(halves[0] + halves[1]) / 2.0], &[whole], 1e-14);
}

/// ln(1 + e^-yz) of one logit z is the cross-entropy of the scores 0 and z; right is who lies on the side of its class.
#[test]
fn one_logit_is_the_difference_of_two() {
    let (x, labels) = (gaussian("weighed/x", 4 * 3), [0, 1, 1, 0]);
    let one = network("mlp:hidden=[]", "logistic:single=true", 3, 1);
    let two = network("mlp:hidden=[]", "cross-entropy", 3, 2);
    let theta = gaussian("weighed/one", one.layout().size());
    assert_eq!(theta.len(), 4, "three weights and a bias");
    let zeros = [0.0; 3];
    let both: Vec<f64> = [&zeros[..], &theta[..3], &[0.0], &theta[3..]].concat();
    let (a, g) = objective::<f64>(&one, &x, &labels).gradient(&theta, &[]);
    let (b, h) = objective::<f64>(&two, &x, &labels).gradient(&both, &[]);
    agree("loss", &[a.loss], &[b.loss], 1e-14);
    agree("gradient", &g, &[&h[3..6], &h[7..]].concat(), 1e-14);
    assert_eq!(a.accuracy, b.accuracy);
    assert!(a.accuracy > 0.0 && a.accuracy < 1.0, "{}", a.accuracy);
}

/// The row of a token is what a dense layer makes of its one-hot column, and columns that are no tokens go on before it.
#[test]
fn rows_are_dense_layers_of_one_hot_columns() {
    let (vocabulary, width, n) = (5, 3, 4);
    let tokens = [4.0, 0.0, 2.0, 4.0];
    let rest = gaussian("tokens/rest", n);
    let layers = |first: &str| format!("layers:layers=[{first},{{kind=\"activate\",function=\"tanh\"}}]");
    let table = |columns: &str| {
        layers(&format!("{{kind=\"embedding\",vocabulary={vocabulary},width={width}{columns}}}"))
    };
    let hot = |i: usize| (0..vocabulary).map(move |k| if k as f64 == tokens[i] { 1.0 } else { 0.0 });
    let labels = [0, 1, 1, 0];
    let dense_layers = layers(&format!("{{kind=\"dense\",units={width},bias=false}}"));
    let a = network(&table(""), "cross-entropy", 1, 2);
    let b = network(&dense_layers, "cross-entropy", vocabulary, 2);
    let theta = gaussian("tokens/theta", a.layout().size());
    // The table is vocabulary x width, the dense weight width x vocabulary.
    let size = vocabulary * width;
    let turn = |v: &[f64], rows: usize| -> Vec<f64> {
        let cols = size / rows;
        let turned = (0..size).map(|i| v[(i % rows) * cols + i / rows]);
        turned.chain(v[size..].iter().copied()).collect()
    };
    let of_table = objective::<f64>(&a, &tokens, &labels);
    let one_hot: Vec<f64> = (0..n).flat_map(hot).collect();
    let of_dense = objective::<f64>(&b, &one_hot, &labels);
    let ((e, g), (f, h)) =
        (of_table.gradient(&theta, &[]), of_dense.gradient(&turn(&theta, vocabulary), &[]));
    agree("loss", &[e.loss], &[f.loss], 1e-14);
    agree("gradient", &turn(&g, vocabulary), &h, 1e-14);
    let v = gaussian("tokens/v", theta.len());
    let product = |o: &Objective<f64>, theta: &[f64], v: &[f64]| {
        o.linearize(theta, &[], Curvature::Hessian, usize::MAX).products(v, 1)
    };
    let (p, q) = (
        product(&of_table, &theta, &v),
        product(&of_dense, &turn(&theta, vocabulary), &turn(&v, vocabulary)),
    );
    agree("H v", &turn(&p, vocabulary), &q, 1e-13);
    // A filter is a token's row.
    let weight = a.layout().weights().next().unwrap();
    assert_eq!(
        (weight.shape.as_slice(), weight.filters().count()),
        ([vocabulary, width].as_slice(), vocabulary)
    );
    // Beside a number that is no token the logits are those of both together.
    let mixed = network(&table(",columns=[0]"), "cross-entropy", 2, 2);
    let data: Vec<f64> = tokens.iter().zip(&rest).flat_map(|(token, x)| [*token, *x]).collect();
    let theta = gaussian("tokens/mixed", mixed.layout().size());
    let found = objective::<f64>(&mixed, &data, &labels).outputs(&theta, &[]);
    let (rows, dense) = theta.split_at(size);
    for i in 0..n {
        let row = &rows[tokens[i] as usize * width..][..width];
        for c in 0..2 {
            let w = &dense[c * (width + 1)..][..width + 1];
            let sum: f64 = w[1..].iter().zip(row).map(|(w, x)| w * x.tanh()).sum();
            let expected = w[0] * rest[i].tanh() + sum + dense[2 * (width + 1) + c];
            agree("logit", &[found[2 * i + c]], &[expected], 1e-13);
        }
    }
}

/// As a signal the rows are channels: a convolution of one place is a dense layer of each row, and a pool their mean.
#[test]
fn rows_are_channels_of_a_signal() {
    let model = "layers:layers=[{kind=\"embedding\",vocabulary=4,width=3,signal=true},\"global-pool\"]";
    let network = network(model, "squared-error", 5, 2);
    let tokens = [0.0, 3.0, 3.0, 1.0, 2.0];
    let theta = gaussian("tokens/signal", network.layout().size());
    let found = objective::<f64>(&network, &tokens, &[0]).outputs(&theta, &[]);
    for c in 0..2 {
        let mean = |k: usize| tokens.iter().map(|t| theta[3 * *t as usize + k]).sum::<f64>() / 5.0;
        let expected: f64 = (0..3).map(|k| theta[12 + 3 * c + k] * mean(k)).sum::<f64>() + theta[18 + c];
        agree("pooled", &[found[c]], &[expected], 1e-14);
    }
}
