//! Operators made of operators: a part of one, one that is shifted, scaled or deflated, and the dense matrix of one.
//!
//! Each costs one product of what is inside, and a few operations an entry beside it. The rounding unit is that of
//! what is inside: where a shift or a deflation takes most of the norm away, rounding is that of the norm before.

use super::{BLOCK, Operator, symmetric, tridiagonal, vectors};
use crate::base::{Error, Result, interrupt, parallel};
use std::ops::Range;

/// Some rows of an operator, and the same columns.
pub struct Restricted<'a> {
    inner: &'a dyn Operator,
    kept: Vec<Range<usize>>,
    dimension: usize,
}

impl<'a> Restricted<'a> {
    /// Keeps these rows and columns: ranges that ascend, without overlap, none empty.
    pub fn new(inner: &'a dyn Operator, kept: Vec<Range<usize>>) -> Result<Self> {
        let n = inner.dimension();
        let mut end = 0;
        for range in &kept {
            if range.start < end || range.is_empty() || range.end > n {
                let expected = format!("ranges that ascend within {n}");
                return Err(Error::expected(
                    "part of an operator",
                    expected,
                    format!("{range:?} after {end}"),
                ));
            }
            end = range.end;
        }
        match kept.iter().map(Range::len).sum() {
            0 => Err(Error::expected("part of an operator", "at least one row", 0)),
            dimension => Ok(Self { inner, kept, dimension }),
        }
    }

    /// A vector of the part as one of the whole: zero elsewhere.
    pub fn widen(&self, part: &[f64]) -> Vec<f64> {
        let mut whole = vec![0.0; self.inner.dimension()];
        let mut at = 0;
        for range in &self.kept {
            whole[range.clone()].copy_from_slice(&part[at..at + range.len()]);
            at += range.len();
        }
        whole
    }

    /// What a vector of the whole has in the part.
    pub fn narrow(&self, whole: &[f64]) -> Vec<f64> {
        self.kept.iter().flat_map(|range| &whole[range.clone()]).copied().collect()
    }
}

impl Operator for Restricted<'_> {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn apply(&self, block: &[f64], k: usize) -> Vec<f64> {
        let whole: Vec<f64> = block.chunks(self.dimension).flat_map(|x| self.widen(x)).collect();
        let product = self.inner.apply(&whole, k);
        product.chunks(self.inner.dimension()).flat_map(|x| self.narrow(x)).collect()
    }

    fn epsilon(&self) -> f64 {
        self.inner.epsilon()
    }
}

/// A + c I.
pub struct Shifted<'a> {
    /// A.
    pub inner: &'a dyn Operator,
    /// c.
    pub by: f64,
}

impl Operator for Shifted<'_> {
    fn dimension(&self) -> usize {
        self.inner.dimension()
    }

    fn apply(&self, block: &[f64], k: usize) -> Vec<f64> {
        let mut product = self.inner.apply(block, k);
        product.iter_mut().zip(block).for_each(|(product, x)| *product += self.by * x);
        product
    }

    fn epsilon(&self) -> f64 {
        self.inner.epsilon()
    }
}

/// A - sum lambda_i v_i v_i': A with eigenpairs taken out, whose place zeros take.
pub struct Deflated<'a> {
    inner: &'a dyn Operator,
    values: Vec<f64>,
    vectors: Vec<Vec<f64>>,
}

impl<'a> Deflated<'a> {
    /// Takes out a value lambda_i and a unit vector v_i of n numbers each.
    pub fn new(inner: &'a dyn Operator, values: Vec<f64>, vectors: Vec<Vec<f64>>) -> Self {
        let n = inner.dimension();
        assert!(values.len() == vectors.len() && vectors.iter().all(|v| v.len() == n), "pairs of n numbers");
        Self { inner, values, vectors }
    }
}

impl Operator for Deflated<'_> {
    fn dimension(&self) -> usize {
        self.inner.dimension()
    }

    fn apply(&self, block: &[f64], k: usize) -> Vec<f64> {
        let n = self.dimension();
        let mut product = self.inner.apply(block, k);
        for (x, product) in block.chunks(n).zip(product.chunks_mut(n)) {
            let parts = vectors::project(&self.vectors, x);
            let negative: Vec<f64> =
                parts.iter().zip(&self.values).map(|(part, value)| -value * part).collect();
            vectors::combine(&self.vectors, &negative, product);
        }
        product
    }

    fn epsilon(&self) -> f64 {
        self.inner.epsilon()
    }
}

/// D A D, D a diagonal matrix.
pub struct Scaled<'a> {
    inner: &'a dyn Operator,
    by: Vec<f64>,
}

impl<'a> Scaled<'a> {
    /// With the n numbers of D.
    pub fn new(inner: &'a dyn Operator, by: Vec<f64>) -> Self {
        assert_eq!(by.len(), inner.dimension(), "a diagonal of n numbers");
        Self { inner, by }
    }

    fn scale(&self, block: &mut [f64]) {
        for x in block.chunks_mut(self.by.len()) {
            x.iter_mut().zip(&self.by).for_each(|(x, d)| *x *= d);
        }
    }
}

impl Operator for Scaled<'_> {
    fn dimension(&self) -> usize {
        self.inner.dimension()
    }

    fn apply(&self, block: &[f64], k: usize) -> Vec<f64> {
        let mut block = block.to_vec();
        self.scale(&mut block);
        let mut product = self.inner.apply(&block, k);
        self.scale(&mut product);
        product
    }

    fn epsilon(&self) -> f64 {
        self.inner.epsilon()
    }
}

/// A + D, D a diagonal matrix: a curvature with weight decay on some of its parameters.
pub struct Plus<'a> {
    inner: &'a dyn Operator,
    diagonal: Vec<f64>,
}

impl<'a> Plus<'a> {
    /// With the n numbers of D.
    pub fn new(inner: &'a dyn Operator, diagonal: Vec<f64>) -> Self {
        assert_eq!(diagonal.len(), inner.dimension(), "a diagonal of n numbers");
        Self { inner, diagonal }
    }
}

impl Operator for Plus<'_> {
    fn dimension(&self) -> usize {
        self.inner.dimension()
    }

    fn apply(&self, block: &[f64], k: usize) -> Vec<f64> {
        let n = self.dimension();
        let mut product = self.inner.apply(block, k);
        for (x, product) in block.chunks(n).zip(product.chunks_mut(n)) {
            product.iter_mut().zip(x).zip(&self.diagonal).for_each(|((product, x), d)| *product += d * x);
        }
        product
    }

    fn epsilon(&self) -> f64 {
        self.inner.epsilon()
    }
}

/// The matrix of an operator, n x n, column-major: its products with the columns of the identity, a block at a time, and of
/// the two entries that should be the same their mean. What is not finite stays so.
pub fn dense(operator: &dyn Operator) -> Result<Vec<f64>> {
    let n = operator.dimension();
    let mut matrix = Vec::with_capacity(n * n);
    for first in (0..n).step_by(BLOCK) {
        interrupt::check("dense matrix", "unfinished matrices are not kept")?;
        let k = BLOCK.min(n - first);
        let mut block = vec![0.0; n * k];
        (0..k).for_each(|j| block[j * n + first + j] = 1.0);
        let products = operator.apply(&block, k);
        assert_eq!(products.len(), n * k, "products of n numbers");
        matrix.extend(products);
    }
    interrupt::check("dense matrix", "unfinished matrices are not kept")?;
    for j in 0..n {
        for i in 0..j {
            let mean = 0.5 * matrix[i + j * n] + 0.5 * matrix[j + i * n];
            matrix[i + j * n] = mean;
            matrix[j + i * n] = mean;
        }
    }
    Ok(matrix)
}

/// A symmetric matrix that is known entry by entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    dimension: usize,
    matrix: Vec<f64>,
    /// The rounding unit of the products that the numbers come from.
    epsilon: f64,
}

impl Dense {
    /// With n x n numbers that are symmetric.
    pub fn new(dimension: usize, matrix: Vec<f64>) -> Self {
        assert_eq!(matrix.len(), dimension * dimension, "a matrix of n x n numbers");
        Self { dimension, matrix, epsilon: f64::EPSILON }
    }

    /// Of an operator, at n products.
    pub fn of(operator: &dyn Operator) -> Result<Self> {
        let epsilon = operator.epsilon();
        Ok(Self { epsilon, ..Self::new(operator.dimension(), dense(operator)?) })
    }

    /// The same, as the sum of products with this rounding unit.
    pub fn with_epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    /// A + c I.
    pub fn shifted(mut self, by: f64) -> Self {
        let n = self.dimension;
        self.matrix.iter_mut().step_by(n + 1).for_each(|x| *x += by);
        self
    }

    /// D A D, D the diagonal matrix of these n numbers.
    pub fn scaled(&self, by: &[f64]) -> Self {
        let column = |(column, d): (&[f64], &f64)| -> Vec<f64> {
            column.iter().zip(by).map(|(x, e)| e * x * d).collect()
        };
        let columns = self.matrix.chunks(self.dimension.max(1)).zip(by);
        Self { matrix: columns.flat_map(column).collect(), ..*self }
    }

    /// Its numbers, column-major.
    pub fn matrix(&self) -> &[f64] {
        &self.matrix
    }

    /// All eigenpairs, values ascending, on one thread: about 9 n^3 operations. Fails if the matrix is not finite.
    pub fn eigen(&self) -> Result<tridiagonal::Eigen> {
        symmetric::eigen(&self.matrix, self.dimension)
    }
}

impl Operator for Dense {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn apply(&self, block: &[f64], k: usize) -> Vec<f64> {
        let n = self.dimension;
        if n == 0 {
            return Vec::new();
        }
        // Row i of a symmetric matrix is its column i, which is in one piece.
        let row =
            |i: usize| block.chunks(n).map(|x| vectors::dot(&self.matrix[i * n..(i + 1) * n], x)).collect();
        let rows: Vec<Vec<f64>> = parallel::map(n, &row);
        (0..k).flat_map(|j| rows.iter().map(move |row| row[j])).collect()
    }

    fn epsilon(&self) -> f64 {
        self.epsilon
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_are_none_are_refused() {
        let a = Dense::new(4, vec![1.0; 16]);
        let refused = |kept: Vec<Range<usize>>, what: &str| {
            let error = Restricted::new(&a, kept).err().map(|e| e.to_string());
            assert_eq!(error.as_deref(), Some(what));
        };
        refused(vec![], "part of an operator: expected at least one row, found 0");
        let ascend = "part of an operator: expected ranges that ascend within 4, found";
        refused(vec![0..2, 1..3], &format!("{ascend} 1..3 after 2"));
        refused(vec![0..1, 2..5], &format!("{ascend} 2..5 after 1"));
        refused(vec![2..2, 3..4], &format!("{ascend} 2..2 after 0"));
        assert!(Restricted::new(&a, vec![0..1, 1..4]).is_ok());
    }

    #[test]
    fn a_dense_matrix_that_is_not_finite_has_no_eigenvalues() {
        assert!(Dense::new(2, vec![1.0, f64::NAN, f64::NAN, 1.0]).eigen().is_err());
        assert!(Dense::new(0, vec![]).eigen().unwrap().values.is_empty());
        let found = Dense::new(2, vec![2e200, 1e200, 1e200, 2e200]).eigen().unwrap();
        assert!(
            (found.values[0] / 1e200 - 1.0).abs() < 1e-15 && (found.values[1] / 3e200 - 1.0).abs() < 1e-15
        );
    }
}
