//! Shifts: test samples from another distribution than the training samples, with what a network learned the same.
//!
//! A shift makes new samples out of those of a data set, as the network sees them (standardised as in training).
//! It is a pure function of its random streams: sample i is changed the same way however many others there are.
//!
//! To add one: a file with a struct that implements [`Kind`](crate::base::registry::Kind) and [`Corrupt`], and a
//! line below. [`Shift::usual`] says which ones are taken where nobody chooses.

use crate::base::{Error, Result, Streams};
use crate::data::{Dataset, Samples};
use crate::registry;

/// Makes samples of another distribution.
pub trait Corrupt {
    /// Refuses data that this shift cannot be made of.
    fn fits(&self, dataset: &Dataset) -> Result<()>;

    /// `samples` of `dataset`, training or test, shifted. The data have been found to [fit](Corrupt::fits).
    fn corrupt(&self, samples: &Samples, dataset: &Dataset, streams: &Streams) -> Samples;

    /// What was done, in a few words: "noise of std 0.5".
    fn words(&self) -> String;
}

registry! {
    /// How test samples differ from what training saw.
    Shift, "shift", match_shift {
        noise => Noise;
        blur => Blur;
        labels => Labels;
        imbalance => Imbalance;
    }
}

impl Shift {
    /// Noise, blur and other shares of the classes, as far as they can be made of `dataset`.
    pub fn usual(dataset: &Dataset) -> Vec<Self> {
        let all: [Self; 3] = [Noise::default().into(), Blur::default().into(), Labels::default().into()];
        all.into_iter().filter(|shift| shift.fits(dataset).is_ok()).collect()
    }

    /// Refuses data that this shift cannot be made of.
    pub fn fits(&self, dataset: &Dataset) -> Result<()> {
        match_shift!(self, kind => kind.fits(dataset))
    }

    /// `samples` of `dataset`, training or test, shifted; an error where they cannot be.
    pub fn apply(&self, samples: &Samples, dataset: &Dataset, streams: &Streams) -> Result<Samples> {
        self.fits(dataset)?;
        Ok(match_shift!(self, kind => kind.corrupt(samples, dataset, streams)))
    }

    /// What was done, in a few words.
    pub fn words(&self) -> String {
        match_shift!(self, kind => kind.words())
    }
}

/// Refuses data whose samples have values instead of classes, or one class alone.
fn needs_classes(name: &str, dataset: &Dataset) -> Result<()> {
    if dataset.has_classes() && dataset.outputs > 1 {
        return Ok(());
    }
    Err(Error::expected(format!("shift {name}"), "data with two classes or more", dataset.targets()))
}
