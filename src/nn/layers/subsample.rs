//! The parameter-free shortcut of He et al. 2016 (option A): every `stride`-th row and column, and channels of zeros
//! added after those there.

use super::conv::{check_window, window};
use super::{Forward, Recorder, Signal};
use crate::base::{Error, Result, registry::Kind};
use serde::{Deserialize, Serialize};

/// Fewer positions and more channels, without parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Subsample {
    /// Steps between the positions that are kept.
    pub stride: usize,
    /// Channels of the output; 0 for those of the input.
    pub channels: usize,
}

impl Default for Subsample {
    fn default() -> Self {
        Self { stride: 2, channels: 0 } // He et al. 2016
    }
}

impl Kind for Subsample {
    const NAME: &'static str = "subsample";
    const SUMMARY: &'static str =
        "every stride-th row and column, channels filled up with zeros (He et al. 2016, option A)";

    fn check(&self) -> Result<()> {
        check_window(1, self.stride, 0)?;
        match self.channels <= 1 << 20 {
            true => Ok(()),
            false => Err(Error::expected("channels", "at most 2^20", self.channels)),
        }
    }
}

impl Forward for Subsample {
    fn forward(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        let input = cx.image(input)?;
        let window = window(cx, &input.shape, 1, self.stride, 0)?;
        let channels = if self.channels == 0 { input.channels() } else { self.channels };
        if channels < input.channels() {
            return Err(cx.refuse(format!("at most {channels} channels"), input.channels()));
        }
        // A mean over one number is the number.
        let kept = cx.tape.average_pool(window, input.node);
        let node = cx.tape.pad_rows(kept, 0, channels);
        let [height, width] = window.places();
        let added = cx.ties.fresh(channels - input.channels());
        let units = input.units.iter().chain(added.iter()).copied().collect();
        Ok(Signal { node, shape: vec![channels, height, width], image: true, units })
    }
}
