//! Architectures: networks by name, each with its own settings, that unfold into a list of layers.
//!
//! To add one: a file with a struct that implements [`Kind`](crate::base::registry::Kind) and [`Unfold`], and a line below.

use super::activations::Activation;
use super::layers::{Activate, Conv, Dense, Dropout, Item, Layer, Normalize};
use super::norms::Norm;
use crate::base::{Error, Result};
use crate::registry;

/// A network by name.
pub trait Unfold {
    /// The layers from an input of the given shape to `outputs` outputs.
    fn layers(&self, input: &[usize], outputs: usize) -> Vec<Item>;

    /// The file that holds the network in place of layers.
    fn exported(&self) -> Option<&Exported> {
        None
    }
}

registry! {
    /// A network by name.
    Architecture, "model", match_architecture {
        mlp => Mlp;
        cnn => Cnn;
        vgg => Vgg;
        resnet => Resnet;
        linear => Linear;
        matrix_factorization => MatrixFactorization;
        student => Student;
        population_student => PopulationStudent;
        layers => Layers;
        exported => Exported;
    }
}

impl Unfold for Architecture {
    fn layers(&self, input: &[usize], outputs: usize) -> Vec<Item> {
        match_architecture!(self, kind => kind.layers(input, outputs))
    }

    fn exported(&self) -> Option<&Exported> {
        match_architecture!(self, kind => kind.exported())
    }
}

/// A layer with weights and its norm: a norm of weights within the layer, one of signals as a layer after it whose
/// scales start at `gamma`. `names` are theirs; empty ones go by their positions.
fn normed(names: [&str; 2], layer: impl Fn(Norm) -> Layer, norm: &Norm, gamma: f64) -> Vec<Item> {
    if norm.of_weights() {
        return vec![Item::new(names[0], layer(norm.clone()))];
    }
    let mut items = vec![Item::new(names[0], layer(Norm::default()))];
    if *norm != Norm::default() {
        items.push(Item::new(names[1], Normalize { norm: norm.clone(), gamma }));
    }
    items
}

/// A dense layer with its norm.
fn dense(units: usize, bias: bool, norm: &Norm) -> Vec<Item> {
    normed(["", ""], |norm| Dense { units, bias, norm }.into(), norm, 1.0)
}

/// A convolution of odd kernel that keeps the image's size (at stride 1), with its norm. A bias in front of a norm that
/// subtracts the mean would do nothing, so there is one only without.
fn conv(
    names: [&str; 2],
    channels: usize,
    kernel: usize,
    stride: usize,
    norm: &Norm,
    gamma: f64,
) -> Vec<Item> {
    let bias = norm.of_weights() || *norm == Norm::default();
    let layer = |norm| Conv { channels, kernel, stride, padding: kernel / 2, groups: 1, bias, norm }.into();
    normed(names, layer, norm, gamma)
}

fn activate(function: &Activation) -> Item {
    Item::new("", Activate { function: function.clone() })
}

/// Dropout, where there is any.
fn dropout(rate: f64) -> Option<Item> {
    (rate > 0.0).then(|| Item::new("", Dropout { rate }))
}

/// Refuses a list of sizes that is too long, or holds a 0.
fn check_sizes(setting: &str, sizes: &[usize], least: usize) -> Result<()> {
    const MOST: usize = 1000;
    if !(least..=MOST).contains(&sizes.len()) {
        return Err(Error::expected(setting, format!("{least} to {MOST} layers"), sizes.len()));
    }
    if sizes.contains(&0) { Err(Error::expected(setting, "widths of at least 1", 0)) } else { Ok(()) }
}

/// Refuses a number outside `range`.
fn within(setting: &str, value: usize, range: std::ops::RangeInclusive<usize>) -> Result<()> {
    if range.contains(&value) {
        Ok(())
    } else {
        Err(Error::expected(setting, format!("{} to {}", range.start(), range.end()), value))
    }
}

/// Refuses a rate of dropout that makes no sense.
fn check_dropout(rate: f64) -> Result<()> {
    if (0.0..1.0).contains(&rate) {
        Ok(())
    } else {
        Err(Error::expected("dropout", "at least 0 and below 1", rate))
    }
}
