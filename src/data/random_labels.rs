//! Random labels: another data set whose labels say nothing, so that fitting it is memorising it.
//!
//! C. Zhang et al., "Understanding deep learning requires rethinking generalization", ICLR 2017: the labels of training
//! and test samples are drawn uniformly from the classes; `inputs=gaussian` also replaces the inputs by N(0, 1).

use crate::base::random::normal;
use crate::base::{Error, Result, Streams};
use crate::data::{Raw, Source, Targets};
use rand::RngExt;
use serde::{Deserialize, Serialize};

crate::kind! {
    /// Another data set with random labels.
    RandomLabels = "random-labels",
        "another data set with labels drawn at random, its inputs kept or Gaussian (Zhang et al. 2017)";
    /// The data set: what its inputs are, how many there are, and of how many classes.
    base: Box<Source>,
    /// Whether its inputs are kept, or only their shape.
    inputs: Inputs,
}

/// What inputs become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Inputs {
    /// They stay.
    #[default]
    Kept,
    /// Noise from N(0, 1), of the same shape.
    Gaussian,
}

impl RandomLabels {
    /// The samples of the other data set, relabelled.
    pub fn load(&self, streams: &Streams) -> Result<Raw> {
        let mut raw = self.base.load(streams)?;
        let Targets::Classes(labels) = &mut raw.samples.y else {
            return Err(Error::expected("random-labels: base", "a data set with classes", "one with values"));
        };
        let mut rng = streams.stream("data/random-labels", 0);
        labels.iter_mut().for_each(|label| *label = rng.random_range(0..raw.outputs as u32));
        if self.inputs == Inputs::Gaussian {
            let mut rng = streams.stream("data/random-labels/inputs", 0);
            raw.samples.x.iter_mut().for_each(|x| *x = normal(&mut rng));
            raw.own_scale = true;
        }
        Ok(raw)
    }
}
