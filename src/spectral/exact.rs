//! A small operator written out: its dense matrix and all its eigenpairs, so that nothing of its spectrum is sampled.
//!
//! An operator of n dimensions costs n products, which is less than what certificates, probes and starts take together where n is
//! small. From the matrix come the trace, the Frobenius norm, the diagonal, every eigenvalue and the density of all of
//! them, exact but for the rounding of the products. [`Known`] is an operator of either sort, and answers the same questions.
//!
//! Cost: n products, about 9 n^3 operations on one thread, 2 n^2 numbers kept.

use super::krylov::ROUNDING;
use super::quadrature::{self, Quadrature, Rule};
use super::trace::{self, Diagonal, Frobenius};
use super::tridiagonal::Eigen;
use super::{Dense, Ends, Estimate, Operator, Pair, Settings, SoFar, Stopped, Wanted, vectors, watched};
use crate::base::random::Rng;
use crate::base::{Result, Streams, interrupt};
use std::sync::OnceLock;

/// A dense matrix with its eigenpairs, which are computed when they are first asked for.
#[derive(Debug)]
pub struct Exact {
    dense: Dense,
    eigen: OnceLock<Eigen>,
    products: usize,
}

/// What is known of an operator: its products alone, or all of it.
pub enum Known<'a> {
    /// Products with vectors: the rest is found by Lanczos and random probes.
    Products(&'a dyn Operator),
    /// The whole matrix.
    Whole(Exact),
}

impl Exact {
    /// A matrix that took so many products; all of its numbers must be finite.
    pub fn new(dense: Dense, products: usize) -> Self {
        Self { dense, eigen: OnceLock::new(), products }
    }

    /// The matrix.
    pub fn dense(&self) -> &Dense {
        &self.dense
    }

    /// The matrix alone.
    pub fn into_dense(self) -> Dense {
        self.dense
    }

    /// All eigenpairs, values ascending.
    pub fn eigen(&self) -> Result<&Eigen> {
        match self.eigen.get() {
            Some(eigen) => Ok(eigen),
            None => {
                let eigen = self.dense.eigen()?;
                Ok(self.eigen.get_or_init(|| eigen))
            }
        }
    }

    /// Both ends of the spectrum; every pair is certain to the rounding of the products.
    fn ends(&self, wanted: Wanted) -> Result<Ends> {
        let n = self.dense.dimension();
        let eigen = self.eigen()?;
        let scale = eigen.values.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        let spread = eigen.values.last().zip(eigen.values.first()).map_or(0.0, |(last, first)| last - first);
        let margin = ROUNDING * self.dense.epsilon().max(f64::EPSILON) * scale;
        let pair = |i: usize| {
            interrupt::check("eigenvalues", "unfinished eigenvalues are not kept")?;
            let value = eigen.values[i];
            let mut vector: Vec<f64> = (0..n).map(|j| eigen.vectors[(j, i)]).collect();
            vectors::orient(&mut vector);
            let product = self.dense.apply(&vector, 1);
            let rest: Vec<f64> = product.iter().zip(&vector).map(|(p, x)| p - value * x).collect();
            let residual = vectors::norm(&rest);
            let interval = [value - residual - margin, value + residual + margin];
            Ok(Pair {
                value,
                vector,
                residual,
                interval,
                converged: true,
                certified: true,
                bound: Some(value),
            })
        };
        Ok(Ends {
            top: (0..wanted.top.min(n)).map(|i| pair(n - 1 - i)).collect::<Result<_>>()?,
            bottom: (0..wanted.bottom.min(n)).map(pair).collect::<Result<_>>()?,
            steps: 0,
            products: self.products,
            scale,
            spread,
            restarts: 0,
            stopped: Stopped::Exact,
        })
    }

    /// The sum of the squares of all entries, and its root.
    fn frobenius(&self) -> Frobenius {
        let norm = vectors::norm(self.dense.matrix());
        let estimate = |value| Estimate::exact(value, self.products);
        Frobenius { squared: estimate(norm * norm), norm: estimate(norm) }
    }

    fn diagonal(&self) -> Vec<f64> {
        let n = self.dense.dimension();
        self.dense.matrix().iter().copied().step_by(n + 1).collect()
    }

    /// All eigenvalues with a weight of 1/n each, as the one rule of a density whose bumps are as wide as those of so many
    /// Lanczos steps.
    fn rule(&self, steps: usize) -> Result<Quadrature> {
        let n = self.dense.dimension();
        let (nodes, weights) = (self.eigen()?.values.clone(), vec![1.0 / n as f64; n]);
        let radau = Some((nodes.clone(), weights.clone()));
        Ok(Quadrature {
            dimension: n,
            steps,
            rules: vec![Rule { nodes, weights, steps: n, exhausted: true, radau }],
            products: self.products,
            epsilon: self.dense.epsilon().max(f64::EPSILON),
            exact: true,
        })
    }
}

impl<'a> Known<'a> {
    /// `operator` written out, at n products; as it is, where a product is not finite.
    pub fn whole(operator: &'a dyn Operator) -> Result<Self> {
        let dense = Dense::of(operator)?;
        let finite = dense.matrix().iter().all(|x| x.is_finite());
        let products = operator.dimension();
        Ok(if finite { Self::Whole(Exact::new(dense, products)) } else { Self::Products(operator) })
    }

    /// Whether nothing is sampled.
    pub fn is_exact(&self) -> bool {
        matches!(self, Self::Whole(_))
    }

    /// The matrix, where it is known.
    pub fn exact(&self) -> Option<&Exact> {
        match self {
            Self::Products(_) => None,
            Self::Whole(exact) => Some(exact),
        }
    }

    /// As something to multiply by.
    pub fn operator(&self) -> &dyn Operator {
        match self {
            Self::Products(operator) => *operator,
            Self::Whole(exact) => &exact.dense,
        }
    }

    /// See [`ends`](super::ends).
    pub fn ends(&self, wanted: Wanted, rng: &mut Rng, settings: &Settings) -> Result<Ends> {
        self.watched(wanted, rng, settings, &|_| ())
    }

    /// See [`watched`].
    pub fn watched(
        &self,
        wanted: Wanted,
        rng: &mut Rng,
        settings: &Settings,
        watch: &dyn Fn(&SoFar),
    ) -> Result<Ends> {
        match self {
            Self::Products(operator) => watched(*operator, wanted, rng, settings, watch),
            Self::Whole(exact) => exact.ends(wanted),
        }
    }

    /// The trace, by Hutchinson's estimator where it is sampled.
    pub fn trace(&self, probes: usize, streams: &Streams) -> Result<Estimate> {
        match self {
            Self::Products(operator) => trace::hutchinson(*operator, probes, streams),
            Self::Whole(exact) => Ok(Estimate::exact(exact.diagonal().iter().sum(), exact.products)),
        }
    }

    /// The trace, by Hutch++ where it is sampled.
    pub fn trace_by_sketch(&self, products: usize, streams: &Streams) -> Result<Estimate> {
        match self {
            Self::Products(operator) => trace::hutch_plus_plus(*operator, products, streams),
            Self::Whole(_) => self.trace(0, streams),
        }
    }

    /// The Frobenius norm.
    pub fn frobenius(&self, probes: usize, streams: &Streams) -> Result<Frobenius> {
        match self {
            Self::Products(operator) => trace::frobenius(*operator, probes, streams),
            Self::Whole(exact) => Ok(exact.frobenius()),
        }
    }

    /// The diagonal.
    pub fn diagonal(&self, probes: usize, streams: &Streams) -> Result<Diagonal> {
        match self {
            Self::Products(operator) => trace::diagonal(*operator, probes, streams),
            Self::Whole(exact) => {
                let values = exact.diagonal();
                let standard_errors = vec![0.0; values.len()];
                Ok(Diagonal { values, standard_errors, probes: 0 })
            }
        }
    }

    /// Gauss rules for traces of functions and densities: one rule of all eigenvalues, where they are known.
    pub fn quadrature(&self, settings: &quadrature::Settings, streams: &Streams) -> Result<Quadrature> {
        match self {
            Self::Products(operator) => quadrature::quadrature(*operator, settings, streams),
            Self::Whole(exact) => exact.rule(settings.steps),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Streams;

    /// Q diag(values) Q', Q a reflection, with so fine a rounding unit.
    fn matrix(values: &[f64]) -> Dense {
        let n = values.len();
        let v: Vec<f64> = (0..n).map(|i| (i as f64 + 1.0).sin()).collect();
        let square = vectors::dot(&v, &v);
        let q = |i: usize, j: usize| f64::from(u8::from(i == j)) - 2.0 * v[i] * v[j] / square;
        let entry = |i: usize, j: usize| (0..n).map(|k| q(i, k) * values[k] * q(j, k)).sum();
        Dense::new(n, (0..n * n).map(|k| entry(k % n, k / n)).collect())
    }

    #[test]
    fn nothing_of_a_small_operator_is_sampled() -> Result<()> {
        let values = [5.0, 3.0, 3.0, 3.0, 0.0, -1e-3, -2.0];
        let operator = matrix(&values);
        let known = Known::whole(&operator)?;
        let (streams, settings) = (Streams::new(0), Settings::default());
        let near =
            |found: f64, expected: f64| assert!((found - expected).abs() < 1e-13, "{found}, not {expected}");
        let ends = known.ends(Wanted { top: 4, bottom: 2 }, &mut streams.stream("x", 0), &settings)?;
        for (pair, expected) in ends.top.iter().chain(&ends.bottom).zip([5.0, 3.0, 3.0, 3.0, -2.0, -1e-3]) {
            near(pair.value, expected);
            assert!(
                pair.certified
                    && pair.residual < 1e-14
                    && pair.interval[0] <= expected
                    && expected <= pair.interval[1]
            );
        }
        assert!(ends.stopped == Stopped::Exact && ends.products == 7 && ends.certified());
        let (trace, squares) = (values.iter().sum::<f64>(), values.iter().map(|x| x * x).sum::<f64>());
        for estimate in [known.trace(3, &streams)?, known.trace_by_sketch(9, &streams)?] {
            near(estimate.value, trace);
            assert!(estimate.is_exact() && estimate.standard_error == 0.0);
        }
        near(known.frobenius(3, &streams)?.squared.value, squares);
        near(known.diagonal(3, &streams)?.values.iter().sum(), trace);
        let rules = known.quadrature(&quadrature::Settings { steps: 10, probes: 2 }, &streams)?;
        near(rules.expectation(|x| x * x).value, squares);
        near(rules.negative_mass().value, 2.0 / 7.0);
        assert!(
            rules.exact && rules.negative_mass().is_exact() && rules.log_density(11)?.near_zero.is_exact()
        );
        near(rules.log_density(11)?.near_zero.value, 1.0 / 7.0);
        Ok(())
    }

    #[test]
    fn shifts_and_scalings_of_a_matrix_are_those_of_the_operator() -> Result<()> {
        let operator = matrix(&[4.0, 1.0, -1.0]);
        let by = [2.0, 0.0, -3.0];
        let scaled = Dense::of(&super::super::Scaled::new(&operator, by.to_vec()))?;
        assert_eq!(operator.scaled(&by), scaled);
        let shifted = Dense::of(&super::super::Shifted { inner: &operator, by: 0.5 })?;
        assert_eq!(operator.clone().shifted(0.5), shifted);
        // What is not finite is left to those who can say so.
        let broken = Dense::new(2, vec![1.0, f64::NAN, f64::NAN, 1.0]);
        assert!(!Known::whole(&broken)?.is_exact());
        Ok(())
    }

    #[test]
    fn a_long_decomposition_is_that_of_a_short_one() -> Result<()> {
        // Beyond where a decomposition goes on a thread of its own: a chain of springs, 2 - 2 cos(pi k / (n + 1)).
        let n = 520;
        let entry = |i: usize, j: usize| [2.0, -1.0, 0.0][i.abs_diff(j).min(2)];
        let chain = Dense::new(n, (0..n * n).map(|k| entry(k % n, k / n)).collect());
        for (k, value) in Exact::new(chain, n).eigen()?.values.iter().enumerate() {
            let expected = 2.0 - 2.0 * (std::f64::consts::PI * (k + 1) as f64 / (n + 1) as f64).cos();
            assert!((value - expected).abs() < 1e-12, "{k}: {value}, not {expected}");
        }
        Ok(())
    }
}
