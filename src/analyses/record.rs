//! Parts that the numbers of many analyses have in common.

use super::{DataSettings, Run};
use crate::base::{Precision, shown};
use crate::landscape::path::Weights;
use crate::nn::losses::Loss;
use crate::nn::{Spec, weights};
use serde::{Deserialize, Serialize};

/// How many samples there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Samples {
    /// For training.
    pub train: usize,
    /// For testing.
    pub test: usize,
}

impl Samples {
    /// A loss on the test samples as users read it; "-" where there are none.
    pub fn tested(&self, x: f64, digits: usize) -> String {
        if self.test == 0 { "-".to_owned() } else { shown::number(x, digits) }
    }
}

/// The network and the data that an analysis is of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subject {
    /// Network and data in one line.
    pub title: String,
    /// What training minimised.
    pub loss: Loss,
    /// Element type.
    pub precision: Precision,
    /// The network.
    pub network: Spec,
    /// How many parameters it has.
    pub parameters: usize,
    /// The data.
    pub data: DataSettings,
    data_sha256: String,
    /// How many samples there are.
    pub samples: Samples,
}

impl Subject {
    /// Those of a run.
    pub(super) fn of(run: &Run) -> Self {
        Self {
            title: run.title(),
            loss: run.network.spec().loss.clone(),
            precision: run.precision,
            network: run.network.spec().clone(),
            parameters: run.theta.len(),
            data: run.data.clone(),
            data_sha256: run.data.sha256.clone(),
            samples: Samples { train: run.dataset.train.len(), test: run.dataset.test.len() },
        }
    }
}

/// A network of the kind of `run`, as a file `NAME.safetensors` that is a run like any other.
pub(super) fn weight_file(
    run: &Run,
    precision: Precision,
    name: &str,
    (theta, state): &Weights,
) -> crate::base::Result<(String, Vec<u8>)> {
    let weights = weights::Weights {
        network: run.network.clone(),
        precision,
        theta: theta.clone(),
        state: state.clone(),
        data: super::to_json(&run.data)?.to_string(),
    };
    Ok((format!("{name}.safetensors"), weights.to_bytes()?))
}
