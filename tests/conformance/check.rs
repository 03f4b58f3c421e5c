//! Derivative checks that every differentiable thing must pass, in f64.
//!
//! Directions are unit vectors, so that the step of a central difference is a length in parameter space.
//! Where there are kinks, a difference whose halved step disagrees has one between its ends and says nothing;
//! all but two of the directions must say something.

use losscape::autodiff::{Bindings, Curvature, Plan, Program, Workspace};
use losscape::base::Streams;
use losscape::base::random::normal;

/// N(0, 1) draws from a stream named by the test.
pub fn gaussian(name: &str, index: u64, n: usize) -> Vec<f64> {
    let mut rng = Streams::new(7).stream(name, index);
    (0..n).map(|_| normal(&mut rng)).collect()
}

/// A random direction of length 1.
pub fn unit(name: &str, index: u64, n: usize) -> Vec<f64> {
    let mut v = gaussian(name, index, n);
    let length = norm(&v);
    v.iter_mut().for_each(|x| *x /= length);
    v
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

pub fn difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    norm(&along(a, -1.0, b))
}

/// The p x p identity: as directions, its products are the matrix itself.
pub fn identity(p: usize) -> Vec<f64> {
    (0..p * p).map(|i| f64::from(u8::from(i % (p + 1) == 0))).collect()
}

/// Step of the central differences: error ~ eps^2 f''' / 6 + 1e-16 f / eps, about 1e-11 for f of size 1.
const STEP: f64 = 1e-5;
/// Directions tried, and those that must not meet a kink.
const DIRECTIONS: (u64, usize) = (10, 8);

/// d/dt f(theta + t d) by a central difference, or nothing where there is a kink between its ends.
fn slope(tolerance: f64, f: impl Fn(f64) -> Vec<f64>) -> Option<Vec<f64>> {
    let central = |step: f64| -> Vec<f64> {
        f(step).iter().zip(f(-step)).map(|(up, down)| (up - down) / (2.0 * step)).collect()
    };
    let (whole, half) = (central(STEP), central(STEP / 2.0));
    (difference(&whole, &half) <= tolerance).then_some(whole)
}

/// A program with its inputs: a loss that can be evaluated, differentiated and linearized anywhere.
pub struct Loss<'a> {
    pub program: &'a Program,
    pub inputs: Vec<&'a [f64]>,
    /// The network's state.
    pub state: &'a [f64],
    /// Whether there are kinks, where derivatives jump.
    pub kinked: bool,
}

impl Loss<'_> {
    fn run(&self, plan: &Plan, theta: &[f64]) -> Workspace<f64> {
        let mut workspace = plan.workspace();
        plan.run(&Bindings { theta, state: self.state, inputs: &self.inputs }, &mut workspace);
        workspace
    }

    /// The summed loss and the outputs (outputs x samples).
    pub fn forward(&self, theta: &[f64]) -> (f64, Vec<f64>) {
        let plan = self.program.value_plan();
        let workspace = self.run(&plan, theta);
        let values = plan.values(Bindings { theta, state: self.state, inputs: &self.inputs }, &workspace);
        let outputs = values.of(self.program.outputs()).data.to_vec();
        (values.of(self.program.losses()).data.iter().sum(), outputs)
    }

    pub fn value(&self, theta: &[f64]) -> f64 {
        self.forward(theta).0
    }

    pub fn gradient(&self, theta: &[f64]) -> Vec<f64> {
        let plan = self.program.gradient_plan();
        let workspace = self.run(&plan, theta);
        let mut gradient = vec![0.0; theta.len()];
        let bindings = Bindings { theta, state: self.state, inputs: &self.inputs };
        self.program.read_gradient(&plan.values(bindings, &workspace), &mut gradient);
        gradient
    }

    /// k products at once; `directions` is p x k.
    pub fn products(&self, curvature: Curvature, theta: &[f64], directions: &[f64], k: usize) -> Vec<f64> {
        let plan = self.program.product_plan(curvature);
        let primal = self.run(&plan.primal, theta);
        let mut tangents = plan.tangents.workspace(k);
        let bindings = Bindings { theta, state: self.state, inputs: &self.inputs };
        plan.tangents.run(&plan.primal.values(bindings, &primal), directions, k, &mut tangents);
        let mut out = vec![0.0; theta.len() * k];
        plan.read(&tangents, k, &mut out);
        out
    }

    fn tolerance(&self) -> f64 {
        if self.kinked { 1e-7 } else { 1e-8 }
    }

    fn judged(&self, name: &str, what: &str, judge: impl Fn(u64) -> bool) {
        let judged = (0..DIRECTIONS.0).filter(|i| judge(*i)).count();
        let least = if self.kinked { DIRECTIONS.1 } else { DIRECTIONS.0 as usize };
        assert!(judged >= least, "{name}: {what} differences with halved steps disagree");
    }

    /// Gradient against central differences of the value, over random directions.
    pub fn check_gradient(&self, name: &str, theta: &[f64]) {
        let gradient = self.gradient(theta);
        // Rounding of the value, 1e-16 of it over a step of 1e-5, is all that a small gradient could be told from.
        let size = norm(&gradient) + 1e-2 * self.value(theta).abs();
        assert!(size > 0.0, "{name}: nothing to check at a loss and gradient of 0");
        self.judged(name, "value", |i| {
            let d = unit(name, 100 + i, theta.len());
            let allowed = self.tolerance() * size;
            let Some(slope) = slope(10.0 * allowed, |t| vec![self.value(&along(theta, t, &d))]) else {
                return false;
            };
            let error = (slope[0] - dot(&gradient, &d)).abs();
            assert!(error <= allowed, "{name}: gradient off by {error:e} of {size:e}");
            true
        });
    }

    /// Hessian products against central differences of the gradient, in a block and one by one.
    pub fn check_product(&self, name: &str, theta: &[f64]) {
        let (p, k) = (theta.len(), DIRECTIONS.0 as usize);
        let directions: Vec<f64> = (0..DIRECTIONS.0).flat_map(|i| unit(name, 200 + i, p)).collect();
        let block = self.products(Curvature::Hessian, theta, &directions, k);
        let gradient = norm(&self.gradient(theta));
        self.judged(name, "gradient", |i| {
            let range = i as usize * p..(i as usize + 1) * p;
            let (d, product) = (&directions[range.clone()], &block[range]);
            // Rounding of the gradient, as above.
            let size = norm(product) + 1e-2 * gradient;
            let alone = self.products(Curvature::Hessian, theta, d, 1);
            let error = difference(&alone, product);
            // Wide and narrow products of matrices may add in another order.
            assert!(error <= 1e-13 * size, "{name}: a block of products differs from one, by {error:e}");
            let allowed = self.tolerance() * size;
            let Some(slope) = slope(10.0 * allowed, |t| self.gradient(&along(theta, t, d))) else {
                return false;
            };
            let error = difference(&slope, product);
            assert!(error <= allowed, "{name}: product off by {error:e} of {size:e}");
            true
        });
    }

    /// |u'Hv - v'Hu| over 50 pairs, and H(2u - 3v) = 2Hu - 3Hv.
    pub fn check_symmetry(&self, name: &str, curvature: Curvature, theta: &[f64]) {
        let p = theta.len();
        // Where the loss is all but zero, its curvature is a difference of rounded numbers.
        assert!(self.value(theta).abs() > 1e-3, "{name}: a loss of {:e}", self.value(theta));
        for i in 0..50 {
            let pair = gaussian(name, 300 + i, p * 2);
            let (u, v) = pair.split_at(p);
            let mixed: Vec<f64> = u.iter().zip(v).map(|(u, v)| 2.0 * u - 3.0 * v).collect();
            let products = self.products(curvature, theta, &[&pair[..], &mixed].concat(), 3);
            let (hu, rest) = products.split_at(p);
            let (hv, hm) = rest.split_at(p);
            let error = (dot(u, hv) - dot(v, hu)).abs();
            let size = norm(u) * norm(hv);
            assert!(error <= 1e-12 * size, "{name}: {curvature:?} asymmetric by {error:e} of {size:e}");
            let combined: Vec<f64> = hu.iter().zip(hv).map(|(u, v)| 2.0 * u - 3.0 * v).collect();
            let error = difference(&combined, hm);
            let size = 2.0 * norm(hu) + 3.0 * norm(hv);
            assert!(error <= 1e-12 * size, "{name}: {curvature:?} nonlinear by {error:e} of {size:e}");
        }
    }

    /// J^T H_loss J v, with J, the Jacobian of the outputs, by central differences, and H_loss from `curvature`,
    /// which multiplies a change of the outputs (outputs x samples).
    pub fn check_gauss_newton(
        &self,
        name: &str,
        theta: &[f64],
        curvature: impl Fn(&[f64], &[f64]) -> Vec<f64>,
    ) {
        let p = theta.len();
        let outputs = self.forward(theta).1;
        if p > 1000 {
            // Too many columns for the whole Jacobian: the quadratic form with other vectors.
            let image =
                |v: &[f64]| slope(f64::INFINITY, |t| self.forward(&along(theta, t, v)).1).expect("no bound");
            for i in 0..5 {
                let (u, v) = (unit(name, 500 + i, p), unit(name, 400 + i, p));
                let expected = dot(&image(&u), &curvature(&outputs, &image(&v)));
                let product = self.products(Curvature::GaussNewton, theta, &v, 1);
                let (found, size) = (dot(&u, &product), norm(&product));
                assert!(size > 0.0, "{name}: a Gauss-Newton product of 0");
                let error = (found - expected).abs();
                assert!(error <= self.tolerance() * size, "{name}: Gauss-Newton {found}, not {expected}");
            }
            return;
        }
        let jacobian: Vec<Vec<f64>> = identity(p)
            .chunks_exact(p)
            .map(|e| slope(f64::INFINITY, |t| self.forward(&along(theta, t, e)).1).expect("no bound"))
            .collect();
        for i in 0..5 {
            let v = unit(name, 400 + i, p);
            let mut change = vec![0.0; outputs.len()];
            jacobian.iter().zip(&v).for_each(|(column, v)| change = along(&change, *v, column));
            let force = curvature(&outputs, &change);
            let expected: Vec<f64> = jacobian.iter().map(|column| dot(column, &force)).collect();
            let product = self.products(Curvature::GaussNewton, theta, &v, 1);
            let (error, size) = (difference(&product, &expected), norm(&expected));
            assert!(size > 0.0, "{name}: a Gauss-Newton product of 0");
            assert!(error <= self.tolerance() * size, "{name}: Gauss-Newton off by {error:e} of {size:e}");
        }
    }
}
