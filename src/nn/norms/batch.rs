//! Batch norm (Ioffe and Szegedy 2015): each channel is standardised over all samples at hand and all positions,
//! (x - mean) / sqrt(var + eps) with the biased variance. Running statistics follow the batches of training,
//! r <- (1 - momentum) r + momentum new, the variance as the unbiased one (PyTorch's update), and take the place of
//! the batch's when single samples are evaluated.

use super::{EPS, Standard, check_eps};
use crate::autodiff::Node;
use crate::autodiff::curves::InverseSqrt;
use crate::autodiff::primitives::map::Curve;
use crate::base::{Error, Result};
use crate::nn::layout::Statistic;
use crate::nn::recorder::{Follow, Recorder, Signal, Standardised};
use crate::nn::units::Units;
use std::sync::Arc;

crate::kind! {
    /// Batch norm.
    Batch = "batch", "each channel over samples and positions (Ioffe and Szegedy 2015)";
    // PyTorch
    /// Added to the variance.
    eps: f64 = EPS,
    /// Share of a new batch in the running statistics.
    momentum: f64 = 0.1,
}

impl Batch {
    fn refuse(&self) -> Result<()> {
        check_eps(self.eps)?;
        check_momentum(self.momentum)
    }
}

/// Refuses a momentum that makes no sense.
pub(super) fn check_momentum(momentum: f64) -> Result<()> {
    if momentum > 0.0 && momentum <= 1.0 {
        Ok(())
    } else {
        Err(Error::expected("momentum", "above 0 and at most 1", momentum))
    }
}

/// Running mean and variance of each channel (C x 1 each), with their positions among the buffers.
pub(super) fn running(cx: &mut Recorder, units: &Units) -> [(usize, Node); 2] {
    [("running_mean", Statistic::Mean), ("running_var", Statistic::Variance)]
        .map(|(name, statistic)| cx.buffer(name, units, statistic))
}

/// Lets the running statistics follow mean and biased variance of `count` numbers a channel.
pub(super) fn follow(
    cx: &mut Recorder,
    running: [(usize, Node); 2],
    new: [Node; 2],
    count: usize,
    momentum: f64,
) {
    let unbiased = count as f64 / (count.max(2) - 1) as f64;
    for (((buffer, _), node), factor) in running.into_iter().zip(new).zip([1.0, unbiased]) {
        cx.follows.push(Follow { buffer, node, momentum, factor });
    }
}

impl Standard for Batch {
    const COUPLES_SAMPLES: bool = true;
    const STANDARDISED: Standardised = Standardised::Whole;

    fn signal(&self, cx: &mut Recorder, input: &Signal) -> Result<Signal> {
        let running = running(cx, &input.units);
        let [(_, mean), (_, variance)] = running;
        if !cx.batch_statistics() {
            let curve: Arc<dyn Curve> = Arc::new(InverseSqrt { eps: self.eps });
            let scale = cx.tape.map(&curve, 0, variance);
            let centred = cx.tape.add_scaled(input.node, -1.0, mean);
            return Ok(input.with(cx.tape.mul(centred, scale)));
        }
        let count = cx.samples * input.positions();
        let new = [cx.tape.block_mean(input.node, 1, count), cx.tape.variance(input.node, 1, count)];
        follow(cx, running, new, count, self.momentum);
        Ok(input.with(cx.tape.standardize(input.node, 1, count, self.eps)))
    }
}
