//! Data sets: what a network is trained and measured on.
//!
//! A kind of data set is one file with one struct: its settings, and `load`, which returns all samples as they
//! are ([`Raw`]). What follows is the same for all and stands in [`Dataset::load`]: splitting, standardising.
//!
//! To add one: write a file like `blobs.rs` and add its line below. It then shows in `--data`, in `losscape
//! list`, in recipes and in the tests here.

pub mod dataset;

pub use dataset::{Dataset, Samples};

use crate::base::registry::Kind;
use crate::base::{self, Error, Streams};
use std::fmt::Display;
use std::ops::RangeInclusive;

crate::registry! {
    /// Where samples come from.
    Source, "data set", match_source {
        digits => Digits;
        spirals => Spirals;
        blobs => Blobs;
    }
}

/// Samples as a source gives them, before splitting and standardising.
#[derive(Clone, Debug, PartialEq)]
pub struct Raw {
    /// Of one sample: `[features]` or `[channels, height, width]`.
    pub shape: Vec<usize>,
    /// Number of classes; labels are below it.
    pub classes: usize,
    /// All samples.
    pub samples: Samples,
    /// How many of them are to be set aside for testing.
    pub held_out: usize,
}

impl Source {
    /// The samples, generated from `streams` where the source generates.
    pub fn load(&self, streams: &Streams) -> base::Result<Raw> {
        match_source!(self, kind => {
            kind.check()?;
            kind.load(streams)
        })
    }
}

/// Refuses a setting outside `range`; NaN lies outside every range.
fn within<T: PartialOrd + Display>(setting: &str, value: T, range: RangeInclusive<T>) -> base::Result<()> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(Error::expected(setting, format!("{} to {}", range.start(), range.end()), value))
}

/// Refuses a data set that would not fit in memory beside a network; nothing is allocated before.
fn fits_in_memory(setting: &str, samples: usize, features: usize) -> base::Result<()> {
    // Loading holds the samples twice, before and after the split: 4 GiB at the peak.
    const MOST: u128 = 2 << 30;
    let bytes = 8 * samples as u128 * features as u128;
    if bytes <= MOST {
        return Ok(());
    }
    let gib = bytes as f64 / (1u64 << 30) as f64;
    Err(Error::expected(
        setting,
        "data of at most 2 GiB",
        format!("{samples} x {features} numbers, {gib:.1} GiB"),
    ))
}
