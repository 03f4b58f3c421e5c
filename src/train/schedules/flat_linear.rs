//! Flat for the first part of training, then a straight line down to a share of the rate, then flat again: the schedule
//! that curves between minima are trained with (Garipov et al. 2018, arXiv 1802.10026, appendix A).

use super::{Factor, Progress};
use crate::base::{Error, Result};

crate::kind! {
    /// Flat, down a straight line, flat.
    FlatLinear = "flat-linear",
        "the rate up to `from` of training, a straight line down to `last` of it at `to`, then that \
         (Garipov et al. 2018)";
    // Garipov et al. 2018
    /// Share of training after which the rate begins to fall.
    from: f64 = 0.5,
    /// Share of training after which it stays.
    to: f64 = 0.9,
    /// Share of the rate left then, from 0 to 1.
    last: f64 = 0.01,
}

impl FlatLinear {
    fn refuse(&self) -> Result<()> {
        super::check_share("from", self.from)?;
        super::check_share("to", self.to)?;
        if self.from > self.to {
            return Err(Error::expected("to", format!("at least `from`, {}", self.from), self.to));
        }
        super::check_share("last", self.last)
    }
}

impl Factor for FlatLinear {
    fn factor(&self, progress: Progress) -> f64 {
        let done = progress.done();
        match done {
            _ if done < self.from || done == 0.0 => 1.0,
            _ if done >= self.to => self.last,
            _ => 1.0 + (self.last - 1.0) * (done - self.from) / (self.to - self.from),
        }
    }
}
