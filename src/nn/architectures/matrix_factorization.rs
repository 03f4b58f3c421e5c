//! Matrix factorization as a network: the two-layer linear network U V on the rows of the identity, whose outputs are the
//! rows of the product. With the data set `identity` and the squared error that is 1/(2n) ||mask * (U V - M)||^2 over
//! the observed entries of M: every local minimum of the fully observed problem is global, and every other critical
//! point a strict saddle (Baldi and Hornik 1989).

use super::{Unfold, dense, within};
use crate::base::{Result, registry::Kind};
use crate::nn::layers::Item;
use crate::nn::norms::Norm;
use serde::{Deserialize, Serialize};

/// The product of two matrices, entry by entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MatrixFactorization {
    /// Columns of the first factor.
    pub rank: usize,
}

impl Default for MatrixFactorization {
    fn default() -> Self {
        Self { rank: 4 }
    }
}

impl Kind for MatrixFactorization {
    const NAME: &'static str = "matrix-factorization";
    const SUMMARY: &'static str = "two linear layers of inner width `rank`; with the data set `identity`, U V = M (Baldi and Hornik 1989)";

    fn check(&self) -> Result<()> {
        within("rank", self.rank, 1..=1_000_000)
    }
}

impl Unfold for MatrixFactorization {
    fn layers(&self, _input: &[usize], outputs: usize) -> Vec<Item> {
        [self.rank, outputs].into_iter().flat_map(|units| dense(units, false, &Norm::default())).collect()
    }
}
