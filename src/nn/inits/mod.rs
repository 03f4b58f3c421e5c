//! Initializers: where the weights start. Biases start at zero, if the kind does not say otherwise.
//!
//! To add one: a file with a struct that implements [`Kind`](crate::base::registry::Kind) and [`Initialize`], and a line below.

pub mod fans;

pub use fans::{Fan, Fans};

use super::{Layout, Network, Parameter};
use crate::autodiff::Element;
use crate::base::random::Rng;
use crate::registry;

/// Draws one weight tensor.
pub trait Initialize {
    /// Fills a tensor, row-major.
    fn fill(&self, fans: &Fans, rng: &mut Rng, out: &mut [f64]);

    /// Fills the biases of a layer, if the kind draws them.
    fn bias(&self, _rng: &mut Rng, _out: &mut [f64]) {}

    /// What a weight is multiplied by then, for its place in the network.
    fn factor(&self, _layout: &Layout, _weight: &Parameter) -> f64 {
        1.0
    }

    /// Whether it asks for the network's layers, their order or their branches.
    fn asks_layers(&self) -> bool {
        false
    }

    /// How many training samples [`Initialize::adapt`] is to see; none if it does nothing.
    fn batch(&self) -> Option<usize> {
        None
    }

    /// Changes the weights in `theta` by what the network makes of the first training samples (features x samples).
    fn adapt<E: Element>(&self, _network: &Network, _data: &[E], _theta: &mut [E]) {}
}

registry! {
    /// Where the weights start.
    Initializer, "initializer", match_initializer {
        he_normal => HeNormal;
        he_uniform => HeUniform;
        lecun_normal => LecunNormal;
        lecun_uniform => LecunUniform;
        glorot_normal => GlorotNormal;
        glorot_uniform => GlorotUniform;
        geometric => Geometric;
        orthogonal => Orthogonal;
        delta_orthogonal => DeltaOrthogonal;
        lsuv => Lsuv;
        fixup => FixUp;
        naive => Naive;
        mean_field => MeanField;
    }
}

impl Initialize for Initializer {
    fn fill(&self, fans: &Fans, rng: &mut Rng, out: &mut [f64]) {
        match_initializer!(self, kind => kind.fill(fans, rng, out));
    }

    fn bias(&self, rng: &mut Rng, out: &mut [f64]) {
        match_initializer!(self, kind => kind.bias(rng, out))
    }

    fn factor(&self, layout: &Layout, weight: &Parameter) -> f64 {
        match_initializer!(self, kind => kind.factor(layout, weight))
    }

    fn asks_layers(&self) -> bool {
        match_initializer!(self, kind => kind.asks_layers())
    }

    fn batch(&self) -> Option<usize> {
        match_initializer!(self, kind => kind.batch())
    }

    fn adapt<E: Element>(&self, network: &Network, data: &[E], theta: &mut [E]) {
        match_initializer!(self, kind => kind.adapt(network, data, theta));
    }
}

/// N(0, variance).
fn normal(variance: f64, rng: &mut Rng, out: &mut [f64]) {
    let std = variance.sqrt();
    out.iter_mut().for_each(|w| *w = std * crate::base::random::normal(rng));
}

/// U(-a, a) with a = sqrt(3 variance), which has that variance.
fn uniform(variance: f64, rng: &mut Rng, out: &mut [f64]) {
    use rand::RngExt;
    let a = (3.0 * variance).sqrt();
    out.iter_mut().for_each(|w| *w = a * (2.0 * rng.random::<f64>() - 1.0));
}
