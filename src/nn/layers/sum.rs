//! The sum of all units: the output layer of a soft committee machine, whose weights are fixed at 1 (Saad and Solla
//! 1995; Safran and Shamir 2018).

use super::{Forward, Recorder, Signal};
use crate::base::Result;
use crate::nn::units::Ties;

crate::kind! {
    /// One output: the sum of all inputs.
    Sum = "sum", "one output, the sum of all inputs (Saad and Solla 1995)";
}

impl Forward for Sum {
    fn forward(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        let input = cx.flat(input);
        let node = cx.tape.sum_rows(input.node);
        Ok(Signal { node, shape: vec![1], image: false, units: Ties::fixed(1) })
    }
}
