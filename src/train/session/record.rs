//! The network after an epoch: its record, whether training ends there, and with what.

use super::Session;
use crate::autodiff::Element;
use crate::base::{Error, Result, interrupt};
use crate::nn::Evaluation;
use crate::train::gradient::squares;
use crate::train::settings::Best;
use crate::train::{Epoch, Event, Kept, Point, Status, Stop, Trained};

impl<E: Element> Session<'_, E> {
    /// Evaluates the network after an epoch, or where it broke off.
    pub(super) fn record(&mut self, epoch: usize) -> Result<()> {
        let Point { theta, state } = &self.state.point;
        let (train, test) = (self.on_train.evaluate(theta, state), self.on_test.evaluate(theta, state));
        let full = self.settings.target_gradient.map(|_| {
            let objective = self.on_batches.as_ref().unwrap_or(&self.on_train);
            let (_, mut gradient) = objective.gradient(theta, state);
            self.state.leave(&mut gradient);
            squares(&gradient).sqrt()
        });
        if interrupt::requested().is_some() {
            // The evaluation may have been cut short, and is made again.
            return Err(self.interrupted());
        }
        let first_rate = self.rate_at(0);
        let made = self.state.step - (epoch as u64).saturating_sub(1) * self.steps_per_epoch;
        let state = &mut self.state;
        // What is not finite is written as null and read as NaN: the same numbers, whether read or not.
        let number = |x: f64| if x.is_finite() { x } else { f64::NAN };
        let record = Epoch {
            epoch,
            step: state.step,
            lr: if epoch == 0 { first_rate } else { state.rate },
            train_loss: number(train.loss),
            train_accuracy: number(train.accuracy),
            test_loss: number(test.loss),
            test_accuracy: number(test.accuracy),
            gradient_norm: if made == 0 { f64::NAN } else { number(state.norms / made as f64) },
            full_gradient_norm: full.map(number),
        };
        state.norms = 0.0;
        let by = |e: &Epoch| match self.settings.best {
            Best::TestLoss if self.on_test.samples() > 0 => e.test_loss,
            _ => e.train_loss,
        };
        let lowest = state.best.as_ref().and_then(|(epoch, _)| state.epochs.get(*epoch)).map(by);
        if by(&record).is_finite() && lowest.is_none_or(|lowest| by(&record) < lowest) {
            state.best = Some((epoch, state.point.clone()));
        }
        if let (Some((count, sum)), Some(start)) = (&mut state.swa, self.settings.swa)
            && epoch >= start
            && state.point.is_finite()
        {
            *count += 1;
            sum.add(&state.point);
        }
        (self.observe)(Event::Epoch(&record));
        self.state.epochs.push(record);
        Ok(())
    }

    /// Why training ends after an epoch, if it does.
    pub(super) fn end(&self, epoch: usize) -> Option<(Stop, String)> {
        let last = self.state.epochs.last()?;
        if !last.train_loss.is_finite() {
            return Some((
                Stop::NonFinite,
                format!("the training loss is no finite number after epoch {epoch}"),
            ));
        }
        if let (true, words) = self.targets(last) {
            return Some((Stop::Target, format!("after epoch {epoch} {}", words.join(" and "))));
        }
        if self.state.stalled {
            let words = "no step lowers the training loss any further, as far as rounding tells";
            return Some((Stop::Stalled, format!("after epoch {epoch} {words}")));
        }
        let all = self.settings.epochs;
        let made = match (epoch >= all, last.step >= self.total) {
            (true, _) => format!("all {all} epochs were made"),
            (false, true) => format!("the first {} steps were made", self.total),
            (false, false) => return None,
        };
        Some((Stop::Epochs, made))
    }

    /// Whether every target that was set is reached (false without any), and how each stands.
    fn targets(&self, last: &Epoch) -> (bool, Vec<String>) {
        let loss = self.settings.target_loss.map(|t| ("the training loss", last.train_loss, t));
        let gradient = self.settings.target_gradient.zip(last.full_gradient_norm);
        let gradient = gradient.map(|(t, norm)| ("the norm of the gradient", norm, t));
        let all: Vec<(&str, f64, f64)> = loss.into_iter().chain(gradient).collect();
        let words = all.iter().map(|(what, value, target)| {
            if value <= target {
                format!("{what} is {value}, within the target {target}")
            } else {
                format!("{what} is {value}, above the target {target}")
            }
        });
        (!all.is_empty() && all.iter().all(|(_, value, target)| value <= target), words.collect())
    }

    pub(super) fn finish(self, stop: Stop, mut reason: String) -> Result<Trained> {
        let state = &self.state;
        let targets = state.epochs.last().map(|last| self.targets(last)).unwrap_or_default();
        let status = match stop {
            Stop::NonFinite => Status::Diverged,
            Stop::Target => Status::Done,
            Stop::Epochs | Stop::Stalled if targets.1.is_empty() => Status::Done,
            Stop::Epochs | Stop::Stalled => {
                reason = format!("{reason}, but {}", targets.1.join(" and "));
                Status::TargetMissed
            }
        };
        let both = |Point { theta, state }: &Point<E>| {
            (self.on_train.evaluate(theta, state), self.on_test.evaluate(theta, state))
        };
        let average = |point: Point<f64>, from: usize| {
            // A mean of statistics is not the statistics of the mean (Izmailov et al. 2018).
            let mut point = point.to::<E>();
            self.network.renew_to_convergence(&point.theta, &mut point.state);
            if let Some(objective) = &self.on_batches {
                point.state = objective.refresh(&point.theta, &point.state);
            }
            let (train, test) = both(&point);
            Kept { point: point.to(), from, train, test }
        };
        let (train, test) = both(&state.point);
        let swa = state.swa.as_ref().filter(|(count, sum)| *count > 0 && sum.is_finite());
        let swa = swa.map(|(count, sum)| average(sum.scaled(1.0 / *count as f64), *count));
        let ema = state.ema.as_ref().filter(|point| point.is_finite());
        let ema = ema.map(|point| average(point.clone(), state.step as usize));
        match interrupt::requested() {
            // The epoch that broke off is no place to go on from; an older checkpoint is.
            Some(signal) if stop == Stop::NonFinite => {
                let kept = "training had diverged, which was not written yet".to_owned();
                return Err(Error::Interrupted { at: "train".to_owned(), kept, signal });
            }
            Some(_) => return Err(self.interrupted()),
            None => {}
        }
        let best = state.best.as_ref().and_then(|(from, point)| {
            let e = state.epochs.get(*from)?;
            let train = Evaluation { loss: e.train_loss, accuracy: e.train_accuracy };
            let test = Evaluation { loss: e.test_loss, accuracy: e.test_accuracy };
            Some(Kept { point: point.to(), from: *from, train, test })
        });
        let (mut state, settings, network) = (self.state, self.settings, self.network);
        let end = state.trajectory.last().map(|(step, _)| *step);
        if settings.snapshots.is_some() && end != Some(state.step) && state.point.is_finite() {
            state.trajectory.push((state.step, state.point.clone()));
        }
        Ok(Trained {
            network,
            point: state.point.to(),
            steps: state.step,
            epochs: state.epochs,
            trajectory: state.trajectory.into_iter().map(|(step, point)| (step, point.to())).collect(),
            status,
            stop,
            reason,
            train,
            test,
            best,
            ema,
            swa,
        })
    }
}
