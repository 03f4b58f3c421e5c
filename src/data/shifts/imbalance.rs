//! Imbalance: a label shift that is stated instead of drawn, with a long tail of rare classes (Cui et al. 2019,
//! "Class-balanced loss based on effective number of samples"): class k of K has the share
//!
//! ```text
//! p_k ~ ratio^(-k / (K - 1))
//! ```
//!
//! so that the first is `ratio` times as frequent as the last; below 1 the last is the most frequent.

use super::labels::resample;
use super::{Corrupt, needs_classes};
use crate::base::registry::Kind;
use crate::base::{Result, Streams};
use crate::data::{Dataset, Samples, within};

crate::kind! {
    /// Classes whose shares fall off exponentially.
    Imbalance = "imbalance",
        "label shift: class k of K with a share in proportion to ratio^(-k/(K-1)) (Cui et al. 2019)";
    // The mildest of Cui et al.'s long tails.
    /// How many times as frequent the first class is as the last.
    ratio: f64 = 10.0,
}

impl Imbalance {
    fn refuse(&self) -> Result<()> {
        within("ratio", self.ratio, 1e-6..=1e6)
    }
}

impl Corrupt for Imbalance {
    fn fits(&self, dataset: &Dataset) -> Result<()> {
        needs_classes(Self::NAME, dataset)
    }

    fn corrupt(&self, samples: &Samples, dataset: &Dataset, streams: &Streams) -> Samples {
        let last = dataset.outputs.saturating_sub(1).max(1) as f64;
        let share = |k: usize| libm::exp(-libm::log(self.ratio) * k as f64 / last);
        let weights: Vec<f64> = (0..dataset.outputs).map(share).collect();
        resample(samples, &weights, &mut streams.stream("shift/imbalance", 0))
    }

    fn words(&self) -> String {
        format!("imbalance of 1:{}", self.ratio)
    }
}
