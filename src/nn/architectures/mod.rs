//! Architectures: networks by name, each with its own settings, that unfold into a list of layers.
//!
//! To add one: a file with a struct that implements [`Kind`](crate::base::registry::Kind) and [`Unfold`], and a line below.

use super::layers::Layer;
use crate::registry;

/// A network by name.
pub trait Unfold {
    /// The layers from input to `outputs` outputs.
    fn layers(&self, outputs: usize) -> Vec<Layer>;
}

registry! {
    /// A network by name.
    Architecture, "model", match_architecture {
        mlp => Mlp;
    }
}

impl Unfold for Architecture {
    fn layers(&self, outputs: usize) -> Vec<Layer> {
        match_architecture!(self, kind => kind.layers(outputs))
    }
}
