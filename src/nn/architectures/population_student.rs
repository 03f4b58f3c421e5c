//! The student of a ReLU teacher over all Gaussian inputs at once: what [`Student`](super::Student) is on samples, with the
//! data set `gaussian-teacher` and the loss `excess`. Nothing is sampled, so that the loss is smooth wherever no unit is zero,
//! its gradient vanishes at its minima, and one that is not global is a fact of the landscape (Safran and Shamir 2018).

use super::{Unfold, dense, within};
use crate::base::Result;
use crate::nn::layers::{Item, Population, Sum};
use crate::nn::norms::Norm;

crate::kind! {
    /// ReLU units, added up.
    PopulationStudent = "population-student",
        "the exact loss of ReLU units over Gaussian inputs, for gaussian-teacher data (Safran and Shamir 2018)";
    /// Hidden units.
    units: usize = 8,
}

impl PopulationStudent {
    fn refuse(&self) -> Result<()> {
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
