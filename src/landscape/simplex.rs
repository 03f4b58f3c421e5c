//! Simplexes of networks: all weighted means of some weight vectors, how large they are, and complexes of several that
//! connect minima (Benton et al. 2021, "Loss surface simplexes", arXiv 2102.13042).
//!
//! ```text
//! S(w_0 .. w_n) = { sum_k c_k w_k : c_k >= 0, sum_k c_k = 1 }
//! V(S) = sqrt(det G) / n!,   G_jk = <w_j - w_0, w_k - w_0>
//! ```
//!
//! which is what the Cayley-Menger determinant gives from distances. A complex of m minima and K connecting points has a
//! simplex for each minimum, spanned by it and all connecting points: with one, a star of segments; with two, triangles
//! that share an edge. Its volume is the sum of theirs.

use super::geometry::{difference, dot};
use crate::base::{parallel, random::Rng};
use rand::RngExt;

/// Shares of `n` points, uniform over the simplex that they span: the gaps between n - 1 sorted draws from U(0, 1), which are
/// Dirichlet(1, .., 1).
pub fn uniform(n: usize, rng: &mut Rng) -> Vec<f64> {
    let mut cuts: Vec<f64> = (1..n).map(|_| rng.random::<f64>()).collect();
    cuts.sort_by(f64::total_cmp);
    let from = [0.0].into_iter().chain(cuts.iter().copied());
    from.zip(cuts.iter().copied().chain([1.0])).map(|(a, b)| b - a).collect()
}

/// The point with these shares.
pub fn blended(shares: &[f64], points: &[&[f64]]) -> Vec<f64> {
    let mut sum = vec![0.0; points.first().map_or(0, |w| w.len())];
    for (share, w) in shares.iter().zip(points) {
        sum.iter_mut().zip(*w).for_each(|(s, w)| *s += share * w);
    }
    sum
}

/// Inner products of the points as seen from the first, n x n: its row and its column are zero.
pub fn gram(points: &[&[f64]]) -> Vec<f64> {
    let Some(first) = points.first() else { return Vec::new() };
    let spokes: Vec<Vec<f64>> = points.iter().map(|w| difference(w, first)).collect();
    let n = spokes.len();
    parallel::map(n * n, &|ij| dot(&spokes[ij / n], &spokes[ij % n]))
}

/// Distances between all points, n x n, from their [`gram`].
pub fn distances(gram: &[f64], n: usize) -> Vec<f64> {
    let square = |(i, j): (usize, usize)| gram[i * n + i] + gram[j * n + j] - 2.0 * gram[i * n + j];
    (0..n * n).map(|ij| square((ij / n, ij % n)).max(0.0).sqrt()).collect()
}

/// The lower triangle L of G = L L', row by row, of the edges that lead from the first of `members` to the others; none where
/// the points lie in fewer dimensions than they span, as far as rounding tells.
fn cholesky(gram: &[f64], n: usize, members: &[usize]) -> Option<Vec<Vec<f64>>> {
    let (base, rest) = members.split_first()?;
    let edge = |i: usize, j: usize| {
        gram[i * n + j] - gram[i * n + base] - gram[base * n + j] + gram[base * n + base]
    };
    let mut lower: Vec<Vec<f64>> = Vec::with_capacity(rest.len());
    for (j, a) in rest.iter().enumerate() {
        let mut row: Vec<f64> = Vec::with_capacity(j + 1);
        for (k, b) in rest[..j].iter().enumerate() {
            row.push((edge(*a, *b) - dot(&row, &lower[k][..k])) / lower[k][k]);
        }
        let left = edge(*a, *a) - dot(&row, &row);
        // What is left of an edge that lies in the span of the others is rounding.
        if left.is_nan() || left <= 1e-14 * edge(*a, *a) {
            return None;
        }
        row.push(left.sqrt());
        lower.push(row);
    }
    Some(lower)
}

/// The logarithm of the volume that `members` of the points span, minus infinity where they span none; with the [`gram`] of all
/// `n` points.
pub fn log_volume(gram: &[f64], n: usize, members: &[usize]) -> f64 {
    match cholesky(gram, n, members) {
        None => f64::NEG_INFINITY,
        // sqrt(det G) / n!, each edge's height beside its factor of n!.
        Some(lower) => lower.iter().enumerate().map(|(j, row)| libm::log(row[j] / (j + 1) as f64)).sum(),
    }
}

/// The inverse of G, from its triangle.
fn inverse(lower: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let n = lower.len();
    let column = |c: usize| {
        let mut x = vec![0.0; n];
        for j in 0..n {
            let unit = if j == c { 1.0 } else { 0.0 };
            x[j] = (unit - dot(&lower[j][..j], &x[..j])) / lower[j][j];
        }
        for j in (0..n).rev() {
            let known: f64 = (j + 1..n).map(|k| lower[k][j] * x[k]).sum();
            x[j] = (x[j] - known) / lower[j][j];
        }
        x
    };
    (0..n).map(column).collect()
}

/// Minima and the points that connect them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Complex {
    /// How many minima; they come first among the points.
    pub minima: usize,
    /// How many connecting points.
    pub connectors: usize,
}

impl Complex {
    /// How many points.
    pub fn points(self) -> usize {
        self.minima + self.connectors
    }

    /// The points of the simplex of minimum `i`: itself, then all connecting ones.
    pub fn simplex(self, i: usize) -> Vec<usize> {
        [i].into_iter().chain(self.minima..self.points()).collect()
    }

    /// Shares of all points, uniform over the simplex of minimum `i`.
    pub fn within(self, i: usize, rng: &mut Rng) -> Vec<f64> {
        let mut shares = vec![0.0; self.points()];
        let own = uniform(1 + self.connectors, rng);
        self.simplex(i).into_iter().zip(own).for_each(|(k, share)| shares[k] = share);
        shares
    }

    /// Shares of all points, uniform over a simplex that is drawn first.
    pub fn anywhere(self, rng: &mut Rng) -> Vec<f64> {
        let i = rng.random_range(0..self.minima);
        self.within(i, rng)
    }

    /// The logarithm of each simplex's volume, with the [`gram`] of all points.
    pub fn log_volumes(self, gram: &[f64]) -> Vec<f64> {
        (0..self.minima).map(|i| log_volume(gram, self.points(), &self.simplex(i))).collect()
    }

    /// The gradient of log V, V the sum of the simplexes' volumes, as shares of the points: that at point k is
    /// sum_j A_kj w_j, A row by row. A simplex without a volume has no say.
    ///
    /// Of one simplex, d log V / d w_j = sum_k (G^-1)_jk (w_k - w_0), and at w_0 minus the sum of those; of several, each by its
    /// share of the volume.
    pub fn growth(self, gram: &[f64]) -> Vec<f64> {
        let n = self.points();
        let logs = self.log_volumes(gram);
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut growth = vec![0.0; n * n];
        if !largest.is_finite() {
            return growth;
        }
        let sizes: Vec<f64> = logs.iter().map(|log| libm::exp(log - largest)).collect();
        let all: f64 = sizes.iter().sum();
        for (i, size) in sizes.iter().enumerate() {
            let members = self.simplex(i);
            let Some(lower) = cholesky(gram, n, &members) else { continue };
            let (base, rest) = (members[0], &members[1..]);
            for (j, row) in rest.iter().zip(inverse(&lower)) {
                for (k, g) in rest.iter().zip(row) {
                    let g = g * size / all;
                    growth[j * n + k] += g;
                    growth[j * n + base] -= g;
                    growth[base * n + k] -= g;
                    growth[base * n + base] += g;
                }
            }
        }
        growth
    }
}
