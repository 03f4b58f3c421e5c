//! Parts that the numbers of many analyses have in common.

use serde::{Deserialize, Serialize};

/// How many samples there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Samples {
    /// For training.
    pub train: usize,
    /// For testing.
    pub test: usize,
}
