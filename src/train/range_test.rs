//! The learning-rate range test (Smith 2017, arXiv 1506.01186): a short training whose rate grows by a constant
//! ratio every step, until the loss has blown up.
//!
//! rate_i = low (high / low)^(i / (N - 1)), i = 0 .. N - 1. Loss i is the mean loss of the mini-batch that step i takes,
//! before that step: what the rates up to i - 1 have led to. Mini-batches come in the order of training, epoch after
//! epoch.

use super::batch::{EpochGradient, Noise, Vary};
use super::gradient::Conditions;
use super::optimizers::Stepper;
use super::{TrainSettings, network, samples, start};
use crate::autodiff::Element;
use crate::base::{Result, Streams, interrupt};
use crate::data::Dataset;
use rand::seq::SliceRandom;

/// The rates to try.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// The first.
    pub low: f64,
    /// The last.
    pub high: f64,
    /// How many, at least 2.
    pub steps: usize,
}

impl Rates {
    /// The rate of step `i`.
    pub fn at(&self, i: usize) -> f64 {
        let last = (self.steps - 1) as f64;
        self.low * (self.high / self.low).powf(i as f64 / last)
    }
}

/// What the loss did.
#[derive(Clone, Debug, PartialEq)]
pub struct Swept {
    /// Rates of the steps that were made.
    pub rates: Vec<f64>,
    /// Loss of each step's mini-batch before it; the last may be infinite or not a number.
    pub losses: Vec<f64>,
    /// Whether the loss blew up before the last rate.
    pub diverged: bool,
    /// Steps in an epoch.
    pub steps_per_epoch: usize,
}

/// The loss has blown up when it is no finite number, or when the mean of the last [`WINDOW`] losses exceeds this many
/// times the lowest such mean so far (Howard's rule, as in fastai), and the first one.
pub const BLOWN_UP: f64 = 4.0;

/// Losses whose mean is compared, so that one odd mini-batch ends nothing.
pub const WINDOW: usize = 3;

fn blown_up(losses: &[f64]) -> bool {
    let means: Vec<f64> = losses.windows(WINDOW).map(|w| w.iter().sum::<f64>() / WINDOW as f64).collect();
    let lowest = means.iter().copied().fold(f64::INFINITY, f64::min);
    match (losses.last(), means.first(), means.last()) {
        (Some(last), ..) if !last.is_finite() => true,
        (_, Some(first), Some(last)) => *last > BLOWN_UP * lowest && last > first,
        _ => false,
    }
}

/// Runs the test; `observe` hears how many steps are done. The rate, schedule, warmup and epochs of `settings` play
/// no part.
pub fn range_test<E: Element>(
    settings: &TrainSettings,
    dataset: &Dataset,
    rates: Rates,
    observe: &mut (dyn FnMut(usize) + Send),
) -> Result<Swept> {
    settings.check()?;
    let network = network(settings, dataset)?;
    let streams = Streams::new(settings.seed);
    let train = samples::<E>(&network, &dataset.train);
    let mut point = start(&network, settings, &streams, &train);
    let vary = Vary::new(settings.augment, dataset)?;
    let n = train.len();
    settings.check_for(n, network.layout())?;
    let batches = settings.batches(n, network.layout());
    let p = point.theta.len();
    let mut stepper = Stepper::new(&settings.optimizer, p);
    let mut conditions = Conditions::new(settings.clipping(), settings.sam, p);
    let mut gradients = EpochGradient::new(&network, &batches, train.masked(), settings.workers);
    let mut swept =
        Swept { rates: Vec::new(), losses: Vec::new(), diverged: false, steps_per_epoch: batches.count() };
    for epoch in 1usize.. {
        let mut order: Vec<u32> = (0..n as u32).collect();
        order.shuffle(&mut streams.stream("train/order", epoch as u64));
        for indices in batches.of(&order) {
            let done = swept.rates.len();
            if done == rates.steps {
                return Ok(swept);
            }
            let batch = gradients.of(indices.len());
            let rate = rates.at(done);
            swept.rates.push(rate);
            let noise = Noise { streams, step: done as u64, epoch, vary: vary.as_ref() };
            network.renew(&point.theta, &mut point.state);
            swept.losses.push(conditions.run(batch, &mut point, &train, indices, &noise));
            observe(done + 1);
            if blown_up(&swept.losses) {
                swept.diverged = true;
                return Ok(swept);
            }
            stepper.step(rate, &mut point.theta, |start, out| conditions.gradient(batch, start, out));
            interrupt::check("lr-range", "nothing was written")?;
        }
    }
    Ok(swept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_grow_by_a_constant_ratio() {
        let rates = Rates { low: 1e-6, high: 10.0, steps: 8 };
        // Seven ratios of 10.
        for i in 0..8 {
            assert!((rates.at(i) / 10f64.powi(i as i32 - 6) - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn a_loss_has_blown_up_when_it_stays_high() {
        assert!(!blown_up(&[2.0, 1.0]));
        assert!(blown_up(&[2.0, f64::NAN]) && blown_up(&[f64::INFINITY]));
        // One odd loss of 9 gives a mean of 3.67; three of them 9 > 4 * 1 and > 2.
        assert!(!blown_up(&[2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 9.0]));
        assert!(blown_up(&[2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 9.0, 9.0, 9.0]));
        // Far above the lowest, but no worse than at the start: noise at low losses.
        assert!(!blown_up(&[2.0, 2.0, 2.0, 0.1, 0.1, 0.1, 1.0, 1.0, 1.0]));
    }
}
