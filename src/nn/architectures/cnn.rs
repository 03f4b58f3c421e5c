//! A small convolutional network in the style of LeNet (LeCun et al. 1998): convolutions that keep the image's size, each
//! with a norm, an activation and a maximum over 2 x 2, then dense layers.

use super::{Unfold, activate, check_dropout, check_sizes, conv, dense, dropout, within};
use crate::base::{Error, Result, registry::Kind};
use crate::nn::activations::Activation;
use crate::nn::layers::{Flatten, Item, MaxPool};
use crate::nn::norms::{Batch, Norm};
use serde::{Deserialize, Serialize};

/// Convolutions with pooling, then dense layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cnn {
    /// Channels of each convolution.
    pub channels: Vec<usize>,
    /// Height and width of the filters; odd.
    pub kernel: usize,
    /// Widths of the dense layers before the last.
    pub hidden: Vec<usize>,
    /// After each convolution and hidden layer.
    pub activation: Activation,
    /// Norm of each convolution and hidden layer.
    pub norm: Norm,
    /// Rate of dropout before each dense layer.
    pub dropout: f64,
}

impl Default for Cnn {
    fn default() -> Self {
        Self {
            channels: vec![16, 32],
            kernel: 3,
            hidden: Vec::new(),
            activation: Activation::default(),
            norm: Norm::Batch(Batch::default()),
            dropout: 0.0,
        }
    }
}

/// Refuses filters without a centre.
pub(super) fn check_kernel(kernel: usize) -> Result<()> {
    within("kernel", kernel, 1..=99)?;
    match kernel % 2 {
        1 => Ok(()),
        _ => Err(Error::expected("kernel", "an odd number", kernel)),
    }
}

impl Kind for Cnn {
    const NAME: &'static str = "cnn";
    const SUMMARY: &'static str =
        "convolutions of `channels`, each with norm, activation and 2 x 2 maximum, then dense (after LeNet)";

    fn check(&self) -> Result<()> {
        check_sizes("channels", &self.channels, 1)?;
        check_sizes("hidden", &self.hidden, 0)?;
        check_dropout(self.dropout)?;
        check_kernel(self.kernel)
    }
}

impl Unfold for Cnn {
    fn layers(&self, _input: &[usize], outputs: usize) -> Vec<Item> {
        let mut layers = Vec::new();
        for channels in &self.channels {
            layers.extend(conv(["", ""], *channels, self.kernel, 1, &self.norm, 1.0));
            layers.push(activate(&self.activation));
            layers.push(Item::new("", MaxPool::default()));
        }
        layers.push(Item::new("", Flatten));
        for units in &self.hidden {
            layers.extend(dropout(self.dropout));
            layers.extend(dense(*units, true, &self.norm));
            layers.push(activate(&self.activation));
        }
        layers.extend(dropout(self.dropout));
        layers.extend(dense(outputs, true, &Norm::default()));
        layers
    }
}
