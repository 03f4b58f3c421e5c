//! A small network in the style of VGG (Simonyan and Zisserman 2015): stages of 3 x 3 convolutions, a 2 x 2 maximum after
//! each stage, then the mean over positions and one dense layer.

use super::{Unfold, activate, check_dropout, check_sizes, conv, dense, dropout, within};
use crate::base::Result;
use crate::nn::activations::Activation;
use crate::nn::layers::{GlobalPool, Item, MaxPool};
use crate::nn::norms::{Batch, Norm};

crate::kind! {
    /// Stages of convolutions.
    Vgg = "vgg",
        "stages of `depth` 3 x 3 convolutions with 2 x 2 maxima (after Simonyan and Zisserman 2015)";
    /// Channels of each stage.
    channels: Vec<usize> = vec![16, 32, 64], // the widths of He et al. 2016 on small images
    /// Convolutions in a stage.
    depth: usize = 2, // as in the first stages of VGG
    /// After each convolution.
    activation: Activation = Activation::default(),
    /// Norm of each convolution.
    norm: Norm = Norm::Batch(Batch::default()),
    /// Rate of dropout before the dense layer.
    dropout: f64 = 0.0,
}

impl Vgg {
    fn refuse(&self) -> Result<()> {
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
