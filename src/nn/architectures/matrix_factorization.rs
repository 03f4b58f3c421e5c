//! Matrix factorization as a network: the two-layer linear network U V on the rows of the identity, whose outputs are the
//! rows of the product. With the data set `identity` and the squared error that is 1/(2n) ||mask * (U V - M)||^2 over
//! the observed entries of M: every local minimum of the fully observed problem is global, and every other critical
//! point a strict saddle (Baldi and Hornik 1989).

use super::{Unfold, dense, within};
use crate::base::Result;
use crate::nn::layers::Item;
use crate::nn::norms::Norm;

crate::kind! {
    /// The product of two matrices, entry by entry.
    MatrixFactorization = "matrix-factorization",
        "two linear layers of inner width `rank`; with the data set `identity`, U V = M (Baldi and Hornik 1989)";
    /// Columns of the first factor.
    rank: usize = 4,
}

impl MatrixFactorization {
    fn refuse(&self) -> Result<()> {
        within("rank", self.rank, 1..=1_000_000)
    }
}

impl Unfold for MatrixFactorization {
    fn layers(&self, _input: &[usize], outputs: usize) -> Vec<Item> {
        [self.rank, outputs].into_iter().flat_map(|units| dense(units, false, &Norm::default())).collect()
    }
}
