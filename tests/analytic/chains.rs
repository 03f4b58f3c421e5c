//! Deep networks whose curvature is known: the scalar chain 1/2 (prod w_i - y)^2, two linear layers at zero,
//! ReLU without biases.

use crate::analytic::{agree, dense, gaussian, network, objective};
use losscape::autodiff::Curvature;
use losscape::nn::Objective;

/// L layers of one unit each, no biases, one sample x = 1 with target y = 1.
fn chain(layers: usize) -> Objective<f64> {
    let hidden = vec!["1"; layers - 1].join(",");
    let network =
        network(&format!("mlp:hidden=[{hidden}],activation=identity,bias=false"), "squared-error", 1, 1);
    assert_eq!(network.layout().size(), layers);
    objective(&network, &[1.0], &[0])
}

/// Weights of different sizes and signs whose product is `product`.
fn weights(layers: usize, product: f64) -> Vec<f64> {
    let mut w: Vec<f64> = (0..layers).map(|i| [1.5, -0.75, 0.5, 2.0, -1.25][i % 5]).collect();
    w[layers - 1] = product / w[..layers - 1].iter().product::<f64>();
    w
}

fn eigenvalues(matrix: &[f64], p: usize) -> Vec<f64> {
    faer::Mat::from_fn(p, p, |i, j| matrix[j * p + i])
        .self_adjoint_eigenvalues(faer::Side::Lower)
        .expect("finite")
}

/// Numbers up to 50, a few roundings each; the claim asks for 1e-10.
const TOLERANCE: f64 = 1e-12;

/// H_ij = P^2 / (w_i w_j) + (P - y) P / (w_i w_j) off the diagonal, P^2 / w_i^2 on it.
#[test]
fn scalar_chain_anywhere() {
    for layers in 1..=8 {
        let (objective, product) = (chain(layers), -0.7);
        let w = weights(layers, product);
        let (evaluation, gradient) = objective.gradient(&w, &[]);
        let residual = product - 1.0;
        agree("loss", &[evaluation.loss], &[residual * residual / 2.0], TOLERANCE);
        agree(
            "gradient",
            &gradient,
            &w.iter().map(|w| residual * product / w).collect::<Vec<_>>(),
            TOLERANCE,
        );
        let mut hessian = Vec::new();
        let mut gauss_newton = Vec::new();
        for i in 0..layers {
            for j in 0..layers {
                let both = product / (w[i] * w[j]);
                gauss_newton.push(product * both);
                hessian.push(product * both + if i == j { 0.0 } else { residual * both });
            }
        }
        agree("Hessian", &dense(&objective, &w, Curvature::Hessian), &hessian, TOLERANCE);
        agree("Gauss-Newton", &dense(&objective, &w, Curvature::GaussNewton), &gauss_newton, TOLERANCE);
    }
}

#[test]
fn scalar_chain_at_a_global_minimum() {
    for layers in 1..=8 {
        let (objective, w) = (chain(layers), weights(layers, 1.0));
        assert!(objective.evaluate(&w, &[]).loss <= 1e-30);
        let hessian = dense(&objective, &w, Curvature::Hessian);
        let spectrum = eigenvalues(&hessian, layers);
        let sharpness: f64 = w.iter().map(|w| (1.0 / w).powi(2)).sum();
        let mut expected = vec![0.0; layers];
        expected[layers - 1] = sharpness;
        agree("eigenvalues: one, and rank 1", &spectrum, &expected, 1e-14 * sharpness * layers as f64);
        // Where the residual is 0, the Gauss-Newton matrix is the Hessian.
        agree("Gauss-Newton", &dense(&objective, &w, Curvature::GaussNewton), &hessian, TOLERANCE);
    }
}

#[test]
fn scalar_chain_at_zero() {
    let of = |layers| dense(&chain(layers), &vec![0.0; layers], Curvature::Hessian);
    assert_eq!(of(1), [1.0]);
    agree("a saddle with eigenvalues -y and y", &eigenvalues(&of(2), 2), &[-1.0, 1.0], 1e-15);
    for layers in 3..=8 {
        let objective = chain(layers);
        let zero = vec![0.0; layers];
        assert!(of(layers).iter().all(|h| *h == 0.0), "{layers} layers: not a plateau");
        assert!(objective.gradient(&zero, &[]).1.iter().all(|g| *g == 0.0));
        assert_eq!(objective.evaluate(&zero, &[]).loss, 0.5);
    }
}

/// Two linear layers at zero: the only curvature is between them, d2L / dW2_ck dW1_ki = -S_ci with
/// S = sum of y x^T / n, whatever the hidden width.
#[test]
fn matrix_factorization_at_zero() {
    let (n, d, m, c) = (50, 3, 2, 4);
    let network = network("mlp:hidden=[2],activation=identity,bias=false", "squared-error", d, c);
    let data = gaussian("factorization", n * d);
    let labels: Vec<u32> = (0..n).map(|i| (i * i % 5 % c) as u32).collect();
    let objective = objective::<f64>(&network, &data, &labels);
    let p = m * (d + c);
    let mut expected = vec![0.0; p * p];
    for (x, label) in data.chunks_exact(d).zip(&labels) {
        for k in 0..m {
            for (i, x) in x.iter().enumerate() {
                let (first, second) = (k * d + i, m * d + *label as usize * m + k);
                expected[first * p + second] -= x / n as f64;
                expected[second * p + first] -= x / n as f64;
            }
        }
    }
    agree("Hessian", &dense(&objective, &vec![0.0; p], Curvature::Hessian), &expected, TOLERANCE);
    let zero = dense(&objective, &vec![0.0; p], Curvature::GaussNewton);
    agree("Gauss-Newton", &zero, &vec![0.0; p * p], 0.0);
}

/// Scaling one layer up and another down changes nothing, so <W_l, dL/dW_l> is the same for every layer; for a
/// loss of the outputs alone it is also the mean of <f, dL/df>.
#[test]
fn layers_of_bias_free_relu_networks_pull_equally() {
    for activation in ["relu", "leaky-relu", "leaky-relu:slope=-0.5", "identity"] {
        for loss in ["cross-entropy", "cross-entropy:smoothing=0.1", "squared-error"] {
            let model = format!("mlp:bias=false,hidden=[9,8,7,6],activation={activation}");
            let network = network(&model, loss, 5, 3);
            let n = 600;
            let labels: Vec<u32> = (0..n).map(|i| (i % 3) as u32).collect();
            let objective = objective::<f64>(&network, &gaussian("relu/data", n * 5), &labels);
            let theta: Vec<f64> =
                gaussian("relu/theta", network.layout().size()).iter().map(|w| w * 0.6).collect();
            let (_, gradient) = objective.gradient(&theta, &[]);
            let pulls: Vec<f64> = network
                .layout()
                .parameters
                .iter()
                .map(|w| w.range().map(|i| theta[i] * gradient[i]).sum())
                .collect();
            assert_eq!(pulls.len(), 5);
            assert!(pulls[0].abs() > 1e-2, "{activation}, {loss}: nothing pulls");
            for pull in &pulls {
                let error = (pull - pulls[0]).abs();
                assert!(error <= 1e-12 * pulls[0].abs(), "{activation}, {loss}: {pulls:?}");
            }
        }
    }
}
