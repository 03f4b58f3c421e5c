//! The gradient noise scale tr(Sigma) / |G|^2 (McCandlish et al. 2018, arXiv 1812.06162, appendix A.1): Sigma is the
//! covariance of single samples' gradients, G their expectation. Batches far below it waste little of a sample, batches
//! far above it little of a step.
//!
//! Of batches of b samples, drawn from wherever the n samples were, E |G_b|^2 = |G|^2 + tr(Sigma) / b. Two sizes give two
//! equations, whose solutions are unbiased:
//!
//! ```text
//! |G|^2     = (n |G_n|^2 - b mean |G_b|^2) / (n - b)
//! tr(Sigma) = (mean |G_b|^2 - |G_n|^2) / (1/b - 1/n)
//! ```
//!
//! The small batches are the parts of a partition of the samples in random order; what is left over, fewer than b, is in no
//! batch. Of b = 1, tr(Sigma) is the trace of the sample covariance with n - 1; of any b, its expectation over partitions
//! is. The ratio of the two is not unbiased, but consistent; where the estimate of |G|^2 is not above 0, as near a minimum,
//! the noise is all there is to see, and the ratio is not a number.
//!
//! Standard errors are those of the jackknife that leaves a batch out of both sizes (Efron and Stein 1981): they are of the
//! samples as a draw from all there could be. Cost: two gradients of all samples, whatever b.

use crate::base::{Error, Result, Streams, interrupt, parallel};
use crate::nn::{At, MeanLoss, Network};
use crate::spectral::vectors::dot;
use rand::seq::SliceRandom;
use serde::Serialize;

/// Gradient noise at one point.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct NoiseScale {
    /// tr(Sigma) / |G|^2, in samples; NaN unless `g2` is above 0.
    pub value: f64,
    /// Its standard error; NaN with fewer than three batches, and where leaving one out leaves no value.
    pub standard_error: f64,
    /// The estimate of tr(Sigma).
    pub tr_sigma: f64,
    /// Its standard error; NaN with fewer than three batches.
    pub tr_sigma_standard_error: f64,
    /// The unbiased estimate of |G|^2, which may be negative.
    pub g2: f64,
    /// |G_n|, the norm of the gradient over all samples.
    pub gradient_norm: f64,
    /// The mean loss over all samples.
    pub loss: f64,
    /// Samples in a small batch.
    pub small: usize,
    /// Samples in all.
    pub large: usize,
    /// Small batches.
    pub batches: usize,
}

/// tr(Sigma) and |G|^2 from the mean |G_b|^2 of small batches, b, |G_n|^2 and n.
fn solve(small: f64, b: f64, large: f64, n: f64) -> [f64; 2] {
    [(small - large) / (1.0 / b - 1.0 / n), (n * large - b * small) / (n - b)]
}

/// The size of small batches of a network that is nearest to the one that is wanted; in words why there is none.
pub fn batch_size(
    network: &Network,
    wanted: usize,
    samples: usize,
) -> std::result::Result<usize, &'static str> {
    match network.together() {
        None => Ok(wanted),
        Some(usize::MAX) => Err("the loss is no mean over samples: that of a smaller batch is another one"),
        // A graph of a fixed batch takes whole ones.
        Some(group) => match (wanted / group).max(1) * group {
            size if size <= samples / 2 => Ok(size),
            _ => Err("there are not two batches of the size that was exported"),
        },
    }
}

/// The noise scale of `objective`'s gradient, from batches of `small` of its samples.
///
/// Where a norm couples samples, a batch has the statistics of the batch, so `small` should be the size that training has.
/// Fails if there are not two batches, and when a signal comes.
pub fn noise_scale(objective: &dyn MeanLoss, at: At, small: usize, streams: &Streams) -> Result<NoiseScale> {
    let large = objective.samples();
    if small == 0 || small > large / 2 {
        let expected = format!("small batches of 1 to {} samples, half of all", large / 2);
        return Err(Error::expected("gradient noise scale", expected, small));
    }
    let (evaluation, whole) = objective.gradient(at);
    let mut order: Vec<u32> = (0..large as u32).collect();
    order.shuffle(&mut streams.stream("noise/order", 0));
    let batch = objective.batches(small);
    // Of each batch |G_b|^2 and G_b'G_n.
    let batches: Vec<[f64; 2]> = parallel::map(large / small, &|i| {
        if interrupt::requested().is_some() {
            return [f64::NAN; 2];
        }
        let indices = &order[i * small..(i + 1) * small];
        let (_, gradient) = batch(indices).gradient(at);
        [dot(&gradient, &gradient), dot(&gradient, &whole)]
    });
    interrupt::check("gradient noise scale", "an unfinished one is not kept")?;
    let (b, n, count) = (small as f64, large as f64, batches.len() as f64);
    let (sum, norm) = (batches.iter().map(|[square, _]| square).sum::<f64>(), dot(&whole, &whole));
    let ratio = |[tr_sigma, g2]: [f64; 2]| if g2 > 0.0 { tr_sigma / g2 } else { f64::NAN };
    let found = solve(sum / count, b, norm, n);
    let without: Vec<[f64; 2]> = batches
        .iter()
        .map(|[square, along]| {
            let (rest, few) = (n * n * norm - 2.0 * n * b * along + b * b * square, n - b);
            solve((sum - square) / (count - 1.0), b, rest / (few * few), few)
        })
        .collect();
    let jackknife = |of: &dyn Fn([f64; 2]) -> f64| {
        let mean = without.iter().map(|w| of(*w)).sum::<f64>() / count;
        let spread: f64 = without.iter().map(|w| (of(*w) - mean).powi(2)).sum();
        match batches.len() {
            0..=2 => f64::NAN,
            _ => (spread * (count - 1.0) / count).sqrt(),
        }
    };
    Ok(NoiseScale {
        value: ratio(found),
        standard_error: jackknife(&ratio),
        tr_sigma: found[0],
        tr_sigma_standard_error: jackknife(&|[tr_sigma, _]| tr_sigma),
        g2: found[1],
        gradient_norm: norm.sqrt(),
        loss: evaluation.loss,
        small,
        large,
        batches: batches.len(),
    })
}
