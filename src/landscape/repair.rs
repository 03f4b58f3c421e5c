//! REPAIR (Jordan et al. 2022, arXiv 2211.08403): halfway between two networks the units' preactivations have too little
//! variance, layer after layer less. For the network at t between A and B, each hidden channel is scaled and shifted to
//!
//! ```text
//! mean = (1 - t) mean_A + t mean_B,    deviation = (1 - t) deviation_A + t deviation_B
//! ```
//!
//! over samples and positions: w -> s w, b -> s (b - mean_now) + mean with s = deviation / deviation_now, folded into weight
//! and bias, front to back, each layer measured after those before it were repaired.
//!
//! Where a norm of signals follows a layer, it is the norm's own scale and shift that are set. Behind a batch norm nothing is:
//! with its statistics recomputed each channel has mean beta and deviation |gamma|, which are mixed already; they are made
//! anew here, for the ends as well. A layer without a bias and without a norm has its deviation alone set. One under
//! spectral norm cannot be scaled, and a channel that does not vary has its mean alone set. The outputs stay.
//!
//! Cost: a pass over the samples for each layer, and another each for its norms' statistics where there are such.

use super::signals::moments;
use crate::base::{Result, interrupt};
use crate::nn::recorder::{Affine, Standardised};
use crate::nn::{At, MeanLoss, Network, Point};

/// What was done to a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mended {
    /// Mean and deviation of each channel were set.
    Both,
    /// The deviation alone: it has no bias.
    Deviation,
    /// Nothing: it cannot be scaled, or batch norm's statistics do it.
    Nothing,
}

/// A repaired network.
#[derive(Clone, Debug)]
pub struct Repaired {
    /// Where it is, with statistics recomputed.
    pub point: Point,
    /// The hidden layers with weights or norms, and what was done to each.
    pub layers: Vec<(String, Mended)>,
}

/// A hidden layer whose channels may be set.
struct Site {
    trace: usize,
    affine: Affine,
}

/// The layers to be set, in order, and what becomes of all of those with weights or norms.
fn sites(network: &Network) -> (Vec<Site>, Vec<(String, Mended)>) {
    let traces = network.traces();
    let (mut sites, mut layers) = (Vec::new(), Vec::new());
    let norm = |t: usize| traces.get(t).and_then(|t| t.affine?.norm);
    // The last one puts out the network's outputs.
    for (t, trace) in traces.iter().enumerate().take(traces.len().saturating_sub(1)) {
        let normed =
            traces.get(t + 1).is_some_and(|next| next.input == trace.signal.node) && norm(t + 1).is_some();
        let mended = match (trace.affine, normed) {
            // What a norm standardises need not be set before.
            (_, true) => continue,
            (None, _) if trace.weight.is_none() => continue,
            (None, _) => Mended::Nothing,
            (Some(Affine { norm: Some(Standardised::Whole), .. }), _) => Mended::Nothing,
            (Some(affine), _) => {
                sites.push(Site { trace: t, affine });
                if affine.shift.is_some() { Mended::Both } else { Mended::Deviation }
            }
        };
        layers.push((trace.name.clone(), mended));
    }
    (sites, layers)
}

/// The network at `t` on the line from `a` to `b`, repaired over the samples of `objective`; where norms couple samples its
/// statistics should be those of groups, so that they are recomputed.
pub fn repair(objective: &dyn MeanLoss, a: At, b: At, t: f64) -> Result<Repaired> {
    let network = objective.network();
    let (sites, layers) = sites(network);
    let precision = objective.precision();
    let traces: Vec<usize> = sites.iter().map(|s| s.trace).collect();
    let [of_a, of_b] = [a, b].map(|end| {
        let state = objective.refresh(end);
        moments(objective, &traces, At { state: &state, ..end })
    });
    let theta = a.theta.iter().zip(b.theta).map(|(a, b)| (1.0 - t) * a + t * b).collect();
    let mut point = Point { theta, state: network.mixed([a.state, b.state], t) }.to(precision);
    point.state = objective.refresh(point.at());
    for (i, Site { trace, affine }) in sites.iter().enumerate() {
        interrupt::check("repair", "nothing is kept of it")?;
        let now = moments(objective, &[*trace], point.at());
        let parameters = &network.layout().parameters;
        let slices = parameters[affine.scale].filters();
        for (c, (slice, (mean, deviation))) in slices.zip(now.into_iter().flatten()).enumerate() {
            let ((mean_a, deviation_a), (mean_b, deviation_b)) = (of_a[i][c], of_b[i][c]);
            let wanted = ((1.0 - t) * mean_a + t * mean_b, (1.0 - t) * deviation_a + t * deviation_b);
            // Rounding makes no channel vary that does not.
            let varies = deviation > precision.epsilon() * mean.abs() && deviation > 0.0;
            let scale = if varies { wanted.1 / deviation } else { 1.0 };
            point.theta[slice].iter_mut().for_each(|w| *w = precision.round(*w * scale));
            if let Some(shift) = affine.shift {
                let bias = &mut point.theta[parameters[shift].offset + c];
                *bias = precision.round(scale * (*bias - mean) + wanted.0);
            }
        }
        point.state = objective.refresh(point.at());
    }
    Ok(Repaired { point, layers })
}
