//! A power of what is left of training: last + (1 - last) (1 - epoch / epochs)^power (Chen et al. 2017's "poly").

use super::{Factor, Progress};
use crate::base::{Error, Result};

crate::kind! {
    /// A power of what is left of training.
    Polynomial = "polynomial", "last + (1 - last) (1 - epoch / epochs)^power (Chen et al. 2017)";
    // Chen et al. 2017 (DeepLab)
    /// 1 for a straight line; above, the rate falls early, below, late.
    power: f64 = 0.9,
    /// Share of the rate left at the end, from 0 to 1.
    last: f64 = 0.0,
}

impl Polynomial {
    fn refuse(&self) -> Result<()> {
        if !(self.power > 0.0 && self.power.is_finite()) {
            return Err(Error::expected("power", "a finite number above 0", self.power));
        }
        super::check_share("last", self.last)
    }
}

impl Factor for Polynomial {
    fn factor(&self, progress: Progress) -> f64 {
        self.last + (1.0 - self.last) * (1.0 - progress.done()).powf(self.power)
    }
}
