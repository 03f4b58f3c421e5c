//! Group norm (Wu and He 2018): each sample is standardised over the positions and channels of each group of channels.

use super::{EPS, Standard, check_eps};
use crate::base::{Error, Result};
use crate::nn::recorder::{Recorder, Signal};

crate::kind! {
    /// Group norm.
    Group = "group", "each sample over positions and groups of channels (Wu and He 2018)";
    // Wu and He's 32 groups are for 64 channels and more; the small networks here have 16.
    /// Groups of channels; they must divide every normalised layer's channels.
    groups: usize = 4,
    /// Added to the variance.
    eps: f64 = EPS,
}

impl Group {
    fn refuse(&self) -> Result<()> {
        check_eps(self.eps)?;
        match self.groups {
            0 => Err(Error::expected("groups", "at least 1", 0)),
            _ => Ok(()),
        }
    }
}

impl Standard for Group {
    fn signal(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        let channels = input.channels();
        if !channels.is_multiple_of(self.groups) {
            let expected = format!("channels in {} groups (`groups` of the norm)", self.groups);
            return Err(cx.refuse(expected, channels));
        }
        let rows = channels / self.groups;
        if rows * input.positions() < 2 {
            return Err(cx.refuse("groups of at least 2 numbers", 1));
        }
        cx.ties.within_runs(&input.units, rows);
        Ok(input.with(cx.tape.standardize(input.node, rows, input.positions(), self.eps)))
    }
}
