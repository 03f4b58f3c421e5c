//! Group norm (Wu and He 2018): each sample is standardised over the positions and channels of each group of channels.

use super::{EPS, Standard, check_eps};
use crate::base::{Error, Result, registry::Kind};
use crate::nn::recorder::{Recorder, Signal};
use serde::{Deserialize, Serialize};

/// Group norm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Group {
    /// Groups of channels; they must divide every normalised layer's channels.
    pub groups: usize,
    /// Added to the variance.
    pub eps: f64,
}

impl Default for Group {
    fn default() -> Self {
        // Wu and He's 32 groups are for 64 channels and more; the small networks here have 16.
        Self { groups: 4, eps: EPS }
    }
}

impl Kind for Group {
    const NAME: &'static str = "group";
    const SUMMARY: &'static str = "each sample over positions and groups of channels (Wu and He 2018)";

    fn check(&self) -> Result<()> {
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
