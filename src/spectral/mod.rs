//! Spectra of symmetric operators that are known only by their products with vectors.
//!
//! Nothing here knows a network: what has products is an [`Operator`], and each method is a file beside this one.
//!
//! | file | what it holds |
//! |---|---|
//! | [`exact`] | a small operator written out: nothing of it is sampled |
//! | [`operators`] | parts, shifts, scalings and dense matrices of an operator |
//! | [`lanczos`] | both ends of the spectrum, with intervals and a certificate |
//! | `outcome` | what is asked of them, and what is known of them |
//! | [`power`](mod@power) | the largest magnitudes by power iteration, the classic that certifies nothing |
//! | [`trace`] | trace, Frobenius norm and diagonal from random probes |
//! | [`quadrature`](mod@quadrature) | traces of functions of the operator: stochastic Lanczos quadrature |
//! | [`density`] | the spectral density, over a linear and over a logarithmic axis |
//! | [`estimate`] | a number known from random probes, with its error |
//! | [`krylov`] | the recurrence behind it: an orthonormal basis and a tridiagonal matrix |
//! | [`basis`] | the vectors of that basis, in the type of the products |
//! | `certificate` | how far an end of the spectrum may lie beyond what a recurrence has found |
//! | [`tridiagonal`] | eigenvalues of that matrix |
//! | [`symmetric`] | all eigenpairs of a small matrix |
//! | `portable` | both by our own algorithms, where no processor may change a byte |
//! | [`vectors`] | dot products and combinations of long vectors, the same bits on any number of threads |
//!
//! Everything is in f64, whatever precision the products are computed in.

pub mod basis;
mod certificate;
pub mod density;
pub mod estimate;
pub mod exact;
pub mod krylov;
pub mod lanczos;
pub mod operators;
mod outcome;
mod portable;
pub mod power;
pub mod quadrature;
pub mod symmetric;
pub mod trace;
pub mod tridiagonal;
pub mod vectors;

pub use density::{Density, Kernel, LogDensity};
pub use estimate::Estimate;
pub use exact::{Exact, Known};
pub use krylov::Krylov;
pub use lanczos::{ends, watched};
pub use operators::{Deflated, Dense, Plus, Restricted, Scaled, Shifted, dense};
pub use outcome::{EndSoFar, Ends, Pair, Settings, SoFar, Stopped, Wanted};
pub use power::power;
pub use quadrature::{Quadrature, Rule, quadrature};

/// Vectors in a block where many are to be multiplied: enough that a sweep is shared, few enough that n numbers of each are
/// no burden. It is fixed, so that no result depends on threads or memory.
pub const BLOCK: usize = 8;

/// A symmetric linear map of R^n.
///
/// ```
/// # use losscape_core as losscape;
/// use losscape::base::Streams;
/// use losscape::spectral::{Operator, Settings, Wanted, ends};
///
/// struct Diagonal(Vec<f64>);
/// impl Operator for Diagonal {
///     fn dimension(&self) -> usize {
///         self.0.len()
///     }
///     fn apply(&self, block: &[f64], k: usize) -> Vec<f64> {
///         let n = self.dimension();
///         (0..n * k).map(|i| self.0[i % n] * block[i]).collect()
///     }
/// }
/// let operator = Diagonal(vec![1.0, -2.0, 5.0]);
/// let mut rng = Streams::new(0).stream("eigenvalues", 0);
/// let found = ends(&operator, Wanted { top: 1, bottom: 1 }, &mut rng, &Settings::default())?;
/// assert!((found.top[0].value - 5.0).abs() < 1e-12 && (found.bottom[0].value + 2.0).abs() < 1e-12);
/// # Ok::<(), losscape::base::Error>(())
/// ```
pub trait Operator: Sync {
    /// n.
    fn dimension(&self) -> usize;

    /// The map times each of k vectors; `block` and the result are n x k, column-major.
    fn apply(&self, block: &[f64], k: usize) -> Vec<f64>;

    /// The rounding unit of the products: that of f64, unless they are computed with less.
    fn epsilon(&self) -> f64 {
        f64::EPSILON
    }
}
