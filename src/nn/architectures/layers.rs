//! A network as a plain list of layers, for recipes:
//!
//! ```toml
//! [model]
//! kind = "layers"
//! layers = [
//!     { kind = "conv", channels = 8 },
//!     "activate",
//!     { kind = "residual", body = [{ kind = "conv", channels = 8 }, { kind = "activate", function = "tanh" }] },
//!     "global-pool",
//! ]
//! ```
//!
//! A dense layer to the outputs follows the last, unless `classifier = false`.

use super::{Unfold, activate, dense};
use crate::base::{Error, Result, registry::Kind};
use crate::nn::activations::Activation;
use crate::nn::layers::{Item, Layer};
use crate::nn::norms::Norm;
use serde::{Deserialize, Serialize};

/// A list of layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Layers {
    /// The layers, each by name or as a table with `kind`, its settings and, if it is to have one, a `name`.
    pub layers: Vec<Item>,
    /// Whether a dense layer to the outputs is added.
    pub classifier: bool,
}

impl Default for Layers {
    fn default() -> Self {
        let mut layers = dense(32, true, &Norm::default());
        layers.push(activate(&Activation::default()));
        Self { layers, classifier: true }
    }
}

impl Layers {
    /// Whether the first layer looks up every number of a sample.
    pub fn takes_tokens(&self) -> bool {
        matches!(self.layers.first().map(|item| &item.layer), Some(Layer::Embedding(first)) if first.columns.is_empty())
    }
}

impl Kind for Layers {
    const NAME: &'static str = "layers";
    const SUMMARY: &'static str =
        "a plain list of layers (see `losscape list layer`), then a dense one to the outputs";

    fn check(&self) -> Result<()> {
        if self.layers.len() <= 10_000 {
            Ok(())
        } else {
            Err(Error::expected("layers", "at most 10000", self.layers.len()))
        }
    }
}

impl Unfold for Layers {
    fn layers(&self, _input: &[usize], outputs: usize) -> Vec<Item> {
        let mut layers = self.layers.clone();
        for item in &mut layers {
            if let Layer::Embedding(embedding) = &item.layer {
                item.layer = embedding.with_classes(outputs).into();
            }
        }
        if self.classifier {
            layers.extend(dense(outputs, true, &Norm::default()));
        }
        layers
    }
}
