//! Matrix factorization as a data set: a linear network with two layers on it is the factorization U V^T of a matrix.
//!
//! Inputs are the rows of the identity matrix of size n; the values of sample i are row i of
//!
//! ```text
//! M = A B^T / sqrt(rank),   A: size x rank, B: columns x rank, entries N(0, 1)
//! ```
//!
//! whose entries have variance 1. Training sees a share of the entries, drawn at random; the others are NaN, not
//! observed. Testing has the same inputs with the entries that training does not see (matrix completion; E. Candes,
//! B. Recht 2009); where training sees all, so does testing. Inputs are left alone unless standardising is asked for.

use crate::base::random::normal;
use crate::base::{Result, Streams};
use crate::data::{Raw, Samples, Split, fits_in_memory, within};
use rand::seq::SliceRandom;

crate::kind! {
    /// Rows of the identity, and of a matrix of low rank.
    Identity = "identity",
        "matrix factorization: the identity as inputs, rows of a rank-r matrix as values, partly observed";
    // A matrix of rank 2 has 2 (20 + 20 - 2) = 76 degrees of freedom; 200 entries are seen.
    /// Rows of the matrix: as many samples, and as many numbers an input.
    size: usize = 20,
    /// Columns of the matrix: values a sample.
    columns: usize = 20,
    /// Its rank, at most.
    rank: usize = 2,
    /// Share of the entries that training sees.
    observed: f64 = 0.5,
}

impl Identity {
    fn refuse(&self) -> Result<()> {
        within("size", self.size, 1..=10_000)?;
        within("columns", self.columns, 1..=10_000)?;
        within("rank", self.rank, 1..=self.size.min(self.columns))?;
        within("observed", self.observed, 0.0..=1.0)?;
        fits_in_memory("size", 2 * self.size, self.size + self.columns)?;
        // The work of multiplying the factors.
        within("rank", self.size as u64 * self.columns as u64 * self.rank as u64, 1..=10_000_000_000)
    }
}

impl Identity {
    /// The rows, then once more with the entries that training does not see.
    pub fn load(&self, streams: &Streams) -> Result<Raw> {
        let (n, m, rank) = (self.size, self.columns, self.rank);
        let factor = |index: u64, rows: usize| -> Vec<f64> {
            let mut rng = streams.stream("data/identity/factor", index);
            (0..rows * rank).map(|_| normal(&mut rng)).collect()
        };
        let (a, b) = (factor(0, n), factor(1, m));
        let size = 1.0 / (rank as f64).sqrt();
        let dot = |a: &[f64], b: &[f64]| size * a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let entries: Vec<f64> =
            a.chunks_exact(rank).flat_map(|a| b.chunks_exact(rank).map(move |b| dot(a, b))).collect();

        let mut order: Vec<usize> = (0..n * m).collect();
        order.shuffle(&mut streams.stream("data/identity/observed", 0));
        let seen = (self.observed * (n * m) as f64).round() as usize;
        let mut values = [entries.clone(), entries].concat();
        for (rank, &entry) in order.iter().enumerate() {
            // Hidden from training, or known from it.
            match rank < seen {
                false => values[entry] = f64::NAN,
                true if seen < n * m => values[n * m + entry] = f64::NAN,
                true => {}
            }
        }
        let mut x = vec![0.0; 2 * n * n];
        (0..2 * n).for_each(|i| x[i * n + i % n] = 1.0);
        let samples = Samples::of_values(x, values, 2 * n);
        Ok(Raw {
            shape: vec![n],
            outputs: m,
            samples,
            split: Split::Last(n),
            own_scale: true,
            ..Raw::default()
        })
    }
}
