//! The mean over each window; zeros of the padding count, as in PyTorch.

use super::conv::{check_window, window};
use super::{Forward, Recorder, Signal};
use crate::base::Result;

crate::kind! {
    /// The mean over each window.
    AveragePool = "average-pool", "the mean over each window: kernel, stride, padding";
    // halves the image
    /// Height and width of a window.
    kernel: usize = 2,
    /// Steps between neighbouring windows.
    stride: usize = 2,
    /// Rows and columns of zeros around the image.
    padding: usize = 0,
}

impl AveragePool {
    fn refuse(&self) -> Result<()> {
        check_window(self.kernel, self.stride, self.padding)
    }
}

impl Forward for AveragePool {
    fn forward(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        let input = cx.image(input)?;
        let window = window(cx, &input.shape, self.kernel, self.stride, self.padding)?;
        let node = cx.tape.average_pool(window, input.node);
        let [height, width] = window.places();
        Ok(Signal { node, shape: vec![input.channels(), height, width], ..input })
    }
}
