//! Traces, diagonals and norms of a matrix by its products with random vectors.
//!
//! A probe z has independent entries +1 and -1 (Rademacher): E zz' = I, and of all such distributions it has the least
//! variance.
//!
//! | what | mean of | variance of one probe | source |
//! |---|---|---|---|
//! | tr A | z' A z | 2 (\|\|A\|\|_F^2 - sum a_ii^2) | Hutchinson 1990 |
//! | tr A, Hutch++ | see [`hutch_plus_plus`] | of what a sketch leaves | Meyer, Musco, Musco and Woodruff 2021 |
//! | \|\|A\|\|_F^2 | \|\|A z\|\|^2 | 2 (\|\|A^2\|\|_F^2 - sum (A^2)_ii^2) | tr A^2 |
//! | a_ii | z_i (A z)_i | sum over j != i of a_ij^2 | Bekas, Kokiopoulou and Saad 2007 |
//!
//! A diagonal matrix has a variance of zero, and so a standard error of zero: that is right.
//!
//! Cost: a product a probe, in blocks of [`BLOCK`], of which n numbers each are kept. Probe i is a stream of its own,
//! so that more probes go on where fewer ended.

use super::krylov::{ROUNDING, orthogonalise};
use super::{BLOCK, Operator, vectors};
use crate::base::{Error, Result, Streams, interrupt};
use serde::{Deserialize, Serialize};

pub use super::estimate::Estimate;

/// Products with `count` vectors, made one by one and multiplied in blocks; `each` has them in order.
pub(super) fn in_blocks(
    operator: &dyn Operator,
    at: &str,
    count: usize,
    mut make: impl FnMut(usize) -> Vec<f64>,
    mut each: impl FnMut(&[f64], &[f64]),
) -> Result<()> {
    let n = operator.dimension();
    for first in (0..count).step_by(BLOCK) {
        interrupt::check(at, "unfinished estimates are not kept")?;
        let k = BLOCK.min(count - first);
        let block: Vec<f64> = (first..first + k).flat_map(&mut make).collect();
        let products = operator.apply(&block, k);
        assert_eq!(products.len(), n * k, "products of n numbers");
        // A product that a stop has cut short is not one.
        interrupt::check(at, "unfinished estimates are not kept")?;
        block.chunks(n).zip(products.chunks(n)).for_each(|(z, product)| each(z, product));
    }
    Ok(())
}

/// Refuses an operator of no dimensions, and fewer than `least` of what `at` counts.
fn check(operator: &dyn Operator, at: &str, least: usize, found: usize) -> Result<()> {
    if operator.dimension() == 0 {
        return Err(Error::expected("trace", "an operator of at least one dimension", 0));
    }
    if found < least { Err(Error::expected(at, format!("at least {least}"), found)) } else { Ok(()) }
}

/// Probe `i` of the streams called `name`.
fn probe<'a>(n: usize, name: &'a str, streams: &'a Streams) -> impl FnMut(usize) -> Vec<f64> + 'a {
    move |i| vectors::rademacher(n, &mut streams.stream(name, i as u64))
}

/// The trace, by Hutchinson's estimator: the mean of z' A z over so many probes, a product each. The streams are
/// `spectral/trace`.
pub fn hutchinson(operator: &dyn Operator, probes: usize, streams: &Streams) -> Result<Estimate> {
    check(operator, "probes", 1, probes)?;
    let mut sample = Vec::with_capacity(probes);
    let make = probe(operator.dimension(), "spectral/trace", streams);
    in_blocks(operator, "trace", probes, make, |z, product| sample.push(vectors::dot(z, product)))?;
    Ok(Estimate::of(&sample, probes))
}

/// The trace by Hutch++, of at most so many products, at least 3. A third of them makes a sketch A S, S random signs, and
/// an orthonormal basis Q of it; a third the trace on the span of Q, which is exact; the rest are probes of what is left:
///
/// ```text
/// tr A = tr Q' A Q + E z' (I - QQ') A (I - QQ') z
/// ```
///
/// On a spectrum that decays the rest is small, and the error shrinks as 1/products rather than 1/sqrt(products);
/// on a flat one it is Hutchinson's with a third of the probes. Given Q it is unbiased, and the standard error is that
/// of the residual probes, whose number is the estimate's. If Q spans the
/// whole space nothing is left, and the trace is exact.
///
/// Keeps n numbers for each third product. The streams are `spectral/sketch` and `spectral/trace`.
pub fn hutch_plus_plus(operator: &dyn Operator, products: usize, streams: &Streams) -> Result<Estimate> {
    check(operator, "products", 3, products)?;
    let n = operator.dimension();
    let mut spent = 0;
    let mut q: Vec<Vec<f64>> = Vec::new();
    let sketch = (products / 3).min(n);
    let small = ROUNDING * operator.epsilon().max(f64::EPSILON);
    let mut finite = true;
    in_blocks(operator, "trace", sketch, probe(n, "spectral/sketch", streams), |_, product| {
        let mut w = product.to_vec();
        let before = vectors::norm(&w);
        finite &= before.is_finite();
        if !finite {
            return;
        }
        let (_, left) = orthogonalise(&q, &mut w);
        // What rounding leaves of a vector in the span says nothing about A.
        if left > small * before {
            vectors::divide(&mut w, left);
            q.push(w);
        }
    })?;
    spent += sketch;
    if !finite {
        return Ok(Estimate::exact(f64::NAN, spent));
    }
    let mut on_span = 0.0;
    in_blocks(
        operator,
        "trace",
        q.len(),
        |i| q[i].clone(),
        |x, product| on_span += vectors::dot(x, product),
    )?;
    spent += q.len();
    if q.len() == n {
        return Ok(Estimate::exact(on_span, spent));
    }
    let probes = products - spent;
    let mut draw = probe(n, "spectral/trace", streams);
    let mut sample = Vec::with_capacity(probes);
    let outside = |i| {
        let mut z = draw(i);
        let negative: Vec<f64> = vectors::project(&q, &z).iter().map(|c| -c).collect();
        vectors::combine(&q, &negative, &mut z);
        z
    };
    in_blocks(operator, "trace", probes, outside, |z, product| sample.push(vectors::dot(z, product)))?;
    Ok(Estimate::of(&sample, spent + probes).plus(on_span))
}

/// The Frobenius norm, sqrt(sum a_ij^2) = sqrt(sum lambda_i^2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frobenius {
    /// Its square, the mean over probes: unbiased.
    pub squared: Estimate,
    /// The norm, the root of that mean, with its standard error by the delta method.
    pub norm: Estimate,
}

/// ||A||_F by so many probes, a product each. The streams are `spectral/frobenius`.
pub fn frobenius(operator: &dyn Operator, probes: usize, streams: &Streams) -> Result<Frobenius> {
    check(operator, "probes", 1, probes)?;
    let mut sample = Vec::with_capacity(probes);
    let make = probe(operator.dimension(), "spectral/frobenius", streams);
    in_blocks(operator, "Frobenius norm", probes, make, |_, product| {
        sample.push(vectors::norm(product).powi(2));
    })?;
    let squared = Estimate::of(&sample, probes);
    Ok(Frobenius { norm: squared.clone().sqrt(), squared })
}

/// Every entry of a diagonal.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagonal {
    /// a_ii, the mean over probes.
    pub values: Vec<f64>,
    /// The standard error of each: NaN of one probe.
    pub standard_errors: Vec<f64>,
    /// How many probes there were, with a product each.
    pub probes: usize,
}

/// The diagonal by so many probes, a product each. The streams are `spectral/diagonal`.
pub fn diagonal(operator: &dyn Operator, probes: usize, streams: &Streams) -> Result<Diagonal> {
    check(operator, "probes", 1, probes)?;
    let n = operator.dimension();
    // Mean and sum of squares around it, one number at a time (Welford 1962): exact where all are the same.
    let (mut values, mut squares) = (vec![0.0; n], vec![0.0; n]);
    let mut count = 0.0;
    in_blocks(operator, "diagonal", probes, probe(n, "spectral/diagonal", streams), |z, product| {
        count += 1.0;
        for (((mean, square), z), product) in values.iter_mut().zip(&mut squares).zip(z).zip(product) {
            let x = z * product;
            let away = x - *mean;
            *mean += away / count;
            *square += away * (x - *mean);
        }
    })?;
    let standard_errors = squares.iter().map(|s| (s / (count * (count - 1.0))).sqrt()).collect();
    Ok(Diagonal { values, standard_errors, probes })
}
