//! The vectors of a recurrence, which are most of what it holds: n numbers each.
//!
//! Of products in f32 a long basis is kept in f32 too, at half the memory and half the time to read it, and all arithmetic
//! with it is in f64. What that leaves of orthogonality, some 1e-7, is what such products have of symmetry, and far below the 1e-4
//! at which a recurrence in f32 would lose eigenvalues (Simon 1984: the root of the rounding unit).

use super::{Operator, vectors};
use crate::base::parallel;

/// From how many numbers on a vector is long: a hundred in f64 take 80 MB.
pub(super) const LONG: usize = 100_000;
/// Rows that are combined at once: a run of as many numbers of each vector.
const ROWS: usize = 4096;

/// Vectors of the same length, one after the other.
#[derive(Debug)]
pub(super) enum Basis {
    /// In full.
    Double(Vec<Vec<f64>>),
    /// In as many digits as products in f32 have.
    Single(Vec<Vec<f32>>),
}

/// Whether a basis of vectors of n numbers is kept in f32, of products with this rounding unit.
fn is_single(n: usize, epsilon: f64) -> bool {
    n >= LONG && epsilon >= f64::from(f32::EPSILON)
}

/// Bytes of a vector in the basis of an operator of n dimensions whose products have this rounding unit.
pub fn bytes_of(n: usize, epsilon: f64) -> usize {
    n * if is_single(n, epsilon) { size_of::<f32>() } else { size_of::<f64>() }
}

/// Bytes of a vector in the basis of this operator.
pub fn bytes(operator: &dyn Operator) -> usize {
    bytes_of(operator.dimension(), operator.epsilon())
}

impl Basis {
    /// An empty one for an operator's products.
    pub fn new(operator: &dyn Operator) -> Self {
        if is_single(operator.dimension(), operator.epsilon()) {
            Self::Single(Vec::new())
        } else {
            Self::Double(Vec::new())
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Double(all) => all.len(),
            Self::Single(all) => all.len(),
        }
    }

    pub fn push(&mut self, vector: Vec<f64>) {
        match self {
            Self::Double(all) => all.push(vector),
            Self::Single(all) => all.push(vector.iter().map(|x| *x as f32).collect()),
        }
    }

    /// The vector `i`, as it is kept.
    pub fn get(&self, i: usize) -> Option<Vec<f64>> {
        match self {
            Self::Double(all) => all.get(i).cloned(),
            Self::Single(all) => all.get(i).map(|v| v.iter().map(|x| f64::from(*x)).collect()),
        }
    }

    /// q' v for each of them.
    pub fn project(&self, v: &[f64]) -> Vec<f64> {
        match self {
            Self::Double(all) => vectors::project(all, v),
            Self::Single(all) => vectors::project(all, v),
        }
    }

    /// v + sum_j c_j q_j over those from `first` on, in place.
    pub fn combine(&self, first: usize, coefficients: &[f64], v: &mut [f64]) {
        match self {
            Self::Double(all) => vectors::combine(&all[first..], coefficients, v),
            Self::Single(all) => vectors::combine(&all[first..], coefficients, v),
        }
    }

    /// From `first` on: in the place of as many vectors as a column has numbers their combinations, one for each column. What
    /// follows them follows these.
    pub fn replace(&mut self, first: usize, columns: &[Vec<f64>]) {
        match self {
            Self::Double(all) => replace(all, first, columns, |x| x),
            Self::Single(all) => replace(all, first, columns, |x| x as f32),
        }
    }
}

/// In place, a run of rows after the other: nothing is held twice.
fn replace<T: Copy + Into<f64> + Send + Sync>(
    all: &mut Vec<Vec<T>>,
    first: usize,
    columns: &[Vec<f64>],
    rounded: impl Fn(f64) -> T + Sync,
) {
    let m = columns.first().map_or(0, Vec::len);
    let n = all.first().map_or(0, Vec::len);
    let mut runs: Vec<Vec<&mut [T]>> = Vec::new();
    runs.resize_with(n.div_ceil(ROWS), Vec::new);
    for vector in &mut all[first..first + m] {
        runs.iter_mut().zip(vector.chunks_mut(ROWS)).for_each(|(run, rows)| run.push(rows));
    }
    parallel::parts_mut(&mut runs, 1, &|_, runs| {
        for run in runs {
            let mut sums = vec![vec![0.0; run[0].len()]; columns.len()];
            for (sum, column) in sums.iter_mut().zip(columns) {
                for (rows, c) in run.iter().zip(column) {
                    sum.iter_mut().zip(rows.iter()).for_each(|(sum, x)| *sum += c * (*x).into());
                }
            }
            for (rows, sum) in run.iter_mut().zip(sums) {
                rows.iter_mut().zip(sum).for_each(|(x, sum)| *x = rounded(sum));
            }
        }
    });
    all.drain(first + columns.len()..first + m);
}
