//! The eigenvalues of largest magnitude by power iteration, the next ones with those before deflated:
//!
//! ```text
//! x <- P A x / ||P A x||        lambda = x' A x        P = I - sum v_i v_i' over the vectors found before
//! ```
//!
//! the classic, and here a cross-check of [`lanczos`](super::lanczos). Two iterates that look alike say little: on a spectrum that is
//! evenly spaced such a rule stops more than 1 % off in nearly every run. This one stops on the residual
//! r = ||A x - lambda x|| <= tolerance |lambda_1|, lambda_1 the largest magnitude seen, and says what it is:
//! [lambda - r - c, lambda + r + c] holds an eigenvalue of A itself (Weinstein 1934), c = 100 eps ||A x|| for rounding, the
//! largest seen.
//!
//! Nothing of it is certified. That the eigenvalue is the *largest*, or the one of its rank, a small residual does not say: a bulk at 0.9
//! hides an eigenvalue 1 for thousands of products. Of opposite eigenvalues +1 and -1 the iterates are a mixture, which does not
//! converge, and it says so.
//!
//! Cost: a product a step, and 4 n operations for each vector found before. The error of a pair shrinks as
//! |lambda_{i+1} / lambda_i| a step; Lanczos needs about the square root of as many.

use super::krylov::{ROUNDING, orthogonalise};
use super::{Operator, vectors};
use crate::base::random::Rng;
use crate::base::{Error, Result, interrupt};
use serde::{Deserialize, Serialize};

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Largest residual of a converged pair, as a share of the largest magnitude seen.
    pub tolerance: f64,
    /// Most products of one pair.
    pub most_products: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // As Lanczos's, which it is compared with.
            tolerance: 1e-3,
            // A gap of 1 % needs ln(sqrt(n) / tolerance) / 0.01 = 1300 at n = 1e5; beyond that Lanczos is the method.
            most_products: 1300,
        }
    }
}

impl Settings {
    /// Refuses numbers that make no sense.
    pub fn check(&self) -> Result<()> {
        if !(self.tolerance > 0.0 && self.tolerance < 1.0) {
            return Err(Error::expected("tolerance", "a number between 0 and 1", self.tolerance));
        }
        match self.most_products {
            0 => Err(Error::expected("most-products", "at least 1", 0)),
            _ => Ok(()),
        }
    }
}

/// Why the iteration of a pair ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stopped {
    /// The residual is within the tolerance.
    Converged,
    /// [`Settings::most_products`] came first.
    MostProducts,
    /// The iteration stands still, but what it found is no eigenvector of A within the tolerance: pairs before it that have not
    /// converged were deflated.
    InexactDeflation,
    /// A product has an entry that is NaN or infinite. The value is NaN, and there is no pair after it.
    NotFinite,
}

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Converged => "converged",
            Self::MostProducts => "most products",
            Self::InexactDeflation => "inexact deflation",
            Self::NotFinite => "not finite",
        })
    }
}

/// An approximate eigenpair.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// x' A x.
    pub value: f64,
    /// x, of length 1 and orthogonal to those before; its entry of largest magnitude, the first of several, is positive.
    pub vector: Vec<f64>,
    /// ||A x - value x||, of A itself and by the last product.
    pub residual: f64,
    /// From where to where an eigenvalue of A certainly lies. Whether it is the one of this rank, nobody knows.
    pub interval: [f64; 2],
    /// Products spent on this pair.
    pub products: usize,
    /// Why it ended.
    pub stopped: Stopped,
}

impl Found {
    /// Whether the residual is within the tolerance.
    pub fn converged(&self) -> bool {
        self.stopped == Stopped::Converged
    }
}

/// So many eigenpairs, or all n, of the largest magnitude, in the order in which the iteration finds them, from random
/// starts. Fails on settings that make no sense, and when a signal comes.
pub fn power(
    operator: &dyn Operator,
    wanted: usize,
    rng: &mut Rng,
    settings: &Settings,
) -> Result<Vec<Found>> {
    settings.check()?;
    let n = operator.dimension();
    if n == 0 {
        return Err(Error::expected("eigenvalues", "an operator of at least one dimension", 0));
    }
    let wanted = wanted.min(n);
    let (mut found, mut basis) = (Vec::with_capacity(wanted), Vec::with_capacity(wanted));
    let mut seen = Seen { value: 0.0, product: 0.0 };
    for _ in 0..wanted {
        let pair = iterate(operator, &basis, wanted, &mut seen, rng, settings)?;
        let stopped = pair.stopped;
        basis.push(pair.vector.clone());
        found.push(pair);
        if stopped == Stopped::NotFinite {
            break;
        }
    }
    found.iter_mut().for_each(|pair| vectors::orient(&mut pair.vector));
    Ok(found)
}

/// The largest magnitudes so far: of x' A x, and of A x.
struct Seen {
    value: f64,
    product: f64,
}

/// One pair in the complement of `basis`.
fn iterate(
    operator: &dyn Operator,
    basis: &[Vec<f64>],
    wanted: usize,
    seen: &mut Seen,
    rng: &mut Rng,
    settings: &Settings,
) -> Result<Found> {
    let n = operator.dimension();
    let mut x = loop {
        let mut x = vectors::gaussian(n, rng);
        let (_, length) = orthogonalise(basis, &mut x);
        if length > 0.0 {
            vectors::divide(&mut x, length);
            break x;
        }
    };
    let mut products = 0;
    loop {
        let product = operator.apply(&x, 1);
        assert_eq!(product.len(), n, "a product of n numbers");
        // A product that a stop has cut short is not one.
        interrupt::check("eigenvalues", "unfinished eigenvalues are not kept")?;
        products += 1;
        let value = vectors::dot(&x, &product);
        let length = vectors::norm(&product);
        if !(value.is_finite() && length.is_finite()) {
            let (vector, residual, interval) = (x, f64::NAN, [f64::NAN; 2]);
            return Ok(Found {
                value: f64::NAN,
                vector,
                residual,
                interval,
                products,
                stopped: Stopped::NotFinite,
            });
        }
        seen.value = seen.value.max(value.abs());
        seen.product = seen.product.max(length);
        let off = |y: &[f64]| {
            let rest: Vec<f64> = y.iter().zip(&x).map(|(y, x)| y - value * x).collect();
            vectors::norm(&rest)
        };
        let residual = off(&product);
        let mut next = product;
        let left = if basis.is_empty() { length } else { orthogonalise(basis, &mut next).1 };
        // Of the pair that the iteration can reach, the one of P A P. What is missing to A lies along the vectors before, at
        // most the residual of all of them together: each at this, all are within the tolerance.
        let inside = if basis.is_empty() { residual } else { off(&next) };
        let margin = ROUNDING * operator.epsilon().max(f64::EPSILON) * seen.product;
        let tolerance = settings.tolerance * seen.value;
        let still = inside <= (tolerance / (wanted as f64).sqrt()).max(margin);
        let stopped = match () {
            _ if still && residual <= tolerance.max(margin * (wanted as f64).sqrt()) => {
                Some(Stopped::Converged)
            }
            // All that rounding leaves: no step would change it.
            _ if inside <= margin || left == 0.0 => Some(Stopped::InexactDeflation),
            _ if products == settings.most_products => Some(Stopped::MostProducts),
            _ => None,
        };
        if let Some(stopped) = stopped {
            let interval = [value - residual - margin, value + residual + margin];
            return Ok(Found { value, vector: x, residual, interval, products, stopped });
        }
        vectors::divide(&mut next, left);
        x = next;
    }
}
