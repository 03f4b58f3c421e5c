//! A straight line from the rate down to a share of it: 1 + (last - 1) epoch / epochs.

use super::{Factor, Progress};
use crate::base::{Result, registry::Kind};
use serde::{Deserialize, Serialize};

/// A straight line from the rate down to a share of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Linear {
    /// Share of the rate left at the end, from 0 to 1.
    pub last: f64, // 0: Goyal et al. 2017's successors, as in BERT (Devlin et al. 2018)
}

impl Kind for Linear {
    const NAME: &'static str = "linear";
    const SUMMARY: &'static str = "a straight line down to `last` of the rate";

    fn check(&self) -> Result<()> {
        super::check_share("last", self.last)
    }
}

impl Factor for Linear {
    fn factor(&self, progress: Progress) -> f64 {
        1.0 + (self.last - 1.0) * progress.done()
    }
}
