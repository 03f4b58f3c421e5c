//! The residual networks of He et al. 2016 for small images: depth 6 n + 2, three stages of n blocks with 16, 32 and 64
//! channels (times `width`), each block two 3 x 3 convolutions with norms around which the signal is added; then the
//! mean over positions and one dense layer.
//!
//! Where a stage halves the image, the way around is a 1 x 1 convolution with a norm (option B), or, with
//! `projection = false`, every second position with channels of zeros added (option A). ResNet-20 on 3 x 32 x 32 has
//! 272,474 and 269,722 parameters. `skip = false` leaves the ways around out: the plain twin.

use super::{Unfold, activate, conv, dense};
use crate::base::{Error, Result};
use crate::nn::activations::Activation;
use crate::nn::layers::{Gain, GlobalPool, Item, Layer, Residual, Shift, Subsample};
use crate::nn::norms::{Batch, Norm};

crate::kind! {
    /// Residual network for small images.
    Resnet = "resnet",
        "residual network for small images: depth 8, 14, 20, 32, 44, 56, ...; skip, projection (He et al. 2016)";
    /// Layers with weights: 6 n + 2.
    depth: usize = 8, // He et al. 2016 start at 20; 8 trains in minutes on a CPU
    /// Channels of the first stage are 16 times this.
    width: f64 = 1.0,
    /// Ways around the blocks.
    skip: bool = true,
    /// Option B, a 1 x 1 convolution with a norm, where shapes change; option A without.
    projection: bool = true,
    /// After each convolution and sum.
    activation: Activation = Activation::default(),
    /// Norm of each convolution.
    norm: Norm = Norm::Batch(Batch::default()),
    /// The last norm of each block starts with scales of 0, so that blocks start as the identity.
    zero_last_gamma: bool = false,
    /// What branches are multiplied by.
    branch_scale: f64 = 1.0,
    /// FixUp's scalar biases and multipliers, for use without norm.
    scalars: bool = false,
}

impl Resnet {
    fn refuse(&self) -> Result<()> {
        if !(8..=1202).contains(&self.depth) || self.depth % 6 != 2 {
            return Err(Error::expected("depth", "6 n + 2: 8, 14, 20, 32, 44, 56, ... to 1202", self.depth));
        }
        if !(self.width > 0.0 && self.width <= 1000.0) {
            return Err(Error::expected("width", "above 0 and at most 1000", self.width));
        }
        if self.branch_scale.is_finite() {
            Ok(())
        } else {
            Err(Error::expected("branch-scale", "a finite number", self.branch_scale))
        }
    }
}

impl Resnet {
    fn channels(&self, stage: usize) -> usize {
        ((16 << stage) as f64 * self.width).round().max(1.0) as usize
    }

    /// A convolution with FixUp's scalar bias in front, where there are such.
    fn conv(&self, i: usize, channels: usize, stride: usize, gamma: f64) -> Vec<Item> {
        let (shift, conv_name, norm) = (format!("shift{i}"), format!("conv{i}"), format!("norm{i}"));
        let mut items = Vec::new();
        if self.scalars {
            items.push(Item::new(shift, Shift));
        }
        items.extend(conv([&conv_name, &norm], channels, 3, stride, &self.norm, gamma));
        // A scalar bias stands in for the convolution's own.
        for item in &mut items {
            if let (true, Layer::Conv(conv)) = (self.scalars, &mut item.layer) {
                conv.bias = false;
            }
        }
        items
    }

    fn block(&self, name: &str, channels: usize, stride: usize, projected: bool) -> Vec<Item> {
        let gamma = if self.zero_last_gamma { 0.0 } else { 1.0 };
        let mut body = self.conv(1, channels, stride, 1.0);
        body.push(Item { name: "activation1".to_owned(), ..activate(&self.activation) });
        body.extend(self.conv(2, channels, 1, gamma));
        if self.scalars {
            body.extend([Item::new("gain", Gain), Item::new("shift3", Shift)]);
        }
        let last = Item { name: format!("{name}.activation2"), ..activate(&self.activation) };
        if !self.skip {
            let named = |item: Item| Item { name: format!("{name}.{}", item.name), ..item };
            return body.into_iter().map(named).chain([last]).collect();
        }
        let shortcut = match (projected, self.projection) {
            (false, _) => Vec::new(),
            (true, true) => conv(["shortcut.conv", "shortcut.norm"], channels, 1, stride, &self.norm, 1.0),
            (true, false) => vec![Item::new("shortcut", Subsample { stride, channels })],
        };
        let block = Residual { body, shortcut, scale: self.branch_scale };
        vec![Item::new(name, block), last]
    }
}

impl Unfold for Resnet {
    fn layers(&self, _input: &[usize], outputs: usize) -> Vec<Item> {
        let mut layers = conv(["stem.conv", "stem.norm"], self.channels(0), 3, 1, &self.norm, 1.0);
        layers.push(Item { name: "stem.activation".to_owned(), ..activate(&self.activation) });
        let blocks = (self.depth - 2) / 6;
        for i in 0..3 * blocks {
            let (stage, first) = (i / blocks, i % blocks == 0);
            let changes = first && stage > 0;
            let stride = if changes { 2 } else { 1 };
            layers.extend(self.block(&format!("blocks.{i}"), self.channels(stage), stride, changes));
        }
        layers.push(Item::new("pool", GlobalPool));
        let classifier = dense(outputs, true, &Norm::default());
        layers.extend(classifier.into_iter().map(|item| Item { name: "classifier".to_owned(), ..item }));
        layers
    }
}
