//! A small network in the style of VGG (Simonyan and Zisserman 2015): stages of 3 x 3 convolutions, a 2 x 2 maximum after
//! each stage, then the mean over positions and one dense layer.

use super::{Unfold, activate, check_dropout, check_sizes, conv, dense, dropout, within};
use crate::base::{Result, registry::Kind};
use crate::nn::activations::Activation;
use crate::nn::layers::{GlobalPool, Item, MaxPool};
use crate::nn::norms::{Batch, Norm};
use serde::{Deserialize, Serialize};

/// Stages of convolutions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Vgg {
    /// Channels of each stage.
    pub channels: Vec<usize>,
    /// Convolutions in a stage.
    pub depth: usize,
    /// After each convolution.
    pub activation: Activation,
    /// Norm of each convolution.
    pub norm: Norm,
    /// Rate of dropout before the dense layer.
    pub dropout: f64,
}

impl Default for Vgg {
    fn default() -> Self {
        Self {
            channels: vec![16, 32, 64], // the widths of He et al. 2016 on small images
            depth: 2,                   // as in the first stages of VGG
            activation: Activation::default(),
            norm: Norm::Batch(Batch::default()),
            dropout: 0.0,
        }
    }
}

impl Kind for Vgg {
    const NAME: &'static str = "vgg";
    const SUMMARY: &'static str =
        "stages of `depth` 3 x 3 convolutions with 2 x 2 maxima (after Simonyan and Zisserman 2015)";

    fn check(&self) -> Result<()> {
        check_sizes("channels", &self.channels, 1)?;
        check_dropout(self.dropout)?;
        within("depth", self.depth, 1..=100)
    }
}

impl Unfold for Vgg {
    fn layers(&self, _input: &[usize], outputs: usize) -> Vec<Item> {
        let mut layers = Vec::new();
        for channels in &self.channels {
            for _ in 0..self.depth {
                layers.extend(conv(["", ""], *channels, 3, 1, &self.norm, 1.0));
                layers.push(activate(&self.activation));
            }
            layers.push(Item::new("", MaxPool::default()));
        }
        layers.push(Item::new("", GlobalPool));
        layers.extend(dropout(self.dropout));
        layers.extend(dense(outputs, true, &Norm::default()));
        layers
    }
}
