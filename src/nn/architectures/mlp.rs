//! Multilayer perceptron: dense layers with an activation after each but the last.

use super::Unfold;
use crate::base::{Error, Result, registry::Kind};
use crate::nn::activations::Activation;
use crate::nn::layers::{Activate, Dense, Layer};
use serde::{Deserialize, Serialize};

/// Dense layers with an activation after each but the last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mlp {
    /// Width of each hidden layer; none for softmax (linear) regression.
    pub hidden: Vec<usize>,
    /// After each hidden layer.
    pub activation: Activation,
    /// Whether the layers have biases.
    pub bias: bool,
}

impl Default for Mlp {
    fn default() -> Self {
        Self { hidden: vec![32], activation: Activation::default(), bias: true }
    }
}

impl Kind for Mlp {
    const NAME: &'static str = "mlp";
    const SUMMARY: &'static str =
        "dense layers of the widths in `hidden`, an activation after each but the last";

    fn check(&self) -> Result<()> {
        const MOST: usize = 1000;
        if self.hidden.len() > MOST {
            return Err(Error::expected("hidden", format!("at most {MOST} layers"), self.hidden.len()));
        }
        match self.hidden.contains(&0) {
            true => Err(Error::expected("hidden", "widths of at least 1", 0)),
            false => Ok(()),
        }
    }
}

impl Unfold for Mlp {
    fn layers(&self, outputs: usize) -> Vec<Layer> {
        let dense = |units| Layer::Dense(Dense { units, bias: self.bias });
        let activate = Layer::Activate(Activate { function: self.activation.clone() });
        let mut layers: Vec<Layer> =
            self.hidden.iter().flat_map(|units| [dense(*units), activate.clone()]).collect();
        layers.push(dense(outputs));
        layers
    }
}
