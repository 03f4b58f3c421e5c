//! The training loop: steps and evaluations in an order that depends on the settings and the state alone, so that
//! going on from a saved state is the same as never having stopped. `steps` makes steps, `record` evaluates.

mod record;
mod steps;

use super::batch::Vary;
use super::branch::{Fork, Parting};
use super::checkpoint::{self, EPOCHS_APART, Keep, Pace, State};
use super::method::Method;
use super::{Batches, Event, Stop, TrainSettings, Trained, exported, network, samples, start};
use crate::autodiff::Element;
use crate::base::registry::Registry;
use crate::base::{Error, Result, Streams, files, interrupt};
use crate::data::Dataset;
use crate::nn::{Network, Objective, Samples, Statistics};
use std::sync::Arc;
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
    batches: Batches,
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
        settings.check_for(n, network.layout())?;
        exported::check_for(settings, &network, n)?;
        let batches = settings.batches(n, network.layout()).told();
        let steps_per_epoch = batches.count() as u64;
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
        let mut method = Method::new(settings, &network, &train, &batches);
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
            batches,
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

    /// Writes a checkpoint if the last one is `apart` old, or as old as it may get.
    fn save_if_due(&mut self, apart: Duration) -> Result<()> {
        let Some(keep) = self.keep else { return Ok(()) };
        if self.pace.due(keep, apart) { self.save() } else { Ok(()) }
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
