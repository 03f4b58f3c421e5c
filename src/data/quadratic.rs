//! Least squares whose Hessian is known: a linear model without a bias on it is an exact quadratic of any condition number.
//!
//! ```text
//! X = sqrt(n) U diag(lambda)^(1/2) Q',   y = X theta*        U: n x d, Q: d x d, columns orthonormal;  theta* ~ N(0, I)
//! lambda_i = condition^(-i / (d - 1)),   i = 0 .. d - 1      so that X'X / n = Q diag(lambda) Q'
//! ```
//!
//! The loss 1/(2n) |X theta - y|^2 has the eigenvalues lambda, evenly spaced in their logarithms from 1 down to 1/condition,
//! and is 0 at theta*. Its axes Q are drawn at random, since those of the weights would favour methods that scale each weight
//! by itself. Testing has as many other samples of the same X'X / n, and so the same loss everywhere. Fewer samples than all
//! have another Hessian. Inputs are left alone unless standardising is asked for.

use crate::base::random::{normal, orthogonal};
use crate::base::{Result, Streams};
use crate::data::{Raw, Samples, Split, fits_in_memory, within};

crate::kind! {
    /// Least squares of a given condition number.
    Quadratic = "quadratic",
        "regression: least squares whose Hessian has a given condition number, exactly fitted by a linear model";
    // Ten times as many samples as unknowns: batches have room to differ.
    /// Training samples, and as many for testing.
    samples: usize = 200,
    /// Numbers an input.
    dimension: usize = 20,
    /// Largest eigenvalue of the Hessian over the smallest.
    condition: f64 = 100.0,
}

impl Quadratic {
    fn refuse(&self) -> Result<()> {
        within("dimension", self.dimension, 2..=1000)?;
        within("samples", self.samples, self.dimension..=1_000_000)?;
        // Beyond that the smallest eigenvalue is rounding.
        within("condition", self.condition, 1.0..=1e12)?;
        fits_in_memory("samples", 2 * self.samples, self.dimension)?;
        // The work of making columns orthonormal.
        within("samples", (self.samples * self.dimension * self.dimension) as u64, 1..=10_000_000_000)
    }
}

impl Quadratic {
    /// The samples for training, then those for testing.
    pub fn load(&self, streams: &Streams) -> Result<Raw> {
        let (n, d) = (self.samples, self.dimension);
        let draw = |name: &str, index: u64| streams.stream(&format!("data/quadratic/{name}"), index);
        let axes = orthogonal(d, d, &mut draw("axes", 0));
        let mut rng = draw("optimum", 0);
        let optimum: Vec<f64> = (0..d).map(|_| normal(&mut rng)).collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        // A row of n diag(lambda) in its own axes, and its root.
        let root = |i: usize| (n as f64 * self.condition.powf(-(i as f64) / (d as f64 - 1.0))).sqrt();
        let roots: Vec<f64> = (0..d).map(root).collect();
        let (mut x, mut values) = (Vec::new(), Vec::new());
        for part in 0..2 {
            for mut row in orthogonal(n, d, &mut draw("samples", part)) {
                row.iter_mut().zip(&roots).for_each(|(u, root)| *u *= root);
                let input: Vec<f64> = axes.iter().map(|axis| dot(axis, &row)).collect();
                values.push(dot(&input, &optimum));
                x.extend(input);
            }
        }
        let samples = Samples::of_values(x, values, 2 * n);
        Ok(Raw {
            shape: vec![d],
            outputs: 1,
            samples,
            split: Split::Last(n),
            own_scale: true,
            ..Raw::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::base::Result;
    use crate::data::{Dataset, Preparation};
    use faer::{Mat, Side};

    #[test]
    fn the_hessian_has_the_spectrum_that_is_asked_for_and_the_values_are_fitted() -> Result<()> {
        for (condition, d) in [(1.0f64, 3), (10.0, 2), (1000.0, 20)] {
            let source = format!("quadratic:dimension={d},condition={condition},samples=50").parse()?;
            let data = Dataset::load(&source, 3, &Preparation::default())?;
            for samples in [&data.train, &data.test] {
                let x = Mat::from_fn(50, d, |i, j| samples.x[i * d + j]);
                let hessian = x.transpose() * &x * faer::Scale(1.0 / 50.0);
                let mut found = hessian.self_adjoint_eigenvalues(Side::Lower).unwrap_or_default();
                found.sort_by(|a, b| b.total_cmp(a));
                assert_eq!(found.len(), d);
                for (i, lambda) in found.iter().enumerate() {
                    let expected = (-(i as f64) / (d as f64 - 1.0) * condition.ln()).exp();
                    // Rounding of sums over 50 samples, relative to the largest eigenvalue, 1.
                    assert!((lambda - expected).abs() < 1e-12, "{condition}: {i}: {lambda}, not {expected}");
                }
                // Values of one linear function: the normal equations of the training samples leave nothing of both parts.
                let own = Mat::from_fn(50, d, |i, j| data.train.x[i * d + j]);
                let y = |values: Option<&[f64]>| {
                    let values = values.unwrap_or_default().to_vec();
                    Mat::from_fn(values.len(), 1, |i, _| values[i])
                };
                let normal = own.transpose() * &own;
                let right = own.transpose() * y(data.train.values());
                let theta = faer::linalg::solvers::Solve::solve(&normal.partial_piv_lu(), &right);
                let left = &x * &theta - y(samples.values());
                // 1e-16 times the condition number.
                assert!(left.norm_max() < 1e-11, "{condition}: {}", left.norm_max());
            }
        }
        Ok(())
    }
}
