//! The student of a ReLU teacher over all Gaussian inputs at once: what [`Student`](super::Student) is on samples, with the
//! data set `gaussian-teacher` and the loss `excess`. Nothing is sampled, so that the loss is smooth wherever no unit is zero,
//! its gradient vanishes at its minima, and one that is not global is a fact of the landscape (Safran and Shamir 2018).

use super::{Unfold, dense, within};
use crate::base::{Result, registry::Kind};
use crate::nn::layers::{Item, Population, Sum};
use crate::nn::norms::Norm;
use serde::{Deserialize, Serialize};

/// ReLU units, added up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PopulationStudent {
    /// Hidden units.
    pub units: usize,
}

impl Default for PopulationStudent {
    fn default() -> Self {
        Self { units: 8 }
    }
}

impl Kind for PopulationStudent {
    const NAME: &'static str = "population-student";
    const SUMMARY: &'static str = "the exact loss of ReLU units over Gaussian inputs, for gaussian-teacher data (Safran and Shamir 2018)";

    fn check(&self) -> Result<()> {
        within("units", self.units, 1..=1_000_000)
    }
}

impl Unfold for PopulationStudent {
    /// The units' shares are added up; where several outputs are asked for, each weighs them for itself.
    fn layers(&self, _input: &[usize], outputs: usize) -> Vec<Item> {
        let mut layers = vec![Item::new("", Population { units: self.units })];
        match outputs {
            1 => layers.push(Item::new("", Sum)),
            _ => layers.extend(dense(outputs, false, &Norm::default())),
        }
        layers
    }
}
