//! Orthogonal: the tensor as a matrix, outputs x all that each reads, has orthonormal rows or columns (whichever are
//! fewer) times a gain. Uniform over all such matrices: Q of a Gaussian's QR decomposition with the signs that make R's
//! diagonal positive (Mezzadri 2007).

use super::{Fans, Initialize};
use crate::base::random::{Rng, normal};
use crate::base::{Error, Result, registry::Kind};
use faer::Mat;
use serde::{Deserialize, Serialize};

/// Orthonormal rows or columns, times a gain (Saxe, McClelland and Ganguli 2013).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Orthogonal {
    /// What all singular values are.
    pub gain: f64,
}

impl Default for Orthogonal {
    fn default() -> Self {
        Self { gain: 1.0 } // Saxe, McClelland and Ganguli 2013, for linear networks; PyTorch's default
    }
}

impl Kind for Orthogonal {
    const NAME: &'static str = "orthogonal";
    const SUMMARY: &'static str =
        "orthonormal rows or columns, whichever are fewer, times gain (Saxe, McClelland and Ganguli 2013)";

    fn check(&self) -> Result<()> {
        check_gain(self.gain)
    }
}

impl Initialize for Orthogonal {
    fn fill(&self, fans: &Fans, rng: &mut Rng, out: &mut [f64]) {
        let (rows, cols) = fans.matrix();
        for (row, line) in out.chunks_exact_mut(cols.max(1)).zip(orthogonal(rows, cols, rng)) {
            row.iter_mut().zip(line).for_each(|(w, q)| *w = self.gain * q);
        }
    }
}

/// Refuses a gain that no number could follow.
pub(super) fn check_gain(gain: f64) -> Result<()> {
    match gain.is_finite() && gain >= 0.0 {
        true => Ok(()),
        false => Err(Error::expected("gain", "a finite number of at least 0", gain)),
    }
}

/// The rows of a random matrix with orthonormal rows or columns.
pub(super) fn orthogonal(rows: usize, cols: usize, rng: &mut Rng) -> Vec<Vec<f64>> {
    let (long, short) = (rows.max(cols), rows.min(cols));
    let mut gaussian = Mat::<f64>::zeros(long, short);
    for j in 0..short {
        for i in 0..long {
            gaussian[(i, j)] = normal(rng);
        }
    }
    let qr = gaussian.qr();
    let (q, r) = (qr.compute_thin_Q(), qr.thin_R());
    let entry = |i: usize, j: usize| {
        let (i, j) = if rows < cols { (j, i) } else { (i, j) };
        q[(i, j)] * 1f64.copysign(r[(j, j)])
    };
    (0..rows).map(|i| (0..cols).map(|j| entry(i, j)).collect()).collect()
}
