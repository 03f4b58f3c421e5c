//! Orthogonal: the tensor as a matrix, outputs x all that each reads, has orthonormal rows or columns (whichever are
//! fewer) times a gain. Uniform over all such matrices.

use super::{Fans, Initialize};
use crate::base::random::{Rng, orthogonal};
use crate::base::{Error, Result};

crate::kind! {
    /// Orthonormal rows or columns, times a gain (Saxe, McClelland and Ganguli 2013).
    Orthogonal = "orthogonal",
        "orthonormal rows or columns, whichever are fewer, times gain (Saxe, McClelland and Ganguli 2013)";
    /// What all singular values are.
    gain: f64 = 1.0, // Saxe, McClelland and Ganguli 2013, for linear networks; PyTorch's default
}

impl Orthogonal {
    fn refuse(&self) -> Result<()> {
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
    if gain.is_finite() && gain >= 0.0 {
        Ok(())
    } else {
        Err(Error::expected("gain", "a finite number of at least 0", gain))
    }
}
