//! Cosine annealing: last + (1 - last) (1 + cos(pi epoch / epochs)) / 2 (Loshchilov and Hutter 2017, no restarts).

use super::{Factor, Progress};
use crate::base::Result;

crate::kind! {
    /// Half a cosine from the rate down to a share of it.
    Cosine = "cosine", "half a cosine down to `last` of the rate (Loshchilov and Hutter 2017)";
    /// Share of the rate left at the end, from 0 to 1.
    last: f64,
}

impl Cosine {
    fn refuse(&self) -> Result<()> {
        super::check_share("last", self.last)
    }
}

impl Factor for Cosine {
    fn factor(&self, progress: Progress) -> f64 {
        self.last + (1.0 - self.last) * super::half_cosine(progress.done())
    }
}
