//! Networks of one layer: least squares and softmax regression. With the bias as the weight of an input that is
//! always 1, parameter (o, i) weighs input i for output o, and X is n x (d + 1).

use crate::analytic::{agree, dense, gaussian, network, objective};
use losscape::autodiff::Curvature;

const N: usize = 1201; // more than two chunks, of unequal size
const D: usize = 3;
const C: usize = 4;

/// Sums of 1201 terms of size 1 in two orders differ by some 1e-14; the claim asks for 1e-10.
const TOLERANCE: f64 = 1e-12;

/// Data, labels and X with its column of ones, row by row.
fn samples() -> (Vec<f64>, Vec<u32>, Vec<Vec<f64>>) {
    let data = gaussian("regression/data", N * D);
    let labels = (0..N).map(|n| (n * n % 7 % C) as u32).collect();
    let x = data.chunks_exact(D).map(|row| [row, &[1.0]].concat()).collect();
    (data, labels, x)
}

/// Where parameter (output, input) lies in theta: weights row by row, then biases.
fn place(o: usize, i: usize) -> usize {
    if i < D { o * D + i } else { C * D + o }
}

/// X^T X / n (x) B for a C x C matrix B.
fn kronecker(x: &[Vec<f64>], b: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let p = C * (D + 1);
    let mut h = vec![0.0; p * p];
    for i in 0..=D {
        for j in 0..=D {
            let second_moment = x.iter().map(|row| row[i] * row[j]).sum::<f64>() / x.len() as f64;
            for o in 0..C {
                for q in 0..C {
                    h[place(o, i) * p + place(q, j)] = second_moment * b(o, q);
                }
            }
        }
    }
    h
}

#[test]
fn least_squares() {
    let (data, labels, x) = samples();
    let network = network("mlp:hidden=[]", "squared-error", D, C);
    let objective = objective::<f64>(&network, &data, &labels);
    assert!(objective.chunks().len() > 2 && objective.programs().len() == 2);
    let theta = gaussian("regression/theta", C * (D + 1));
    let (mut loss, mut gradient) = (0.0, vec![0.0; theta.len()]);
    for (row, label) in x.iter().zip(&labels) {
        for o in 0..C {
            let target = if o == *label as usize { 1.0 } else { 0.0 };
            let mut residual = -target;
            for i in 0..=D {
                residual += theta[place(o, i)] * row[i];
            }
            loss += residual * residual / 2.0 / N as f64;
            for i in 0..=D {
                gradient[place(o, i)] += residual * row[i] / N as f64;
            }
        }
    }
    let (evaluation, found) = objective.gradient(&theta, &[]);
    agree("loss", &[evaluation.loss, objective.evaluate(&theta, &[]).loss], &[loss, loss], TOLERANCE);
    agree("gradient", &found, &gradient, TOLERANCE);
    let expected = kronecker(&x, |o, q| if o == q { 1.0 } else { 0.0 });
    for curvature in [Curvature::Hessian, Curvature::GaussNewton] {
        // The same everywhere: the loss is quadratic.
        for theta in [theta.clone(), vec![0.0; theta.len()]] {
            agree("Hessian", &dense(&objective, &theta, curvature), &expected, TOLERANCE);
        }
    }
}

#[test]
fn softmax_regression_at_zero() {
    let (data, labels, x) = samples();
    let network = network("mlp:hidden=[]", "cross-entropy", D, C);
    let objective = objective::<f64>(&network, &data, &labels);
    let theta = vec![0.0; C * (D + 1)];
    let share = 1.0 / C as f64;
    let mut gradient = vec![0.0; theta.len()];
    for (row, label) in x.iter().zip(&labels) {
        for o in 0..C {
            for i in 0..=D {
                let target = if o == *label as usize { 1.0 } else { 0.0 };
                gradient[place(o, i)] += (share - target) * row[i] / N as f64;
            }
        }
    }
    let (evaluation, found) = objective.gradient(&theta, &[]);
    agree("loss", &[evaluation.loss], &[(C as f64).ln()], TOLERANCE);
    agree("gradient", &found, &gradient, TOLERANCE);
    // (I - 11^T / C) / C
    let expected = kronecker(&x, |o, q| share * (if o == q { 1.0 } else { 0.0 } - share));
    for curvature in [Curvature::Hessian, Curvature::GaussNewton] {
        agree("Hessian", &dense(&objective, &theta, curvature), &expected, TOLERANCE);
    }
}

/// Two classes are logistic regression in the difference w of their weights, with Hessian X^T X / 4n at 0: along
/// (d/2, -d/2), where w moves by d.
#[test]
fn logistic_regression_at_zero() {
    let (data, _, x) = samples();
    let labels: Vec<u32> = (0..N).map(|n| (n % 3 % 2) as u32).collect();
    let network = network("mlp:hidden=[],bias=false", "cross-entropy", D, 2);
    let objective = objective::<f64>(&network, &data, &labels);
    let linearization = objective.linearize(&[0.0; 2 * D], &[], Curvature::Hessian, usize::MAX);
    for i in 0..D {
        let mut direction = vec![0.0; 2 * D];
        (direction[i], direction[D + i]) = (0.5, -0.5);
        let product = linearization.products(&direction, 1);
        for j in 0..D {
            let expected = x.iter().map(|row| row[i] * row[j]).sum::<f64>() / (4.0 * N as f64);
            // The gradient in w is half the difference of those in the two classes' weights.
            let found = (product[j] - product[D + j]) / 2.0;
            agree("X^T X / 4n", &[found], &[expected], TOLERANCE);
        }
    }
}
