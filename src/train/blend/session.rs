//! The steps: one draw of shares and one mini-batch each.

use super::rows::{Rows, mix, pulls};
use super::{Blend, BlendEpoch, BlendEvent, BlendSettings, Blended};
use crate::autodiff::{Element, elementary::vectorised};
use crate::base::{Error, Result, Streams, interrupt};
use crate::train::batch::{EpochGradient, Noise};
use crate::train::checkpoint::{EPOCHS_APART, Keep, Pace};
use crate::train::gradient::{Clip, Conditions};
use crate::train::optimizers::{BLOCK, STATES};
use crate::train::{Batches, Point, Status};
use rand::seq::SliceRandom;
use std::time::{Duration, Instant};

/// Training under way.
pub struct Session<'a, E> {
    pub settings: BlendSettings,
    pub blend: &'a Blend<'a, E>,
    pub steps_per_epoch: u64,
    pub total: u64,
    pub conditions: Conditions<E>,
    pub batches: Batches,
    pub gradients: EpochGradient<E>,
    pub rows: Rows<'a, E>,
    /// The network on the way, at the next step's shares.
    pub point: Point<E>,
    pub shares: Vec<E>,
    pub step: u64,
    pub sum: f64,
    pub rate: f64,
    pub epochs: Vec<BlendEpoch>,
    pub keep: Option<&'a Keep>,
    pub pace: Pace,
    pub observe: &'a mut (dyn FnMut(BlendEvent) + Send),
}

impl<'a, E: Element> Session<'a, E> {
    pub fn new(
        settings: &BlendSettings,
        blend: &'a Blend<'a, E>,
        keep: Option<&'a Keep>,
        observe: &'a mut (dyn FnMut(BlendEvent) + Send),
    ) -> Result<Self> {
        let (n, p) = (blend.train.len(), blend.network.layout().size());
        let batches = settings.batches(n, blend.network.layout()).told();
        let steps_per_epoch = batches.count() as u64;
        let rows = Rows::new(blend.control, blend.free, settings.optimizer.states());
        let start = rows.get(0);
        let mut this = Self {
            settings: settings.clone(),
            steps_per_epoch,
            total: steps_per_epoch * settings.epochs as u64,
            conditions: Conditions::new(Clip { value: None, norm: settings.clip }, 0.0, p),
            batches,
            gradients: EpochGradient::new(blend.network, &batches, blend.train.beside(), None),
            point: Point { state: blend.network.start(&start), theta: start },
            rows,
            blend,
            shares: Vec::new(),
            step: 0,
            sum: 0.0,
            rate: 0.0,
            epochs: Vec::new(),
            keep,
            pace: Pace::new(),
            observe,
        };
        if this.restore()? {
            (this.observe)(BlendEvent::Resumed(this.step, this.total, &this.epochs));
        }
        this.shares = this.draw(this.step)?;
        this.rows.blend(&this.shares, &mut this.point.theta);
        Ok(this)
    }

    pub fn run(mut self) -> Result<Blended> {
        let started = Instant::now();
        while self.step < self.total {
            let epoch = self.epochs.len() + 1;
            if let Some(reason) = self.epoch(epoch)? {
                return Ok(self.finish(Status::Diverged, reason));
            }
        }
        // What took long is not lost while it is evaluated.
        if started.elapsed() >= EPOCHS_APART {
            self.save()?;
        }
        let all = self.settings.epochs;
        let free = self.rows.moving();
        let finite = free.iter().all(|r| self.rows.get(*r).iter().all(|x| x.is_finite()));
        if finite {
            Ok(self.finish(Status::Done, format!("all {all} epochs were made")))
        } else {
            let reason = format!("a control point is not finite after epoch {all}");
            Ok(self.finish(Status::Diverged, reason))
        }
    }

    fn draw(&self, step: u64) -> Result<Vec<E>> {
        let shares = self.blend.shares(step);
        if shares.len() == self.blend.free.len() {
            Ok(shares.into_iter().map(E::from_f64).collect())
        } else {
            let expected = format!("{} shares", self.blend.free.len());
            Err(Error::expected(self.blend.name, expected, shares.len()))
        }
    }

    /// The steps of an epoch that are not made yet; why training diverged, if it did.
    fn epoch(&mut self, epoch: usize) -> Result<Option<String>> {
        let n = self.blend.train.len() as u32;
        let streams = Streams::new(self.blend.seed);
        let mut order: Vec<u32> = (0..n).collect();
        order.shuffle(&mut streams.stream("blend/order", epoch as u64));
        let made = self.step - (epoch as u64 - 1) * self.steps_per_epoch;
        let batches = self.batches;
        for indices in batches.of(&order).skip(made as usize) {
            let batch = self.gradients.of(indices.len());
            let noise = Noise { streams, step: self.step, epoch, vary: self.blend.vary };
            // At shares drawn anew the weights, and with them the singular vectors, are far from the last ones.
            self.blend.network.renew_to_convergence(&self.point.theta, &mut self.point.state);
            let loss = self.conditions.run(batch, &mut self.point, self.blend.train, indices, &noise);
            let BlendSettings { schedule, epochs, warmup, .. } = &self.settings;
            let at = self.step as f64 / self.steps_per_epoch as f64;
            self.rate = self.settings.rate() * schedule.factor(at, *epochs as f64, *warmup);
            if !loss.is_finite() {
                let reason = format!("the loss of a batch is {loss} at step {}, in epoch {epoch}", self.step);
                self.sum = f64::NAN;
                self.record(epoch);
                return Ok(Some(reason));
            }
            self.sum += loss * indices.len() as f64;
            self.update(indices.len())?;
            self.step += 1;
            let over = self.step == epoch as u64 * self.steps_per_epoch;
            if over {
                self.record(epoch);
            }
            (self.observe)(BlendEvent::Step(self.step, self.total));
            if interrupt::requested().is_some() {
                return Err(self.interrupted());
            }
            self.save_if_due(if over { EPOCHS_APART } else { Duration::MAX })?;
        }
        Ok(None)
    }

    /// One step of every free control point with the gradient of the last batch, of so many samples, and the next blend.
    fn update(&mut self, samples: usize) -> Result<()> {
        let next = self.draw(self.step + 1)?;
        let (optimizer, shares, rate, step) =
            (&self.settings.optimizer, &self.shares, self.rate, self.step + 1);
        let decay = E::from_f64(self.settings.weight_decay);
        let (batch, conditions) = (&*self.gradients.of(samples), &self.conditions);
        let (free, states) = (self.rows.free, self.rows.states);
        let pull: Option<Vec<E>> =
            self.blend.pull.map(|pull| pull(&self.rows.gram()).into_iter().map(E::from_f64).collect());
        self.rows.each(&mut self.point.theta, |start, cells, blend| {
            let len = blend.len();
            let (mut whole, mut share) = ([E::ZERO; BLOCK], [E::ZERO; BLOCK]);
            let (whole, share) = (&mut whole[..len], &mut share[..len]);
            conditions.gradient(batch, start, whole);
            let (control, others) = cells.split_at_mut(free.len() * len);
            // Of all control points as they are before any of them moves.
            let pulls = pull.as_ref().map(|shares| pulls(shares, control, free, len));
            vectorised(
                #[inline(always)]
                || {
                    whole.iter_mut().zip(blend.iter()).for_each(|(g, w)| *g += decay * *w);
                    let mut others = others.chunks_exact_mut(len);
                    let moving =
                        control.chunks_exact_mut(len).zip(shares).zip(free).filter(|(_, free)| **free);
                    for (m, ((theta, c), _)) in moving.enumerate() {
                        share.iter_mut().zip(whole.iter()).for_each(|(s, g)| *s = *c * *g);
                        if let Some(pulls) = &pulls {
                            share.iter_mut().zip(&pulls[m * len..]).for_each(|(s, p)| *s += *p);
                        }
                        let mut own: [&mut [E]; STATES] = Default::default();
                        for (own, row) in own[..states].iter_mut().zip(&mut others) {
                            *own = row;
                        }
                        optimizer.update(step, rate, theta, share, &mut own[..states]);
                    }
                },
            );
            mix(&next, control, blend);
        });
        self.shares = next;
        Ok(())
    }

    fn record(&mut self, epoch: usize) {
        let (step, lr, loss) = (self.step, self.rate, self.sum / self.blend.train.len() as f64);
        self.sum = 0.0;
        let record = BlendEpoch { epoch, step, lr, loss };
        (self.observe)(BlendEvent::Epoch(&record));
        self.epochs.push(record);
    }

    fn finish(self, status: Status, reason: String) -> Blended {
        let of = |k: usize| {
            if self.blend.free[k] {
                self.rows.get(k).iter().map(|x| x.to_f64()).collect()
            } else {
                self.blend.control[k].clone()
            }
        };
        let control = (0..self.blend.free.len()).map(of).collect();
        Blended { control, epochs: self.epochs, steps: self.step, status, reason }
    }
}
