//! The largest number in each window. Of equal ones the first counts; which one it is stands still under tangents, so
//! that derivatives hold almost everywhere.

use super::conv::{check_window, window};
use super::{Forward, Recorder, Signal};
use crate::base::{Error, Result, registry::Kind};
use serde::{Deserialize, Serialize};

/// The largest number in each window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MaxPool {
    /// Height and width of a window.
    pub kernel: usize,
    /// Steps between neighbouring windows.
    pub stride: usize,
    /// Rows and columns around the image that no window takes as its largest; at most half the kernel.
    pub padding: usize,
}

impl Default for MaxPool {
    fn default() -> Self {
        Self { kernel: 2, stride: 2, padding: 0 } // halves the image
    }
}

impl Kind for MaxPool {
    const NAME: &'static str = "max-pool";
    const SUMMARY: &'static str = "the largest number in each window: kernel, stride, padding";

    fn check(&self) -> Result<()> {
        check_window(self.kernel, self.stride, self.padding)?;
        match self.padding <= self.kernel / 2 {
            true => Ok(()),
            false => Err(Error::expected("padding", "at most half the kernel", self.padding)),
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
