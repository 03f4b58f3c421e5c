//! SGDR, cosine annealing with warm restarts: within each period from the rate down to a share of it along half a
//! cosine, then at once back up. Period i takes t0 mult^i epochs (Loshchilov and Hutter 2017).

use super::{Factor, Progress};
use crate::base::{Error, Result};

crate::kind! {
    /// Half cosines with warm restarts.
    Sgdr = "sgdr",
        "half cosines down to `last` with restarts, periods of t0 mult^i epochs (Loshchilov and Hutter 2017)";
    // Loshchilov and Hutter 2017
    /// Epochs of the first period.
    t0: f64 = 1.0,
    /// How many times as long as the last each further period is.
    mult: u32 = 2,
    /// Share of the rate left at the end of a period, from 0 to 1.
    last: f64 = 0.0,
}

impl Sgdr {
    fn refuse(&self) -> Result<()> {
        super::check_epochs("t0", self.t0)?;
        if self.mult == 0 {
            return Err(Error::expected("mult", "at least 1", 0));
        }
        super::check_share("last", self.last)
    }
}

impl Factor for Sgdr {
    fn factor(&self, progress: Progress) -> f64 {
        let (mut into, mut period) = (progress.epoch, self.t0);
        match self.mult {
            0 | 1 => into %= period,
            // Periods double at least: there are few.
            mult => {
                while into >= period {
                    into -= period;
                    period *= f64::from(mult);
                }
            }
        }
        self.last + (1.0 - self.last) * super::half_cosine(into / period)
    }
}
