//! One learned number added to the whole signal: FixUp's scalar bias (Zhang, Dauphin and Ma 2019).

use super::{Forward, Recorder, Signal};
use crate::base::{Result, registry::Kind};
use crate::nn::layout::Role;
use serde::{Deserialize, Serialize};

/// x + b with a single b.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shift;

impl Kind for Shift {
    const NAME: &'static str = "shift";
    const SUMMARY: &'static str =
        "one learned number added to everything: FixUp's scalar bias (Zhang et al. 2019)";
}

impl Forward for Shift {
    fn forward(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        let number = cx.number("bias", Role::Bias, 0.0)?;
        Ok(input.with(cx.tape.add(input.node, number)))
    }
}
