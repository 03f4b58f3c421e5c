//! All eigenvalues and eigenvectors of a symmetric matrix that is small enough to be written down, by faer, on one
//! thread: its result would depend on how many there are. About 9 n^3 operations.

use super::portable;
use super::tridiagonal::Eigen;
use crate::base::{Error, Result, interrupt, isa};
use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{
    ComputeEigenvectors, SelfAdjointEvdParams, self_adjoint_evd, self_adjoint_evd_scratch,
};
use faer::{Auto, Mat, MatRef, Par, Spec};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// From how many rows on a decomposition takes long enough, about a tenth of a second, for a stop to be asked for.
const LONG: usize = 512;
/// How often a long decomposition is asked about.
const TICK: Duration = Duration::from_millis(20);

/// The eigenpairs of the symmetric n x n matrix, column-major, of which the lower triangle is read. All entries must be
/// finite: with one NaN the decomposition would take seconds and fail.
pub fn eigen(matrix: &[f64], n: usize) -> Result<Eigen> {
    assert_eq!(matrix.len(), n * n, "n x n numbers");
    if n == 0 {
        return Ok(Eigen { values: Vec::new(), vectors: Mat::zeros(0, 0) }); // which faer cannot
    }
    let failed = |what: &str| Error::unmet("eigenvalues", format!("a matrix of {n} rows {what}"));
    if !matrix.iter().all(|x| x.is_finite()) {
        return Err(failed("is not finite"));
    }
    // To entries of at most 1, so that no square overflows.
    let largest = matrix.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let scale = if largest > 0.0 { largest } else { 1.0 };
    let scaled: Vec<f64> = matrix.iter().map(|x| x / scale).collect();
    let found = if n < LONG {
        decompose(&scaled, n)
    } else {
        // The decomposition cannot be stopped. Left alone on its thread, it ends with the process at the latest.

        let (sender, receiver) = channel();
        std::thread::spawn(move || sender.send(decompose(&scaled, n)));
        loop {
            interrupt::check("eigenvalues", "unfinished eigenvalues are not kept")?;
            match receiver.recv_timeout(TICK) {
                Ok(found) => break found,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break None,
            }
        }
    };
    let (values, vectors) = found.ok_or_else(|| failed("has no eigenvalues that could be found"))?;
    Ok(Eigen { values: values.into_iter().map(|x| x * scale).collect(), vectors })
}

/// Values ascending and vectors, a column each; none if the iteration does not converge.
fn decompose(matrix: &[f64], n: usize) -> Option<(Vec<f64>, Mat<f64>)> {
    if isa::is_fixed() {
        let (values, columns) = portable::symmetric(matrix, n)?;
        return Some((values, Mat::from_fn(n, n, |i, j| columns[j][i])));
    }
    let (mut values, mut vectors) = (Diag::<f64>::zeros(n), Mat::<f64>::zeros(n, n));
    let parameters = Spec::<SelfAdjointEvdParams, f64>::new(Auto::<f64>::auto());
    let scratch = self_adjoint_evd_scratch::<f64>(n, ComputeEigenvectors::Yes, Par::Seq, parameters);
    self_adjoint_evd(
        MatRef::from_column_major_slice(matrix, n, n),
        values.as_mut(),
        Some(vectors.as_mut()),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        parameters,
    )
    .ok()?;
    Some(((0..n).map(|i| values[i]).collect(), vectors))
}
