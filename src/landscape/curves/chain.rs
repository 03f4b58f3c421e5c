//! Polygonal chain (Garipov et al. 2018, arXiv 1802.10026, equation 5): straight pieces from one control point to the
//! next, each taking the same share of t.

use super::{Shares, check_bends};
use crate::base::Result;

crate::kind! {
    /// A polygonal chain.
    Chain = "chain", "straight pieces through the given number of bends (Garipov et al. 2018)";
    /// Control points between the ends.
    bends: usize = 1, // Garipov et al. 2018, figure 1
}

impl Chain {
    fn refuse(&self) -> Result<()> {
        check_bends(self.bends)
    }
}

impl Shares for Chain {
    fn bends(&self) -> usize {
        self.bends
    }

    fn shares(&self, t: f64) -> Vec<f64> {
        let pieces = self.bends + 1;
        let at = t * pieces as f64;
        let piece = (at.floor().max(0.0) as usize).min(pieces - 1);
        let within = at - piece as f64;
        let mut shares = vec![0.0; pieces + 1];
        shares[piece] = 1.0 - within;
        shares[piece + 1] = within;
        shares
    }
}
