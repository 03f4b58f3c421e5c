//! The largest number in each window. Of equal ones the first counts; which one it is stands still under tangents, so
//! that derivatives hold almost everywhere.

use super::conv::{check_window, window};
use super::{Forward, Recorder, Signal};
use crate::base::{Error, Result};

crate::kind! {
    /// The largest number in each window.
    MaxPool = "max-pool", "the largest number in each window: kernel, stride, padding";
    // halves the image
    /// Height and width of a window.
    kernel: usize = 2,
    /// Steps between neighbouring windows.
    stride: usize = 2,
    /// Rows and columns around the image that no window takes as its largest; at most half the kernel.
    padding: usize = 0,
}

impl MaxPool {
    fn refuse(&self) -> Result<()> {
        check_window(self.kernel, self.stride, self.padding)?;
        if self.padding <= self.kernel / 2 {
            Ok(())
        } else {
            Err(Error::expected("padding", "at most half the kernel", self.padding))
        }
    }
}

impl Forward for MaxPool {
    fn forward(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        let input = cx.image(input)?;
        let window = window(cx, &input.shape, self.kernel, self.stride, self.padding)?;
        let node = cx.tape.max_pool(window, input.node);
        let [height, width] = window.places();
        Ok(Signal { node, shape: vec![input.channels(), height, width], ..input })
    }
}
