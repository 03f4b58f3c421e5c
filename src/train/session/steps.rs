//! The steps: those of an epoch over mini-batches, or one of a line search; and what is due after each of them.

use super::Session;
use crate::autodiff::{Element, elementary::vectorised};
use crate::base::{Error, Result, Streams, interrupt};
use crate::train::batch::Noise;
use crate::train::gradient::squares;
use crate::train::method::Method;
use crate::train::optimizers::lbfgs::{Outcome, Value};
use crate::train::probe::What;
use crate::train::{Event, Place, Point, TrainSettings};
use rand::seq::SliceRandom;
use std::sync::OnceLock;
use std::time::Duration;

impl<E: Element> Session<'_, E> {
    /// The order of an epoch's samples. Of the epoch in which ways part, what is left comes in an order of its own.
    fn order(&self, epoch: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.train.len() as u32).collect();
        let shuffle = |part: &mut [u32], streams: &Streams| {
            part.shuffle(&mut streams.stream("train/order", epoch as u64))
        };
        let first = (epoch as u64 - 1) * self.steps_per_epoch;
        match self.parting.filter(|parting| parting.step > first) {
            None => shuffle(&mut order, &self.streams),
            Some(parting) => {
                shuffle(&mut order, &Streams::new(self.settings.seed));
                let made = self.batches.before(parting.step - first);
                shuffle(&mut order[made..], &self.streams);
            }
        }
        order
    }

    pub(super) fn rate_at(&self, step: u64) -> f64 {
        let TrainSettings { schedule, epochs, warmup, .. } = &self.settings;
        let epoch = step as f64 / self.steps_per_epoch.max(1) as f64;
        self.settings.rate() * schedule.factor(epoch, *epochs as f64, *warmup)
    }

    /// The steps of an epoch that are not made yet; why it diverged, if it did.
    pub(super) fn mini_batches(&mut self, epoch: usize) -> Result<Option<String>> {
        let order = self.order(epoch);
        let made = self.state.step - (epoch as u64 - 1) * self.steps_per_epoch;
        let left = (self.total - self.state.step) as usize;
        let all = self.batches;
        for indices in all.of(&order).skip(made as usize).take(left) {
            let rate = self.rate_at(self.state.step);
            let Method::Steps { stepper, conditions, batches } = &mut self.method else { break };
            let batch = batches.of(indices.len());
            let step = self.state.step;
            let noise = Noise { streams: self.streams, step, epoch, vary: self.vary.as_ref() };
            let point = &mut self.state.point;
            self.network.renew(&point.theta, &mut point.state);
            let loss = conditions.run(batch, point, &self.train, indices, &noise);
            if !loss.is_finite() {
                return Ok(Some(format!("the loss of a batch is {loss} at step {step}, in epoch {epoch}")));
            }
            stepper.step(rate, &mut point.theta, |start, out| conditions.gradient(batch, start, out));
            let norm = conditions.norm();
            self.made(rate, norm)?;
        }
        Ok(None)
    }

    /// One step of a line search over all samples; why it diverged, if it did.
    pub(super) fn line_search(&mut self, epoch: usize) -> Result<Option<String>> {
        if self.state.step == epoch as u64 {
            return Ok(None);
        }
        let rate = self.settings.rate();
        let Method::Search { rules, memory, here } = &mut self.method else { return Ok(None) };
        let objective = self.on_batches.as_ref().unwrap_or(&self.on_train);
        let (network, training) = (&self.network, &self.state);
        let mut evaluate = |point: &mut Vec<f64>| {
            let rounded: Vec<E> = point.iter().map(|x| E::from_f64(*x)).collect();
            point.iter_mut().zip(&rounded).for_each(|(x, r)| *x = r.to_f64());
            let mut state = training.point.state.clone();
            network.renew_to_convergence(&rounded, &mut state);
            let (evaluation, mut gradient) = objective.gradient(&rounded, &state);
            training.leave(&mut gradient);
            // What an interrupted evaluation gives is no result.
            interrupt::requested().is_none().then_some(Value { loss: evaluation.loss, gradient })
        };
        let mut theta = self.state.point.to::<f64>().theta;
        let Some(start) = here.take().or_else(|| evaluate(&mut theta)) else {
            return Err(self.interrupted());
        };
        if !(start.loss.is_finite() && start.gradient.iter().all(|g| g.is_finite())) {
            return Ok(Some(format!("the training loss or its gradient is not finite before epoch {epoch}")));
        }
        let norm = squares(&start.gradient).sqrt();
        let slack = 4.0 * E::EPSILON.to_f64() * start.loss.abs();
        match rules.iterate(rate, memory, (&theta, &start), slack, &mut evaluate) {
            Outcome::Stopped => Err(self.interrupted()),
            Outcome::Stalled => {
                self.state.stalled = true;
                Ok(None)
            }
            Outcome::Step(step) => {
                let theta: Vec<E> = step.theta.iter().map(|x| E::from_f64(*x)).collect();
                let mut state = self.state.point.state.clone();
                self.network.renew_to_convergence(&theta, &mut state);
                let state = objective.refresh(&theta, &state);
                self.state.point = Point { theta, state };
                *here = Some(step.value);
                self.made(step.length, norm)?;
                Ok(None)
            }
        }
    }

    /// A step was made: averages, snapshots, and whoever wants to know.
    fn made(&mut self, rate: f64, norm: f64) -> Result<()> {
        let state = &mut self.state;
        state.step += 1;
        state.rate = rate;
        state.norms += norm;
        if let (Some(ema), Some(decay)) = (&mut state.ema, self.settings.ema) {
            vectorised(
                #[inline(always)]
                || ema.approach(&state.point, 1.0 - decay),
            );
        }
        if self.next_snapshot == Some(state.step) {
            state.trajectory.push((state.step, state.point.clone()));
            self.next_snapshot = self.snapshots.next();
        }
        self.fork_if_due();
        (self.observe)(Event::Step(self.state.step, self.total));
        self.probe_if_due()?;
        if interrupt::requested().is_some() {
            return Err(self.interrupted());
        }
        self.save_if_due(Duration::MAX)
    }

    /// Has the network measured, if it is time; the last step's turn comes when it is known to be the last.
    pub(super) fn probe_if_due(&mut self) -> Result<()> {
        let step = self.state.step;
        match self.settings.probe.is_some_and(|probe| probe.due(step)) && step < self.total {
            // A line search has no rate but the length of its last step.
            true if self.settings.optimizer.search().is_some() => self.probe(self.state.rate),
            true => self.probe(self.rate_at(step)),
            false => Ok(()),
        }
    }

    /// Has the network measured. Whether a signal cut that short is asked of whatever comes next.
    pub(super) fn probe(&mut self, rate: f64) -> Result<()> {
        let (step, point) = (self.state.step, self.state.point.to());
        // No step has been made that could have had one.
        let rate = if step == 0 && rate == 0.0 { f64::NAN } else { rate };
        let fault = OnceLock::new();
        let asks = self.settings.probe.is_some_and(|probe| probe.what == What::CriticalSharpness);
        let optimizer = match &self.method {
            Method::Steps { stepper, .. } if asks => Some(stepper.wide()),
            _ => None,
        };
        let optimizer = optimizer.as_ref();
        (self.observe)(Event::Probe(Place { step, rate, point: &point, optimizer, fault: &fault }));
        self.probed = Some(step);
        match fault.into_inner() {
            None | Some(Error::Interrupted { .. }) => Ok(()),
            Some(error) => Err(error),
        }
    }
}
