//! One cycle: up from rate / div to the rate over the first part of training, then down to rate / (div final-div), far
//! below where it began (Smith and Topin 2018), with the two phases and the defaults of PyTorch's `OneCycleLR`.
//!
//! Time is a share of training here and a count of steps there: PyTorch's T steps end each phase one step early, at
//! .3 T - 1 and T - 1, so that its last step has the lowest rate; ours is on its way there.

use super::{Factor, Progress};
use crate::base::{Error, Result, registry::Kind};
use serde::{Deserialize, Serialize};

/// Up once and far down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct OneCycle {
    /// Share of training in which the rate rises.
    pub rise: f64,
    /// How many times below the rate it begins.
    pub div: f64,
    /// The last rate is this many times below the first.
    pub final_div: f64,
    /// How it goes from one rate to the next: `cosine` or `linear`.
    pub anneal: Anneal,
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

impl Default for OneCycle {
    fn default() -> Self {
        // PyTorch's defaults
        Self { rise: 0.3, div: 25.0, final_div: 1e4, anneal: Anneal::Cosine }
    }
}

impl Kind for OneCycle {
    const NAME: &'static str = "one-cycle";
    const SUMMARY: &'static str = "from rate / div up to the rate, then down to rate / (div final-div), which the step after the last would have (Smith and Topin 2018)";

    fn check(&self) -> Result<()> {
        super::check_share("rise", self.rise)?;
        for (setting, x) in [("div", self.div), ("final-div", self.final_div)] {
            if !(x >= 1.0 && x.is_finite()) {
                return Err(Error::expected(setting, "a finite number of at least 1", x));
            }
        }
        Ok(())
    }
}

impl Factor for OneCycle {
    fn factor(&self, progress: Progress) -> f64 {
        let (done, first) = (progress.done(), 1.0 / self.div);
        let last = first / self.final_div;
        let between = |from: f64, to: f64, way: f64| match self.anneal {
            Anneal::Cosine => to + (from - to) * super::half_cosine(way),
            Anneal::Linear => from + (to - from) * way,
        };
        match done < self.rise {
            true => between(first, 1.0, done / self.rise),
            false => between(1.0, last, (done - self.rise) / (1.0 - self.rise).max(f64::MIN_POSITIVE)),
        }
    }
}
