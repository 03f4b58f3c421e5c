//! The mean of each channel over all positions: an image becomes a vector (Lin, Chen and Yan 2014).

use super::{Forward, Recorder, Signal};
use crate::base::Result;

crate::kind! {
    /// Global average pooling.
    GlobalPool = "global-pool", "the mean of each channel over all positions (Lin, Chen and Yan 2014)";
}

impl Forward for GlobalPool {
    fn forward(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        let input = cx.image(input)?;
        let node = cx.tape.block_mean(input.node, 1, input.positions());
        Ok(Signal { node, shape: vec![input.channels()], image: false, units: input.units })
    }
}
