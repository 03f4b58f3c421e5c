//! Triangular cycles: straight up from a share of the rate to the rate and down again, for ever (Smith 2017).
//! With s the epochs of half a cycle, c = floor(1 + t / 2s) and x = |t / s - 2 c + 1|:
//! lo + (1 - lo) max(0, 1 - x) decay^(c - 1).

use super::{Factor, Progress};
use crate::base::Result;

crate::kind! {
    /// Straight up to the rate and down again, for ever.
    Triangular = "triangular",
        "straight from `lo` of the rate up to it and down, half-cycle epochs each way (Smith 2017)";
    // Smith 2017: half a cycle of 2 to 10 epochs, from a quarter or a third of the largest rate.
    /// Epochs from the lowest rate to the highest.
    half_cycle: f64 = 2.0,
    /// Share of the rate at the lowest point, from 0 to 1.
    lo: f64 = 0.25,
    /// What the height is multiplied by from cycle to cycle; 0.5 is Smith's triangular2.
    decay: f64 = 1.0,
}

impl Triangular {
    fn refuse(&self) -> Result<()> {
        super::check_epochs("half-cycle", self.half_cycle)?;
        super::check_share("lo", self.lo)?;
        super::check_share("decay", self.decay)
    }
}

impl Factor for Triangular {
    fn factor(&self, progress: Progress) -> f64 {
        let t = progress.epoch / self.half_cycle;
        let cycle = (1.0 + t / 2.0).floor();
        let x = (t - 2.0 * cycle + 1.0).abs();
        self.lo + (1.0 - self.lo) * (1.0 - x).max(0.0) * self.decay.powf(cycle - 1.0)
    }
}
