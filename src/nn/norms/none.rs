//! No norm: signals and weights as they are.

use super::Standard;
use crate::base::registry::Kind;
use serde::{Deserialize, Serialize};

/// No norm.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plain;

impl Kind for Plain {
    const NAME: &'static str = "none";
    const SUMMARY: &'static str = "signals and weights as they are";
}

impl Standard for Plain {}
