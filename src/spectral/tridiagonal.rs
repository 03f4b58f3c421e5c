//! Eigenvalues and eigenvectors of a symmetric tridiagonal matrix, by faer, on one thread: its result would depend on
//! how many there are.

use super::portable;
use crate::base::{Error, Result, isa};
use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{
    ComputeEigenvectors, SelfAdjointEvdParams, self_adjoint_evd_scratch, tridiagonal_self_adjoint_evd,
};
use faer::{Auto, Mat, Par, Spec};

/// The eigenpairs of a tridiagonal matrix.
#[derive(Clone, Debug)]
pub struct Eigen {
    /// Ascending.
    pub values: Vec<f64>,
    /// The unit eigenvectors, a column each.
    pub vectors: Mat<f64>,
}

/// The eigenpairs of the matrix with `alpha` on its diagonal and `beta`, of which the first `alpha.len() - 1` are read,
/// beside it. All must be finite: with one NaN the decomposition would take seconds and fail.
pub fn eigen(alpha: &[f64], beta: &[f64]) -> Result<Eigen> {
    let m = alpha.len();
    if m == 0 {
        return Ok(Eigen { values: Vec::new(), vectors: Mat::zeros(0, 0) }); // which faer cannot
    }
    let failed = |what: &str| Error::unmet("eigenvalues", format!("a tridiagonal matrix of {m} rows {what}"));
    let beside = &beta[..m - 1];
    let largest = alpha.iter().chain(beside).fold(0.0, |m: f64, x| m.max(x.abs()));
    if !alpha.iter().chain(beside).all(|x| x.is_finite()) {
        return Err(failed("is not finite"));
    }
    // To entries of at most 1, so that no square overflows.
    let scale = if largest > 0.0 { largest } else { 1.0 };
    if isa::is_fixed() {
        let scaled = |all: &[f64]| all.iter().map(|x| x / scale).collect::<Vec<f64>>();
        let found = portable::tridiagonal(&scaled(alpha), &scaled(beside));
        let (values, columns) = found.ok_or_else(|| failed("has no eigenvalues that could be found"))?;
        let vectors = Mat::from_fn(m, m, |i, j| columns[j][i]);
        return Ok(Eigen { values: values.into_iter().map(|x| x * scale).collect(), vectors });
    }
    let mut diagonal = Diag::<f64>::zeros(m);
    let mut subdiagonal = Diag::<f64>::zeros(m);
    for (i, x) in alpha.iter().enumerate() {
        diagonal[i] = x / scale;
    }
    for (i, x) in beside.iter().enumerate() {
        subdiagonal[i] = x / scale;
    }
    let (mut values, mut vectors) = (Diag::<f64>::zeros(m), Mat::<f64>::zeros(m, m));
    let parameters = Spec::<SelfAdjointEvdParams, f64>::new(Auto::<f64>::auto());
    let scratch = self_adjoint_evd_scratch::<f64>(m, ComputeEigenvectors::Yes, Par::Seq, parameters);
    tridiagonal_self_adjoint_evd(
        diagonal.as_ref(),
        subdiagonal.as_ref(),
        values.as_mut(),
        Some(vectors.as_mut()),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        parameters,
    )
    .map_err(|_| failed("has no eigenvalues that could be found"))?;
    Ok(Eigen { values: (0..m).map(|i| values[i] * scale).collect(), vectors })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Largest of ||T s - theta s|| over the pairs, and of |S'S - I|.
    fn errors(alpha: &[f64], beta: &[f64]) -> [f64; 2] {
        let m = alpha.len();
        let Eigen { values, vectors } = eigen(alpha, beta).unwrap();
        assert!(values.is_sorted());
        let t = Mat::from_fn(m, m, |i, j| match i.abs_diff(j) {
            0 => alpha[i],
            1 => beta[i.min(j)],
            _ => 0.0,
        });
        let residual = &t * &vectors - Mat::from_fn(m, m, |i, j| vectors[(i, j)] * values[j]);
        let overlap = vectors.transpose() * &vectors - Mat::<f64>::identity(m, m);
        [residual.norm_max(), overlap.norm_max()]
    }

    #[test]
    fn pairs_are_eigenpairs_at_any_size_and_of_matrices_that_fall_apart() {
        // 200 rows are beyond where faer divides and conquers; a backward stable method errs by a few m eps.
        for m in [1, 2, 3, 5, 64, 127, 128, 200] {
            let wilkinson: Vec<f64> = (0..m).map(|i| (m as f64 / 2.0 - i as f64).abs()).collect();
            let graded: Vec<f64> = (0..m).map(|i| 10f64.powi(-(i as i32 % 40))).collect();
            let glued: Vec<f64> = (0..m).map(|i| if i % 20 == 19 { 1e-9 } else { 1.0 }).collect();
            for (alpha, beta) in [
                (vec![0.0; m], vec![0.0; m]),
                (vec![3.0; m], vec![0.0; m]),
                (vec![0.0; m], vec![1.0; m]),
                (wilkinson.clone(), vec![1.0; m]),
                (wilkinson, glued),
                (graded.clone(), graded),
            ] {
                let largest = alpha.iter().chain(&beta).fold(0.0, |a: f64, b| a.max(b.abs()));
                let [residual, overlap] = errors(&alpha, &beta);
                assert!(residual <= 1e-13 * m as f64 * largest, "{m}: {alpha:?}: {residual}");
                assert!(overlap <= 1e-13 * m as f64, "{m}: {alpha:?}: {overlap}");
            }
        }
    }

    #[test]
    fn a_chain_of_springs_has_cosines_for_eigenvalues() {
        // 2 on the diagonal, -1 beside it: 2 - 2 cos(pi k / (m + 1)).
        let m = 150;
        for scale in [1e-250, 1.0, 1e250] {
            let found = eigen(&vec![2.0 * scale; m], &vec![-scale; m]).unwrap();
            for (k, value) in found.values.iter().enumerate() {
                let exact = 2.0 - 2.0 * (std::f64::consts::PI * (k + 1) as f64 / (m + 1) as f64).cos();
                assert!((value / scale - exact).abs() < 1e-13, "{k}: {value}, {exact}");
            }
        }
    }

    #[test]
    fn what_is_not_finite_is_refused_at_once() {
        assert!(eigen(&[1.0, f64::NAN], &[0.0]).is_err());
        assert!(eigen(&[1.0, 2.0], &[f64::INFINITY]).is_err());
        assert!(eigen(&[], &[]).unwrap().values.is_empty());
    }
}
