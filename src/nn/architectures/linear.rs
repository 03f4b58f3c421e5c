//! Deep linear networks: f(x) = W_L ... W_1 x, a linear function whose landscape is not convex (Saxe, McClelland and
//! Ganguli 2014).

use super::{Unfold, check_sizes, dense};
use crate::base::{Result, registry::Kind};
use crate::nn::layers::Item;
use crate::nn::norms::Norm;
use serde::{Deserialize, Serialize};

/// Dense layers without activations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Linear {
    /// Width of each hidden layer; none for a linear model.
    pub hidden: Vec<usize>,
    /// Whether the layers have biases.
    pub bias: bool,
}

impl Default for Linear {
    fn default() -> Self {
        Self { hidden: vec![32, 32], bias: false } // no biases: as in Saxe, McClelland and Ganguli 2014
    }
}

impl Kind for Linear {
    const NAME: &'static str = "linear";
    const SUMMARY: &'static str = "deep linear network W_L ... W_1 x (Saxe, McClelland and Ganguli 2014)";

    fn check(&self) -> Result<()> {
        check_sizes("hidden", &self.hidden, 0)
    }
}

impl Unfold for Linear {
    fn layers(&self, _input: &[usize], outputs: usize) -> Vec<Item> {
        let widths = self.hidden.iter().chain([&outputs]);
        widths.flat_map(|units| dense(*units, self.bias, &Norm::default())).collect()
    }
}
