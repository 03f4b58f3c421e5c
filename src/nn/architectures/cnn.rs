//! A small convolutional network in the style of LeNet (LeCun et al. 1998): convolutions that keep the image's size, each
//! with a norm, an activation and a maximum over 2 x 2, then dense layers.

use super::{Unfold, activate, check_dropout, check_sizes, conv, dense, dropout, within};
use crate::base::{Error, Result};
use crate::nn::activations::Activation;
use crate::nn::layers::{Flatten, Item, MaxPool};
use crate::nn::norms::{Batch, Norm};

crate::kind! {
    /// Convolutions with pooling, then dense layers.
    Cnn = "cnn",
        "convolutions of `channels`, each with norm, activation and 2 x 2 maximum, then dense (after LeNet)";
    /// Channels of each convolution.
    channels: Vec<usize> = vec![16, 32],
    /// Height and width of the filters; odd.
    kernel: usize = 3,
    /// Widths of the dense layers before the last.
    hidden: Vec<usize> = Vec::new(),
    /// After each convolution and hidden layer.
    activation: Activation = Activation::default(),
    /// Norm of each convolution and hidden layer.
    norm: Norm = Norm::Batch(Batch::default()),
    /// Rate of dropout before each dense layer.
    dropout: f64 = 0.0,
}

impl Cnn {
    fn refuse(&self) -> Result<()> {
        check_sizes("channels", &self.channels, 1)?;
        check_sizes("hidden", &self.hidden, 0)?;
        check_dropout(self.dropout)?;
        check_kernel(self.kernel)
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
