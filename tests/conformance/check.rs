//! Derivative checks that every differentiable thing must pass, in f64.

use losscape::autodiff::{Bindings, Curvature, Program};
use losscape::base::Streams;
use losscape::base::random::normal;

/// N(0, 1) draws from a stream named by the test.
pub fn gaussian(name: &str, index: u64, n: usize) -> Vec<f64> {
    let mut rng = Streams::new(7).stream(name, index);
    (0..n).map(|_| normal(&mut rng)).collect()
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

pub fn along(theta: &[f64], step: f64, direction: &[f64]) -> Vec<f64> {
    theta.iter().zip(direction).map(|(t, d)| t + step * d).collect()
}

fn difference(a: &[f64], b: &[f64]) -> f64 {
    norm(&along(a, -1.0, b))
}

/// Step of the central differences: error ~ eps^2 f''' + 1e-16 / eps, about 1e-10.
const STEP: f64 = 1e-5;

/// A program with its inputs: a loss that can be evaluated, differentiated and linearized anywhere.
pub struct Loss<'a> {
    pub program: &'a Program,
    pub inputs: Vec<&'a [f64]>,
}

impl Loss<'_> {
    pub fn value(&self, theta: &[f64]) -> f64 {
        let bindings = Bindings { theta, inputs: &self.inputs };
        let plan = self.program.value_plan();
        let mut workspace = plan.workspace();
        plan.run(&bindings, &mut workspace);
        plan.values(bindings, &workspace).of(self.program.losses()).data.iter().sum()
    }

    pub fn gradient(&self, theta: &[f64]) -> Vec<f64> {
        let bindings = Bindings { theta, inputs: &self.inputs };
        let plan = self.program.gradient_plan();
        let mut workspace = plan.workspace();
        plan.run(&bindings, &mut workspace);
        let mut gradient = vec![0.0; theta.len()];
        self.program.read_gradient(&plan.values(bindings, &workspace), &mut gradient);
        gradient
    }

    /// k products at once; `directions` is p x k.
    pub fn products(&self, curvature: Curvature, theta: &[f64], directions: &[f64], k: usize) -> Vec<f64> {
        let bindings = Bindings { theta, inputs: &self.inputs };
        let plan = self.program.product_plan(curvature);
        let mut primal = plan.primal.workspace();
        plan.primal.run(&bindings, &mut primal);
        let mut tangents = plan.tangents.workspace(k);
        plan.tangents.run(&plan.primal.values(bindings, &primal), directions, k, &mut tangents);
        let mut out = vec![0.0; theta.len() * k];
        self.program.read_products(&plan, &tangents, k, &mut out);
        out
    }

    /// Gradient against central differences of the value, over random directions.
    pub fn check_gradient(&self, name: &str, theta: &[f64], tolerance: f64) {
        let gradient = self.gradient(theta);
        for i in 0..10 {
            let d = gaussian(name, 100 + i, theta.len());
            let slope =
                (self.value(&along(theta, STEP, &d)) - self.value(&along(theta, -STEP, &d))) / (2.0 * STEP);
            let error = (slope - dot(&gradient, &d)).abs();
            let size = norm(&gradient) * norm(&d) + self.value(theta).abs() + 1e-3;
            assert!(error <= tolerance * size, "{name}: gradient off by {error:e} of {size:e}");
        }
    }

    /// Products against central differences of the gradient, in a block and one by one.
    pub fn check_product(&self, name: &str, theta: &[f64], tolerance: f64) {
        let p = theta.len();
        let directions = gaussian(name, 200, p * 3);
        let block = self.products(Curvature::Hessian, theta, &directions, 3);
        for (j, d) in directions.chunks_exact(p).enumerate() {
            let product = &block[j * p..(j + 1) * p];
            let (up, down) = (self.gradient(&along(theta, STEP, d)), self.gradient(&along(theta, -STEP, d)));
            let slope: Vec<f64> = up.iter().zip(&down).map(|(u, d)| (u - d) / (2.0 * STEP)).collect();
            let error = difference(&slope, product);
            let size = norm(product) + norm(&self.gradient(theta)) + 1e-3;
            assert!(error <= tolerance * size, "{name}: product off by {error:e} of {size:e}");
            let alone = self.products(Curvature::Hessian, theta, d, 1);
            let error = difference(&alone, product);
            assert!(error <= 1e-13 * size, "{name}: a block of products differs from one, by {error:e}");
        }
    }

    /// |u'Hv - v'Hu| over 50 pairs, and H(2u - 3v) = 2Hu - 3Hv.
    pub fn check_symmetry(&self, name: &str, curvature: Curvature, theta: &[f64]) {
        let p = theta.len();
        for i in 0..50 {
            let pair = gaussian(name, 300 + i, p * 2);
            let (u, v) = pair.split_at(p);
            let mixed: Vec<f64> = u.iter().zip(v).map(|(u, v)| 2.0 * u - 3.0 * v).collect();
            let products = self.products(curvature, theta, &[&pair[..], &mixed].concat(), 3);
            let (hu, rest) = products.split_at(p);
            let (hv, hm) = rest.split_at(p);
            let error = (dot(u, hv) - dot(v, hu)).abs();
            let size = norm(u) * norm(hv) + norm(v) * norm(hu);
            assert!(error <= 1e-12 * size, "{name}: asymmetric by {error:e} of {size:e}");
            let combined: Vec<f64> = hu.iter().zip(hv).map(|(u, v)| 2.0 * u - 3.0 * v).collect();
            let error = difference(&combined, hm);
            let size = 2.0 * norm(hu) + 3.0 * norm(hv);
            assert!(error <= 1e-12 * size, "{name}: nonlinear by {error:e} of {size:e}");
        }
    }
}
