//! Bezier curve of degree n = bends + 1 (Garipov et al. 2018, arXiv 1802.10026, equation 6):
//! w(t) = sum_k binom(n, k) t^k (1 - t)^(n - k) w_k.

use super::{Shares, check_bends};
use crate::base::Result;

crate::kind! {
    /// A Bezier curve.
    Bezier = "bezier",
        "Bezier curve with the given number of bends, of degree bends + 1 (Garipov et al. 2018)";
    /// Control points between the ends; the degree is one more.
    bends: usize = 1, // Garipov et al. 2018, figure 1
}

impl Bezier {
    fn refuse(&self) -> Result<()> {
        check_bends(self.bends)
    }
}

impl Shares for Bezier {
    fn bends(&self) -> usize {
        self.bends
    }

    fn shares(&self, t: f64) -> Vec<f64> {
        // De Casteljau on the unit vectors: one more degree a round. Exact at both ends.
        let mut shares = vec![1.0];
        for _ in 0..=self.bends {
            let lower = shares.iter().map(|s| (1.0 - t) * s).chain([0.0]);
            let upper = [0.0].into_iter().chain(shares.iter().map(|s| t * s));
            shares = lower.zip(upper).map(|(l, u)| l + u).collect();
        }
        shares
    }
}
