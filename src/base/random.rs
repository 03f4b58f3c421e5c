//! Random numbers by name: a stream for each purpose and index, so that no two users of randomness
//! disturb each other and no result depends on the order in which parallel work runs.
//!
//! A stream's key is SHA-256(seed, name, index): two names never share a stream. The generator is
//! ChaCha8, whose output is fixed by its definition on every machine.

use super::isa;
use faer::Mat;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use sha2::{Digest, Sha256};

/// The generator behind every random choice.
pub type Rng = rand::rngs::ChaCha8Rng;

/// All the random streams that belong to one seed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Streams {
    seed: u64,
}

impl Streams {
    /// The streams of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The stream for `name` (a path such as `"slice/direction"`) and `index`.
    pub fn stream(&self, name: &str, index: u64) -> Rng {
        let key = Sha256::new()
            .chain_update(self.seed.to_le_bytes())
            .chain_update(index.to_le_bytes())
            .chain_update(name.as_bytes())
            .finalize();
        Rng::from_seed(key.into())
    }

    /// Streams of another seed, which that of `name` and `index` draws: as many others under the same names.
    pub fn derived(&self, name: &str, index: u64) -> Self {
        Self { seed: self.stream(name, index).random() }
    }
}

/// One draw from N(0, 1).
pub fn normal(rng: &mut Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// Makes columns orthonormal, one after the other, each with a positive part of its own: the same Q, by plain operations in a fixed
/// order. Two passes leave them orthogonal to rounding (Giraud, Langou and Rozloznik 2005).
fn gram_schmidt(mut columns: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for j in 0..columns.len() {
        let (before, rest) = columns.split_at_mut(j);
        let own = &mut rest[0];
        for other in before.iter().chain(before.iter()) {
            let along = dot(own, other);
            own.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
        }
        let norm = dot(own, own).sqrt();
        own.iter_mut().for_each(|x| *x /= norm);
    }
    columns
}

/// The rows of a matrix with orthonormal rows or columns, whichever are fewer, uniform over all such matrices: Q of a
/// Gaussian's QR decomposition with the signs that make R's diagonal positive (Mezzadri 2007).
pub fn orthogonal(rows: usize, cols: usize, rng: &mut Rng) -> Vec<Vec<f64>> {
    let (long, short) = (rows.max(cols), rows.min(cols));
    let mut gaussian = Mat::<f64>::zeros(long, short);
    for j in 0..short {
        for i in 0..long {
            gaussian[(i, j)] = normal(rng);
        }
    }
    if isa::is_fixed() {
        let columns = gram_schmidt(gaussian.col_iter().map(|c| c.iter().copied().collect()).collect());
        let entry = |i: usize, j: usize| if rows < cols { columns[i][j] } else { columns[j][i] };
        return (0..rows).map(|i| (0..cols).map(|j| entry(i, j)).collect()).collect();
    }
    let qr = gaussian.qr();
    let (q, r) = (qr.compute_thin_Q(), qr.thin_R());
    let entry = |i: usize, j: usize| {
        let (i, j) = if rows < cols { (j, i) } else { (i, j) };
        q[(i, j)] * 1f64.copysign(r[(j, j)])
    };
    (0..rows).map(|i| (0..cols).map(|j| entry(i, j)).collect()).collect()
}
