//! The parameter-free shortcut of He et al. 2016 (option A): every `stride`-th row and column, and channels of zeros
//! added after those there.

use super::conv::{check_window, window};
use super::{Forward, Recorder, Signal};
use crate::base::{Error, Result};

crate::kind! {
    /// Fewer positions and more channels, without parameters.
    Subsample = "subsample",
        "every stride-th row and column, channels filled up with zeros (He et al. 2016, option A)";
    // He et al. 2016
    /// Steps between the positions that are kept.
    stride: usize = 2,
    /// Channels of the output; 0 for those of the input.
    channels: usize = 0,
}

impl Subsample {
    fn refuse(&self) -> Result<()> {
        check_window(1, self.stride, 0)?;
        if self.channels <= 1 << 20 {
            Ok(())
        } else {
            Err(Error::expected("channels", "at most 2^20", self.channels))
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
