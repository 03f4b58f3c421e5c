//! Layers: what a network is a list of.
//!
//! A layer asks the recorder for the parameters it needs and records itself on the tape; derivatives follow from the
//! tape. To add one: a file with a struct that implements [`Kind`](crate::base::registry::Kind) and [`Forward`],
//! and a line below.

pub mod item;

pub use item::Item;

use super::recorder::{Recorder, Signal};
use crate::base::Result;
use crate::registry;

/// What a layer is.
pub trait Forward {
    /// Whether it is an activation, applied to every unit.
    const ACTIVATION: bool = false;

    /// Records the output from the input; refuses inputs that it does not fit.
    fn forward(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal>;
}

registry! {
    /// What a network is a list of.
    Layer, "layer", match_layer {
        dense => Dense;
        conv => Conv;
        activate => Activate;
        normalize => Normalize;
        max_pool => MaxPool;
        average_pool => AveragePool;
        global_pool => GlobalPool;
        flatten => Flatten;
        residual => Residual;
        dropout => Dropout;
        subsample => Subsample;
        shift => Shift;
        gain => Gain;
        sum => Sum;
        population => Population;
        embedding => Embedding;
    }
}

impl Layer {
    /// Records the layer under a name.
    pub fn record(&self, name: &str, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        fn activation<F: Forward>(_: &F) -> bool {
            F::ACTIVATION
        }
        match_layer!(self, kind => cx.layer(name, activation(kind), input, |cx, input| kind.forward(cx, input)))
    }
}

/// Records layers one after the other.
pub fn record_all(items: &[Item], prefix: &str, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
    items
        .iter()
        .enumerate()
        .try_fold(input.clone(), |signal, (i, item)| item.layer.record(&item.path(prefix, i), cx, &signal))
}
