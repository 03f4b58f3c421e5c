//! The rate stays as it is.

use super::{Factor, Progress};
use crate::base::registry::Kind;
use serde::{Deserialize, Serialize};

/// A constant rate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constant;

impl Kind for Constant {
    const NAME: &'static str = "constant";
    const SUMMARY: &'static str = "the rate stays as it is";
}

impl Factor for Constant {
    fn factor(&self, _progress: Progress) -> f64 {
        1.0
    }
}
