//! LSUV, layer-sequential unit variance (Mishkin and Matas 2016): orthogonal weights, zero biases; then, layer by layer in
//! order, the weights are divided by the standard deviation of the layer's output on the first batch, until it is
//! within `tolerance` of 1 or `tries` divisions were made.
//!
//! This is a pass over the built network and its data, [`rescale`], never part of a program that is differentiated.

use super::{Fans, Initialize, Orthogonal};
use crate::autodiff::{Bindings, Element, Plan};
use crate::base::{Error, Result, random::Rng};
use crate::nn::{Mode, Network};

crate::kind! {
    /// Unit variance at every layer's output.
    Lsuv = "lsuv",
        "orthogonal, then unit variance at every layer on the first batch (Mishkin and Matas 2016)";
    // Tolerance and tries: the authors' code. 512 samples leave an error of a few per cent in a deviation.
    /// How far from 1 a standard deviation may stay.
    tolerance: f64 = 0.1,
    /// Divisions of one layer's weights at most.
    tries: usize = 10,
    /// Samples of the first batch.
    batch: usize = 512,
}

impl Lsuv {
    fn refuse(&self) -> Result<()> {
        if !(self.tolerance > 0.0 && self.tolerance < 1.0) {
            return Err(Error::expected("tolerance", "above 0 and below 1", self.tolerance));
        }
        if !(1..=1000).contains(&self.tries) {
            return Err(Error::expected("tries", "1 to 1000", self.tries));
        }
        if (2..=1 << 20).contains(&self.batch) {
            Ok(())
        } else {
            Err(Error::expected("batch", "2 to 2^20", self.batch))
        }
    }
}

impl Initialize for Lsuv {
    fn asks_layers(&self) -> bool {
        true
    }

    fn fill(&self, fans: &Fans, rng: &mut Rng, out: &mut [f64]) {
        Orthogonal::default().fill(fans, rng, out);
    }

    fn batch(&self) -> Option<usize> {
        Some(self.batch)
    }

    fn adapt<E: Element>(&self, network: &Network, data: &[E], theta: &mut [E]) {
        rescale(self, network, data, theta);
    }
}

/// Divides the weights in `theta`, layer by layer, until every layer's output on `data` (features x samples) has unit
/// variance; batch statistics normalise where there are norms. Returns the last deviation of each layer, in order.
pub fn rescale<E: Element>(lsuv: &Lsuv, network: &Network, data: &[E], theta: &mut [E]) -> Vec<f64> {
    let samples = data.len() / network.features();
    let recording = network.record(samples, Mode::Batch, false);
    let mut deviations = Vec::new();
    for trace in &recording.traces {
        let Some(weight) = trace.weight else { continue };
        let range = network.layout().parameters[weight].range();
        let node = trace.signal.node;
        let plan = Plan::new(recording.program.tape().clone(), &[node], &[]);
        let mut workspace = plan.workspace();
        let mut tries = 0;
        let last = loop {
            let state = network.start(theta);
            let bindings = Bindings { theta, state: &state, inputs: &[data] };
            plan.run(&bindings, &mut workspace);
            let std = deviation(plan.values(bindings, &workspace).of(node).data);
            // What has no scale cannot be given one; a norm of the weights undoes every division.
            let done = (std - 1.0).abs() <= lsuv.tolerance || tries == lsuv.tries;
            if done || !(std > 0.0 && std.is_finite()) {
                break std;
            }
            theta[range.clone()].iter_mut().for_each(|w| *w = E::from_f64(w.to_f64() / std));
            tries += 1;
        };
        deviations.push(last);
    }
    deviations
}

/// Standard deviation over all numbers.
fn deviation<E: Element>(values: &[E]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().map(|v| v.to_f64()).sum::<f64>() / n;
    (values.iter().map(|v| (v.to_f64() - mean).powi(2)).sum::<f64>() / n).sqrt()
}
