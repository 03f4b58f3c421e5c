//! Which weights are left: those of the largest magnitude, or as many at random.
//!
//! Only weights are pruned; biases and the parameters of norms stay. Of n weights that are left, a level takes the round(rate
//! n) smallest ones away, and never the last one. The output layer, the last weight of the network, loses at half the rate:
//! it is small, and pruning it hurts first (Frankle and Carbin 2019, section 2).

use crate::base::random::Rng;
use crate::nn::Network;
use crate::nn::layout::Parameter;
use crate::train::Mask;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

/// Among which weights the smallest are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// In each layer by itself: all hidden layers lose the same share
    #[default]
    Layer,
    /// In all hidden layers together; the output layer still by itself
    Global,
}

/// The next level's mask: less the smallest share `rate` of what `mask` leaves of the weights in `theta`.
pub fn by_magnitude(network: &Network, mask: &Mask, theta: &[f64], rate: f64, scope: Scope) -> Mask {
    let weights: Vec<&Parameter> = network.layout().weights().collect();
    let Some((output, hidden)) = weights.split_last() else { return mask.clone() };
    let mut kept = mask.kept().to_vec();
    let mut take = |group: &[&Parameter], rate: f64| {
        let left = |i: &usize| mask.kept()[*i];
        let mut places: Vec<usize> = group.iter().flat_map(|p| p.range()).filter(left).collect();
        let cut = ((rate * places.len() as f64).round() as usize).min(places.len().saturating_sub(1));
        // By place where two are of one size, so that nothing depends on how the sort goes.
        places.sort_unstable_by(|a, b| theta[*a].abs().total_cmp(&theta[*b].abs()).then(a.cmp(b)));
        places[..cut].iter().for_each(|i| kept[*i] = false);
    };
    match scope {
        Scope::Layer => hidden.iter().for_each(|p| take(&[p], rate)),
        Scope::Global => take(hidden, rate),
    }
    take(&[output], 0.5 * rate);
    Mask::new(kept)
}

/// As many weights of each layer as `mask` leaves, in places that `rng` draws.
pub fn at_random(network: &Network, mask: &Mask, rng: &mut Rng) -> Mask {
    let mut kept = mask.kept().to_vec();
    for p in network.layout().weights() {
        kept[p.range()].shuffle(rng);
    }
    Mask::new(kept)
}
