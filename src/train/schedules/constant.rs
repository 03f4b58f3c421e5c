//! The rate stays as it is.

use super::{Factor, Progress};

crate::kind! {
    /// A constant rate.
    Constant = "constant", "the rate stays as it is";
}

impl Factor for Constant {
    fn factor(&self, _progress: Progress) -> f64 {
        1.0
    }
}
