//! The learning-rate range test (Smith 2017, arXiv 1506.01186): a short training whose rate grows by a constant
//! ratio every step, until the loss has blown up.
//!
//! rate_i = low (high / low)^(i / (N - 1)), i = 0 .. N - 1. Loss i is the mean loss of the mini-batch that step i takes,
//! before that step: what the rates up to i - 1 have led to. Mini-batches come in the order of training, epoch after
//! epoch.
//!
//! A test that is stopped leaves a checkpoint, and goes on from it to the same numbers.

use super::batch::{EpochGradient, Noise, Vary};
use super::checkpoint::{self, EPOCHS_APART, Keep, Pace, Sort};
use super::gradient::Conditions;
use super::optimizers::Stepper;
use super::point::{Point, numbers, tensor};
use super::{TrainSettings, network, samples, start};
use crate::autodiff::Element;
use crate::base::log::{DISCARD, difference};
use crate::base::{Error, Result, Streams, files, interrupt};
use crate::data::Dataset;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

/// The rates to try.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
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

/// All that decides the numbers of a test.
#[derive(Debug, Serialize, Deserialize)]
struct Identity {
    train: TrainSettings,
    rates: Rates,
    data_sha256: String,
}

/// The part of a checkpoint that is no tensor.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    version: String,
    identity: Identity,
    steps: usize,
}

const SORT: Sort = Sort { key: "losscape.lr-range", what: "a checkpoint of `losscape lr-range`" };

/// What goes from one step to the next.
struct Sweep<E> {
    point: Point<E>,
    stepper: Stepper<E>,
    losses: Vec<f64>,
}

impl<E: Element> Sweep<E> {
    /// Keeps it.
    fn write(&self, settings: &TrainSettings, rates: Rates, keep: &Keep) -> Result<()> {
        let (train, data_sha256) = (settings.resolved(), keep.data_sha256.clone());
        let header = Header {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            identity: Identity { train, rates, data_sha256 },
            steps: self.losses.len(),
        };
        let mut tensors = self.point.tensors("theta");
        tensors.push(tensor("losses", &self.losses));
        let states = self.stepper.states().iter().enumerate();
        tensors.extend(states.map(|(i, v)| tensor(format!("optimizer/{i}"), v)));
        checkpoint::seal(&keep.path, SORT, &header, tensors)
    }

    /// Takes up what was kept, if there is something; refuses what is of another test.
    fn restore(&mut self, settings: &TrainSettings, rates: Rates, keep: &Keep) -> Result<()> {
        if keep.path.symlink_metadata().is_err() {
            return Ok(());
        }
        let (at, file, header) = checkpoint::open::<Header>(&keep.path, SORT)?;
        let (train, data_sha256) = (settings.resolved(), keep.data_sha256.clone());
        if let Some((asked, found)) = difference(&Identity { train, rates, data_sha256 }, &header.identity) {
            let expected = format!("an unfinished test with {asked}");
            return Err(Error::expected(&at, expected, format!("one with {found} ({DISCARD})")));
        }
        if header.steps > rates.steps {
            let expected = format!("at most {} steps", rates.steps);
            return Err(Error::expected(&at, expected, header.steps));
        }
        let sizes = [self.point.theta.len(), self.point.state.len()];
        self.point = Point::read(&at, &file, "theta", sizes)?;
        self.losses = numbers(&at, &file, "losses", header.steps)?;
        let states = 0..self.stepper.states().len();
        let states = states.map(|i| numbers(&at, &file, &format!("optimizer/{i}"), sizes[0]));
        self.stepper.restore(header.steps as u64, states.collect::<Result<_>>()?)
    }
}

/// Runs the test; `observe` hears how many steps are done. The rate, schedule, warmup and epochs of `settings` play
/// no part. With `keep`, checkpoints are written there, and the test goes on from the one that is there.
pub fn range_test<E: Element>(
    settings: &TrainSettings,
    dataset: &Dataset,
    rates: Rates,
    keep: Option<&Keep>,
    observe: &mut (dyn FnMut(usize) + Send),
) -> Result<Swept> {
    settings.check()?;
    let network = network(settings, dataset)?;
    let streams = Streams::new(settings.seed);
    let train = samples::<E>(&network, &dataset.train);
    let point = start(&network, settings, &streams, &train);
    let vary = Vary::new(settings.augment, dataset)?;
    let n = train.len();
    settings.check_for(n, network.layout())?;
    let batches = settings.batches(n, network.layout()).told();
    let p = point.theta.len();
    let mut sweep = Sweep { stepper: Stepper::new(&settings.optimizer, p), point, losses: Vec::new() };
    if let Some(keep) = keep {
        sweep.restore(settings, rates, keep)?;
    }
    let mut conditions = Conditions::new(settings.clipping(), settings.sam, p);
    let mut gradients = EpochGradient::new(&network, &batches, train.beside(), settings.workers);
    let per_epoch = batches.count();
    let mut pace = Pace::new();
    let mut diverged = false;
    'steps: for epoch in sweep.losses.len() / per_epoch + 1.. {
        let mut order: Vec<u32> = (0..n as u32).collect();
        order.shuffle(&mut streams.stream("train/order", epoch as u64));
        for indices in batches.of(&order).skip(sweep.losses.len() % per_epoch) {
            let done = sweep.losses.len();
            if done == rates.steps {
                break 'steps;
            }
            let batch = gradients.of(indices.len());
            let Sweep { point, stepper, losses } = &mut sweep;
            let noise = Noise { streams, step: done as u64, epoch, vary: vary.as_ref() };
            network.renew(&point.theta, &mut point.state);
            losses.push(conditions.run(batch, point, &train, indices, &noise));
            observe(done + 1);
            diverged = blown_up(losses);
            if diverged {
                break 'steps;
            }
            stepper
                .step(rates.at(done), &mut point.theta, |start, out| conditions.gradient(batch, start, out));
            let stop = interrupt::requested();
            if let Some(keep) = keep
                && (stop.is_some() || pace.due(keep, EPOCHS_APART))
            {
                pace.written(|| sweep.write(settings, rates, keep))?;
            }
            if stop.is_some() {
                let kept = keep.map_or("nothing was kept".to_owned(), |keep| {
                    let (made, all, at) = (done + 1, rates.steps, files::named(&keep.path));
                    format!("{made} of {all} steps are kept in {at}; the same command goes on")
                });
                interrupt::check("lr-range", &kept)?;
            }
        }
    }
    Ok(Swept {
        rates: (0..sweep.losses.len()).map(|i| rates.at(i)).collect(),
        losses: sweep.losses,
        diverged,
        steps_per_epoch: per_epoch,
    })
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
