//! No norm: signals and weights as they are.

use super::Standard;

crate::kind! {
    /// No norm.
    Plain = "none", "signals and weights as they are";
}

impl Standard for Plain {}
