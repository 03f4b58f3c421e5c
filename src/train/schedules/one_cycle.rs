//! One cycle: up from rate / div to the rate over the first part of training, then down to rate / (div final-div), far
//! below where it began (Smith and Topin 2018), with the two phases and the defaults of PyTorch's `OneCycleLR`.
//!
//! Time is a share of training here and a count of steps there: PyTorch's T steps end each phase one step early, at
//! .3 T - 1 and T - 1, so that its last step has the lowest rate; ours is on its way there.

use super::{Factor, Progress};
use crate::base::{Error, Result};
use serde::{Deserialize, Serialize};

crate::kind! {
    /// Up once and far down.
    OneCycle = "one-cycle",
        "from rate / div up to the rate, then down to rate / (div final-div), which the step after the last would have (Smith and Topin 2018)";
    // PyTorch's defaults
    /// Share of training in which the rate rises.
    rise: f64 = 0.3,
    /// How many times below the rate it begins.
    div: f64 = 25.0,
    /// The last rate is this many times below the first.
    final_div: f64 = 1e4,
    /// How it goes from one rate to the next: `cosine` or `linear`.
    anneal: Anneal = Anneal::Cosine,
}

impl OneCycle {
    fn refuse(&self) -> Result<()> {
        super::check_share("rise", self.rise)?;
        for (setting, x) in [("div", self.div), ("final-div", self.final_div)] {
            if !(x >= 1.0 && x.is_finite()) {
                return Err(Error::expected(setting, "a finite number of at least 1", x));
            }
        }
        Ok(())
    }
}

/// The way from one rate to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Anneal {
    /// Half a cosine.
    #[default]
    Cosine,
    /// A straight line.
    Linear,
}

impl Factor for OneCycle {
    fn factor(&self, progress: Progress) -> f64 {
        let (done, first) = (progress.done(), 1.0 / self.div);
        let last = first / self.final_div;
        let between = |from: f64, to: f64, way: f64| match self.anneal {
            Anneal::Cosine => to + (from - to) * super::half_cosine(way),
            Anneal::Linear => from + (to - from) * way,
        };
        if done < self.rise {
            between(first, 1.0, done / self.rise)
        } else {
            between(1.0, last, (done - self.rise) / (1.0 - self.rise).max(f64::MIN_POSITIVE))
        }
    }
}
