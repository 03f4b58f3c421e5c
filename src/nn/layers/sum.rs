//! The sum of all units: the output layer of a soft committee machine, whose weights are fixed at 1 (Saad and Solla
//! 1995; Safran and Shamir 2018).

use super::{Forward, Recorder, Signal};
use crate::base::{Result, registry::Kind};
use crate::nn::units::Ties;
use serde::{Deserialize, Serialize};

/// One output: the sum of all inputs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sum;

impl Kind for Sum {
    const NAME: &'static str = "sum";
    const SUMMARY: &'static str = "one output, the sum of all inputs (Saad and Solla 1995)";
}

impl Forward for Sum {
    fn forward(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        let input = cx.flat(input);
        let node = cx.tape.sum_rows(input.node);
        Ok(Signal { node, shape: vec![1], image: false, units: Ties::fixed(1) })
    }
}
