//! Label shift: the classes occur with other probabilities, each class looks as it did (Lipton, Wang, Smola 2018,
//! "Detecting and correcting for label shift with black box predictors").
//!
//! ```text
//! p ~ Dirichlet(alpha, ..., alpha) over the classes that there are,   x | y as before
//! ```
//!
//! Small alpha leaves few classes, large alpha makes all alike. The samples are those of the data set, of each class
//! as many as p says; `resample` draws them.

use super::{Corrupt, needs_classes};
use crate::base::random::Rng;
use crate::base::registry::Kind;
use crate::base::{Result, Streams};
use crate::data::{Dataset, Samples, within};
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_distr::{Distribution, Gamma};

crate::kind! {
    /// Classes with probabilities drawn from a Dirichlet distribution.
    Labels = "labels",
        "label shift: shares of the classes from Dirichlet(alpha), samples drawn again accordingly";
    // Every p is as likely as every other.
    /// Concentration of the Dirichlet distribution.
    alpha: f64 = 1.0,
}

impl Labels {
    fn refuse(&self) -> Result<()> {
        within("alpha", self.alpha, 1e-3..=1e6)
    }
}

impl Labels {
    /// A draw of `classes` probabilities.
    fn draw(&self, classes: usize, rng: &mut Rng) -> Vec<f64> {
        // ln of a draw from Gamma(alpha): Gamma(alpha + 1) U^(1/alpha), whose logarithm does not underflow.
        let Ok(gamma) = Gamma::new(self.alpha + 1.0, 1.0) else { return vec![1.0; classes] };
        let logs: Vec<f64> = (0..classes)
            .map(|_| {
                let whole: f64 = gamma.sample(rng);
                // In (0, 1].
                let uniform = 1.0 - rng.random::<f64>();
                libm::log(whole) + libm::log(uniform) / self.alpha
            })
            .collect();
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        logs.iter().map(|l| libm::exp(l - most)).collect()
    }
}

/// As many samples as before, of class k a share in proportion to `weights[k]` (rounded by largest remainders), from
/// those of its class: each of them as often as every other, but for one. Classes without samples are left out. The
/// order is the one that the samples had.
pub(super) fn resample(samples: &Samples, weights: &[f64], rng: &mut Rng) -> Samples {
    let Some(labels) = samples.labels() else { return samples.clone() };
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); weights.len()];
    labels.iter().enumerate().for_each(|(i, label)| members[*label as usize].push(i));
    let there = |k: usize| if members[k].is_empty() { 0.0 } else { weights[k] };
    let total: f64 = (0..weights.len()).map(there).sum();
    let n = samples.len();
    if !(total > 0.0 && total.is_finite()) {
        return samples.clone();
    }
    let exact: Vec<f64> = (0..weights.len()).map(|k| n as f64 * there(k) / total).collect();
    let mut counts: Vec<usize> = exact.iter().map(|x| x.floor() as usize).collect();
    let mut order: Vec<usize> = (0..weights.len()).filter(|k| exact[*k] > 0.0).collect();
    // Of equal remainders the first.
    order.sort_by(|a, b| exact[*b].fract().total_cmp(&exact[*a].fract()));
    let missing = n.saturating_sub(counts.iter().sum());
    order.iter().cycle().take(missing).for_each(|k| counts[*k] += 1);
    let mut indices = Vec::with_capacity(n);
    for (members, count) in members.iter_mut().zip(counts) {
        members.shuffle(rng);
        indices.extend(members.iter().copied().cycle().take(count));
    }
    indices.sort_unstable();
    samples.select(&indices, samples.features())
}

impl Corrupt for Labels {
    fn fits(&self, dataset: &Dataset) -> Result<()> {
        needs_classes(Self::NAME, dataset)
    }

    fn corrupt(&self, samples: &Samples, dataset: &Dataset, streams: &Streams) -> Samples {
        let mut rng = streams.stream("shift/labels", 0);
        let weights = self.draw(dataset.outputs, &mut rng);
        resample(samples, &weights, &mut rng)
    }

    fn words(&self) -> String {
        format!("label shift of Dirichlet({})", self.alpha)
    }
}
