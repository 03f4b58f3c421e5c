//! No normalisation: the direction as it was drawn. Kept to be compared with.

use super::Normalize;
use crate::base::registry::Kind;
use crate::nn::Parameter;
use serde::{Deserialize, Serialize};

/// the direction as it was drawn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing;

impl Kind for Nothing {
    const NAME: &'static str = "none";
    const SUMMARY: &'static str = "the direction as it was drawn";
}

impl Normalize for Nothing {
    fn normalize(&self, _parameter: &Parameter, _theta: &[f64], _d: &mut [f64]) {}
}
