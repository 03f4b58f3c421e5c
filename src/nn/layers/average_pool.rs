//! The mean over each window; zeros of the padding count, as in PyTorch.

use super::conv::{check_window, window};
use super::{Forward, Recorder, Signal};
use crate::base::{Result, registry::Kind};
use serde::{Deserialize, Serialize};

/// The mean over each window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AveragePool {
    /// Height and width of a window.
    pub kernel: usize,
    /// Steps between neighbouring windows.
    pub stride: usize,
    /// Rows and columns of zeros around the image.
    pub padding: usize,
}

impl Default for AveragePool {
    fn default() -> Self {
        Self { kernel: 2, stride: 2, padding: 0 } // halves the image
    }
}

impl Kind for AveragePool {
    const NAME: &'static str = "average-pool";
    const SUMMARY: &'static str = "the mean over each window: kernel, stride, padding";

    fn check(&self) -> Result<()> {
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
