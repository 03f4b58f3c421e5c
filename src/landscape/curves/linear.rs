//! The straight line: w(t) = (1 - t) a + t b. Nothing about it is trained.

use super::Shares;
use crate::base::registry::Kind;
use serde::{Deserialize, Serialize};

/// The straight line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Linear {}

impl Kind for Linear {
    const NAME: &'static str = "linear";
    const SUMMARY: &'static str = "the straight line, with nothing to train";
}

impl Shares for Linear {
    fn bends(&self) -> usize {
        0
    }

    fn shares(&self, t: f64) -> Vec<f64> {
        vec![1.0 - t, t]
    }
}
