//! The training loop: steps and evaluations in an order that depends on the settings and the state alone, so that
//! going on from a saved state is the same as never having stopped.

use super::batch::{Noise, Vary};
use super::branch::{Fork, Parting};
use super::checkpoint::{self, EPOCHS_APART, Keep, Pace, State};
use super::gradient::squares;
use super::method::Method;
use super::optimizers::lbfgs::{Outcome, Value};
use super::settings::Best;
use super::{
    Epoch, Event, Kept, Place, Point, Status, Stop, TrainSettings, Trained, network, samples, start,
};
use crate::autodiff::{Element, elementary::vectorised};
use crate::base::registry::Registry;
use crate::base::{Error, Result, Streams, files, interrupt};
use crate::data::Dataset;
use crate::nn::{Evaluation, Network, Objective, Samples, Statistics};
use rand::seq::SliceRandom;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// A run under way.
pub struct Session<'a, E> {
    settings: TrainSettings,
    network: Arc<Network>,
    streams: Streams,
    /// Where the noise of steps became another one than that of the seed, if it did.
    parting: Option<Parting>,
    /// The steps after which others go on from here, ascending, and what they go on with.
    forks: (Vec<u64>, Vec<Fork<E>>),
    train: Arc<Samples<E>>,
    on_train: Objective<E>,
    /// The loss that steps go down, where it is not that of `on_train`: with the statistics of batches.
    on_batches: Option<Objective<E>>,
    vary: Option<Vary<E>>,
    on_test: Objective<E>,
    batch_size: usize,
    steps_per_epoch: u64,
    total: u64,
    method: Method<E>,
    state: State<E>,
    snapshots: Box<dyn Iterator<Item = u64>>,
    next_snapshot: Option<u64>,
    /// The step that was probed last in this process.
    probed: Option<u64>,
    keep: Option<&'a Keep>,
    /// Whether the end is kept too, however short the run was.
    keeps_end: bool,
    pace: Pace,
    observe: &'a mut (dyn FnMut(Event) + Send),
}

impl<'a, E: Element> Session<'a, E> {
    /// A run with resolved settings, at its start or where its checkpoint says.
    pub fn new(
        settings: &TrainSettings,
        dataset: &Dataset,
        keep: Option<&'a Keep>,
        observe: &'a mut (dyn FnMut(Event) + Send),
    ) -> Result<Self> {
        Self::from(settings, dataset, keep, None, observe)
    }

    /// The same from a fork on, with other noise if ways part there; a checkpoint of it comes first.
    pub fn from(
        settings: &TrainSettings,
        dataset: &Dataset,
        keep: Option<&'a Keep>,
        fork: Option<(&Fork<E>, Option<Parting>)>,
        observe: &'a mut (dyn FnMut(Event) + Send),
    ) -> Result<Self> {
        let network = Arc::new(network(settings, dataset)?);
        let parting = fork.and_then(|(_, parting)| parting);
        let streams = Streams::new(settings.seed);
        let train = samples::<E>(&network, &dataset.train);
        let vary = Vary::new(settings.augment, dataset)?;
        let on_train = Objective::new(network.clone(), train.clone(), Statistics::Running);
        let on_test = Objective::new(network.clone(), samples(&network, &dataset.test), Statistics::Running);
        let n = train.len();
        settings.check_for(n, network.layout().parameters.len())?;
        let batch_size = settings.batch(n);
        let steps_per_epoch = n.div_ceil(batch_size) as u64;
        let total = steps_per_epoch * settings.epochs as u64;
        let groups = Statistics::Groups(settings.group(n));
        let couples = network.layout().couples_samples;
        let on_batches = couples.then(|| Objective::new(network.clone(), train.clone(), groups));
        if settings.optimizer.search().is_some() {
            let expected = format!("a network without with {}", settings.optimizer.name());
            if network.has_dropout() {
                return Err(Error::expected("dropout", expected, &settings.model));
            }
            if vary.is_some() {
                let with = format!("none with {}", settings.optimizer.name());
                return Err(Error::expected("augmentation", with, "some"));
            }
        }
        let mut method = Method::new(settings, &network, &train, batch_size);
        let sizes = [network.layout().size(), network.layout().state_size()];
        let pruned = fork.and_then(|(fork, _)| fork.state.pruned.as_ref());
        let unfinished = match keep {
            Some(keep) => checkpoint::read(keep, settings, sizes, &method.vectors(), pruned)?,
            None => None,
        };
        let forked = || fork.map(|(fork, _)| (fork.state.clone(), fork.vectors.clone()));
        let kept = unfinished.or_else(forked);
        let resumed = kept.as_ref().is_some_and(|(state, _)| state.step > 0);
        let state = match kept {
            Some((state, vectors)) => {
                // The last epoch on record is over, and the one after it is not on record.
                let over = state.epochs.len() as u64 * steps_per_epoch;
                let (least, most) = (over.saturating_sub(steps_per_epoch), over.min(total));
                if !(least..=most).contains(&state.step) {
                    let at = keep.map_or_else(String::new, |keep| files::named(&keep.path));
                    let expected = format!("{least} to {most} steps after {} epochs", state.epochs.len());
                    return Err(Error::expected(at, expected, state.step));
                }
                method.restore(state.step, vectors)?;
                state
            }
            None => State::begin(settings, start(&network, settings, &streams, &train)),
        };
        if let Some(pruned) = &state.pruned {
            method.prune(&pruned.mask);
        }
        if resumed {
            observe(Event::Resumed(state.step, total, &state.epochs));
        }
        let done = state.step;
        let mut snapshots: Box<dyn Iterator<Item = u64>> = match settings.snapshots {
            Some(when) => Box::new(when.steps(steps_per_epoch, total).skip_while(move |s| *s <= done)),
            None => Box::new(std::iter::empty()),
        };
        Ok(Self {
            settings: settings.clone(),
            next_snapshot: snapshots.next(),
            probed: None,
            pace: Pace::new(),
            network,
            streams: parting.map_or(streams, |parting| parting.streams),
            parting,
            forks: (Vec::new(), Vec::new()),
            train,
            on_train,
            on_batches,
            vary,
            on_test,
            batch_size,
            steps_per_epoch,
            total,
            method,
            state,
            snapshots,
            keep,
            keeps_end: false,
            observe,
        })
    }

    /// Has the end kept in the checkpoint too, however short the run is: others go on with what it came to.
    pub fn keeping_end(self) -> Self {
        Self { keeps_end: true, ..self }
    }

    /// Has it end after so many steps, if it would be longer.
    pub fn up_to(self, steps: u64) -> Self {
        Self { total: self.total.min(steps), ..self }
    }

    /// Trains to the end.
    pub fn run(self) -> Result<Trained> {
        Ok(self.run_forking(&[])?.0)
    }

    /// Trains to the end; also what others go on with from after each of `steps`, ascending. A run that ends before one of
    /// them has none for it.
    pub fn run_forking(mut self, steps: &[u64]) -> Result<(Trained, Vec<Fork<E>>)> {
        let started = Instant::now();
        self.forks.0 = steps.iter().copied().filter(|step| *step >= self.state.step).collect();
        self.fork_if_due();
        // Where a checkpoint was written before the probe was made.
        self.probe_if_due()?;
        let (stop, reason) = loop {
            let done = self.state.epochs.len();
            if done == 0 {
                self.record(0)?;
                continue;
            }
            if let Some(end) = self.end(done - 1) {
                break end;
            }
            let diverged = match self.method {
                Method::Steps { .. } => self.mini_batches(done)?,
                Method::Search { .. } => self.line_search(done)?,
            };
            if let Some(reason) = diverged {
                self.record(done)?;
                break (Stop::NonFinite, reason);
            }
            if self.state.stalled {
                continue;
            }
            self.record(done)?;
            self.save_if_due(EPOCHS_APART)?;
        };
        if self.settings.probe.is_some() && self.probed != Some(self.state.step) {
            self.probe(self.state.rate)?;
        }
        // What took long is not lost while results are evaluated and drawn.
        let worth = self.keeps_end || started.elapsed() >= EPOCHS_APART;
        if stop != Stop::NonFinite && worth {
            self.save()?;
        }
        let forks = std::mem::take(&mut self.forks.1);
        Ok((self.finish(stop, reason)?, forks))
    }

    /// Keeps all that training goes on with, if it is asked for here.
    fn fork_if_due(&mut self) {
        let (left, taken) = &mut self.forks;
        if left.first() == Some(&self.state.step) {
            left.remove(0);
            taken.push(Fork { state: self.state.clone(), vectors: self.method.vectors() });
        }
    }

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
                let made = (parting.step - first).saturating_mul(self.batch_size as u64);
                let made = (made as usize).min(order.len());
                shuffle(&mut order[made..], &self.streams);
            }
        }
        order
    }

    fn rate_at(&self, step: u64) -> f64 {
        let TrainSettings { schedule, epochs, warmup, .. } = &self.settings;
        let epoch = step as f64 / self.steps_per_epoch.max(1) as f64;
        self.settings.rate() * schedule.factor(epoch, *epochs as f64, *warmup)
    }

    /// The steps of an epoch that are not made yet; why it diverged, if it did.
    fn mini_batches(&mut self, epoch: usize) -> Result<Option<String>> {
        let order = self.order(epoch);
        let made = self.state.step - (epoch as u64 - 1) * self.steps_per_epoch;
        let left = (self.total - self.state.step) as usize;
        for indices in order.chunks(self.batch_size).skip(made as usize).take(left) {
            let rate = self.rate_at(self.state.step);
            let Method::Steps { stepper, conditions, whole, rest } = &mut self.method else { break };
            let batch = match rest {
                Some(rest) if indices.len() == rest.samples() => rest,
                _ => whole,
            };
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
    fn line_search(&mut self, epoch: usize) -> Result<Option<String>> {
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
    fn probe_if_due(&mut self) -> Result<()> {
        let step = self.state.step;
        match self.settings.probe.is_some_and(|probe| probe.due(step)) && step < self.total {
            // A line search has no rate but the length of its last step.
            true if self.settings.optimizer.search().is_some() => self.probe(self.state.rate),
            true => self.probe(self.rate_at(step)),
            false => Ok(()),
        }
    }

    /// Has the network measured. Whether a signal cut that short is asked of whatever comes next.
    fn probe(&mut self, rate: f64) -> Result<()> {
        let (step, point) = (self.state.step, self.state.point.to());
        // No step has been made that could have had one.
        let rate = if step == 0 && rate == 0.0 { f64::NAN } else { rate };
        let fault = OnceLock::new();
        (self.observe)(Event::Probe(Place { step, rate, point: &point, fault: &fault }));
        self.probed = Some(step);
        match fault.into_inner() {
            None | Some(Error::Interrupted { .. }) => Ok(()),
            Some(error) => Err(error),
        }
    }

    /// Evaluates the network after an epoch, or where it broke off.
    fn record(&mut self, epoch: usize) -> Result<()> {
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
    fn end(&self, epoch: usize) -> Option<(Stop, String)> {
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
        let words = all.iter().map(|(what, value, target)| match value <= target {
            true => format!("{what} is {value}, within the target {target}"),
            false => format!("{what} is {value}, above the target {target}"),
        });
        (!all.is_empty() && all.iter().all(|(_, value, target)| value <= target), words.collect())
    }

    fn finish(self, stop: Stop, mut reason: String) -> Result<Trained> {
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

    /// Writes a checkpoint if the last one is `apart` old, or as old as it may get.
    fn save_if_due(&mut self, apart: Duration) -> Result<()> {
        let Some(keep) = self.keep else { return Ok(()) };
        match self.pace.due(keep, apart) {
            true => self.save(),
            false => Ok(()),
        }
    }

    fn save(&mut self) -> Result<()> {
        let Some(keep) = self.keep else { return Ok(()) };
        let (settings, state, method) = (&self.settings, &self.state, &self.method);
        self.pace.written(|| checkpoint::write(keep, settings, state, &method.vectors()))
    }

    /// Somebody asked for a stop: keeps what there is.
    fn interrupted(&self) -> Error {
        let signal = interrupt::requested().unwrap_or(2);
        let kept = match self.keep {
            None => "nothing was kept".to_owned(),
            Some(keep) => {
                match checkpoint::write(keep, &self.settings, &self.state, &self.method.vectors()) {
                    Err(e) => return e,
                    Ok(()) => format!(
                        "{} of {} steps are kept in {}; the same command, or --resume, goes on",
                        self.state.step,
                        self.total,
                        files::named(&keep.path)
                    ),
                }
            }
        };
        Error::Interrupted { at: "train".to_owned(), kept, signal }
    }
}
