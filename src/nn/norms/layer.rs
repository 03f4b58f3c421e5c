//! Layer norm (Ba, Kiros and Hinton 2016): each sample is standardised over all its channels and positions. The scale
//! and shift that follow are one for each channel (on vectors PyTorch's `LayerNorm`, on images its `GroupNorm(1, C)`).

use super::{EPS, Standard, check_eps};
use crate::base::Result;
use crate::nn::recorder::{Recorder, Signal};

crate::kind! {
    /// Layer norm.
    Layer = "layer", "each sample over channels and positions (Ba, Kiros and Hinton 2016)";
    /// Added to the variance.
    eps: f64 = EPS,
}

impl Layer {
    fn refuse(&self) -> Result<()> {
        check_eps(self.eps)
    }
}

impl Standard for Layer {
    fn signal(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        let (channels, positions) = (input.channels(), input.positions());
        if input.size() < 2 {
            return Err(cx.refuse("at least 2 numbers a sample for layer norm", input.size()));
        }
        Ok(input.with(cx.tape.standardize(input.node, channels, positions, self.eps)))
    }
}
