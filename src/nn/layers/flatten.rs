//! An image as a vector of channels x height x width numbers. Dense layers do this by themselves; written out, it
//! keeps the positions of later layers as in PyTorch's `Sequential`.

use super::{Forward, Recorder, Signal};
use crate::base::Result;

crate::kind! {
    /// An image as a vector.
    Flatten = "flatten", "an image as a vector of channels x height x width numbers";
}

impl Forward for Flatten {
    fn forward(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        cx.room("units", &input.shape)?;
        let flat = cx.flat(input);
        Ok(Signal { shape: vec![flat.size()], units: flat.features(), ..flat })
    }
}
