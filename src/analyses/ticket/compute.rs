//! Dense networks and their tickets, one seed a core, each level after the one before; then the controls, which depend on
//! nothing but masks, as many at once as there are threads.
//!
//! Each ticket leaves a checkpoint of its end, which the next level is pruned from; all levels of a seed are a record in one
//! log, controls are records in another. Started again, what is on record is read; dense networks are trained once more where
//! something after them is missing.

use super::TicketSettings;
use super::prune::{at_random, by_magnitude};
use super::result::{Facts, TicketResult};
use crate::analyses::pair::Pair;
use crate::analyses::pieces::{Division, Ledger, Share, log_name};
use crate::analyses::progress::{Observe, Progress, kept};
use crate::analyses::seeded::of_run;
use crate::analyses::{DataSettings, statistics, to_json};
use crate::base::log::{DISCARD, Pieces};
use crate::base::pool::each_apart;
use crate::base::shard::Shard;
use crate::base::{Error, Result, Streams, files};
use crate::data::Dataset;
use crate::landscape::path::Evaluator;
use crate::nn::{Network, Statistics};
use crate::train::branch::noise;
use crate::train::chosen::{Fork, branch, go_on, trunk};
use crate::train::{Event, Keep, Mask, Point, Status, TrainSettings, Trained, loss, network};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The command, and what keeps the levels of its seeds.
const NAME: &str = "ticket";
const LEVELS: &str = "ticket-levels";
/// Longest time between two checkpoints of a ticket that trains for long.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

/// The checkpoint of a ticket.
fn checkpoint(seed: u64, level: usize) -> String {
    format!("{START}{seed}-{level}{END}")
}

const START: &str = "ticket-";
const END: &str = ".checkpoint.safetensors";

/// Removes what an unfinished search left in a directory.
pub fn discard(directory: &Path) -> Result<()> {
    files::remove(&directory.join(log_name(NAME)))?;
    files::remove(&directory.join(log_name(LEVELS)))?;
    let ours = |name: &str| {
        let numbers = name.strip_prefix(START).and_then(|rest| rest.strip_suffix(END));
        numbers.is_some_and(|n| n.chars().all(|c| c.is_ascii_digit() || c == '-'))
    };
    let failed = |e: std::io::Error| Error::machine(files::named(directory), e);
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if ours(&name.to_string_lossy()) {
            files::remove(&directory.join(name))?;
        }
    }
    Ok(())
}

/// How a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Computed,
    Diverged,
    /// A network that this one is made from diverged.
    Missing,
}

impl End {
    pub const ALL: [Self; 3] = [Self::Computed, Self::Diverged, Self::Missing];

    pub fn words(self) -> &'static str {
        match self {
            Self::Computed => "computed",
            Self::Diverged => "diverged",
            Self::Missing => "a ticket before it diverged",
        }
    }
}

/// What is measured of a trained network.
pub(super) const MEASURES: [&str; 7] = [
    "train_loss",
    "train_accuracy",
    "test_loss",
    "test_accuracy",
    // Of the end of an epoch with the least test loss: where early stopping would have ended (Frankle and Carbin 2019).
    "early_step",
    "early_test_loss",
    "early_test_accuracy",
];

fn measured(trained: &Trained) -> [f64; MEASURES.len()] {
    let best = trained.best.as_ref();
    let step = best.and_then(|best| trained.epochs.get(best.from)).map_or(f64::NAN, |e| e.step as f64);
    let early = best.map_or([f64::NAN; 2], |best| [best.test.loss, best.test.accuracy]);
    let (train, test) = (trained.train, trained.test);
    [train.loss, train.accuracy, test.loss, test.accuracy, step, early[0], early[1]]
}

/// A level of one seed: the dense network (level 0) or a ticket.
#[derive(Clone, Debug)]
pub(super) struct Level {
    pub mask: Mask,
    pub end: End,
    pub numbers: [f64; MEASURES.len()],
    pub point: Point<f64>,
}

impl Level {
    fn new(mask: Mask, trained: Trained) -> Self {
        let (end, numbers) = match trained.status {
            Status::Diverged => (End::Diverged, [f64::NAN; MEASURES.len()]),
            _ => (End::Computed, measured(&trained)),
        };
        Self { mask, end, numbers, point: trained.point }
    }

    /// As numbers: how it ended, what was measured, mask, parameters and state, of a network of this size.
    fn record(&self) -> Vec<f64> {
        let mut all = vec![self.end as usize as f64];
        all.extend(self.numbers);
        all.extend(self.mask.kept().iter().map(|kept| f64::from(u8::from(*kept))));
        all.extend(&self.point.theta);
        all.extend(&self.point.state);
        all
    }

    /// Reads it back.
    fn read(record: &[f64], p: usize) -> Option<Self> {
        let (end, rest) = record.split_first()?;
        let (numbers, rest) = rest.split_first_chunk()?;
        let (mask, rest) = rest.split_at_checked(p)?;
        let (theta, state) = rest.split_at_checked(p)?;
        Some(Self {
            mask: Mask::new(mask.iter().map(|kept| *kept != 0.0).collect()),
            end: *End::ALL.get(*end as usize)?,
            numbers: *numbers,
            point: Point { theta: theta.to_vec(), state: state.to_vec() },
        })
    }

    /// Numbers of a record of a network with so many parameters and numbers of state.
    fn width([p, state]: [usize; 2]) -> usize {
        1 + MEASURES.len() + 2 * p + state
    }
}

/// What is trained beside tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The ticket's mask, from other initial weights.
    Reinit,
    /// As many weights at random, from the ticket's start.
    RandomMask,
    /// The ticket, in another order of the samples.
    Stability,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Reinit, Self::RandomMask, Self::Stability];

    /// Whether it is trained at a level: a random choice of all weights is the dense network itself.
    pub fn at(self, settings: &TicketSettings, level: usize) -> bool {
        match self {
            Self::Reinit => settings.controls.reinit(),
            Self::RandomMask => settings.controls.random_mask() && level > 0,
            Self::Stability => settings.in_two_orders(),
        }
    }

    /// Its record's number.
    pub fn index(self, settings: &TicketSettings, seed: usize, level: usize) -> u64 {
        ((seed * (settings.rounds + 1) + level) * Self::ALL.len() + self as usize) as u64
    }
}

/// Numbers of a record: how it ended, and what was measured.
pub(super) fn width(settings: &TicketSettings) -> usize {
    let pair = if settings.in_two_orders() { Pair::width(settings.points) } else { 0 };
    1 + pair.max(MEASURES.len())
}

/// Searches for tickets in networks that are trained so. What is finished is kept where `share` says and
/// not made again; there is no result where a part of the seeds is all that is wanted.
pub fn run(
    settings: &TicketSettings,
    training: &TrainSettings,
    share: Option<&Share>,
    observe: Observe,
) -> Result<Option<TicketResult>> {
    settings.check(training)?;
    let (data, dataset) = DataSettings::load(training)?;
    let network = Arc::new(network(training, &dataset)?);
    let n = dataset.train.len();
    training.check_for(n, network.layout())?;
    let classes = dataset.has_classes() || network.judges();
    if !classes || dataset.test.is_empty() {
        let found = if classes { "none for testing" } else { "values" };
        return Err(Error::expected("--data", "classes, and test samples to compare tickets on", found));
    }
    if network.has_directions() {
        let expected = "a norm other than weight: a direction of which everything is pruned has no length";
        return Err(Error::expected("--norm", expected, "weight"));
    }
    if network.layout().weights().next().is_none() {
        return Err(Error::expected("--model", "a network with weights to prune", &training.model));
    }
    let total = (training.batches(n, network.layout()).count() * training.epochs) as u64;
    if settings.rewind >= total {
        let expected = format!("a step before the last, 0 to {}", total.saturating_sub(1));
        return Err(Error::expected("--rewind", expected, settings.rewind));
    }
    let noise = noise(training, &network, n);
    // Where no order differs from another nobody asked for two.
    let stability = Some(settings.stability.unwrap_or(!noise.is_empty()));
    let settings = &TicketSettings { stability, ..settings.clone() };
    if settings.in_two_orders() && noise.is_empty() {
        let expected = "false where nothing is random in steps (mini-batches, augmentation, dropout)";
        return Err(Error::expected("--stability", expected, true));
    }
    let facts = Facts {
        title: crate::analyses::run::title(&network, &dataset),
        samples: (n, dataset.test.len()),
        total,
        noise,
        statistics: statistics::between(&network, settings.stats, training.group(n)),
        data,
        image: dataset.shape.clone(),
        network: network.clone(),
    };
    let found = Work::new(settings, training, &facts, &dataset, observe)?.run(share);
    let result = |(seeds, pieces): (Vec<Vec<Level>>, Pieces)| {
        TicketResult::new(settings, training, facts, &seeds, &pieces)
    };
    found?.map(result).transpose()
}

/// Tells of steps as they are made, some at a time, from step `from` on.
fn listen(observe: Observe<'_>, from: u64) -> impl FnMut(Event) + Send + '_ {
    let mut told = from;
    move |event: Event| {
        let now = match event {
            Event::Step(step, total) if step - told >= 64 || step == total => step,
            Event::Resumed(step, ..) if step > told => step,
            _ => return,
        };
        observe(Progress::Done((now - told) as f64));
        told = now;
    }
}

/// A seed's levels, and where its tickets start from; nowhere if the dense network diverged before.
struct Chain {
    levels: Vec<Level>,
    fork: Option<Fork>,
}

struct Work<'a> {
    settings: &'a TicketSettings,
    training: &'a TrainSettings,
    facts: &'a Facts,
    network: &'a Arc<Network>,
    dataset: &'a Dataset,
    observe: Observe<'a>,
    evaluator: Evaluator,
}

impl<'a> Work<'a> {
    fn new(
        settings: &'a TicketSettings,
        training: &'a TrainSettings,
        facts: &'a Facts,
        dataset: &'a Dataset,
        observe: Observe<'a>,
    ) -> Result<Self> {
        let network = &facts.network;
        let evaluator = Evaluator::new(
            loss(network, &dataset.train, training.precision, Statistics::Running),
            loss(network, &dataset.test, training.precision, Statistics::Running),
            settings.stats,
            training.group(dataset.train.len()),
        )?;
        Ok(Self { settings, training, facts, network, dataset, observe, evaluator })
    }

    /// The levels of every seed, and the records of what was trained beside them; nothing where a part of the seeds is all that
    /// is wanted.
    fn run(&self, share: Option<&Share>) -> Result<Option<(Vec<Vec<Level>>, Pieces)>> {
        let (settings, total) = (self.settings, self.facts.total);
        let header = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "settings": to_json(settings)?,
            "train": to_json(&self.training.resolved())?,
            "data_sha256": self.facts.data.sha256,
        });
        let places = (0..settings.seeds).flat_map(|seed| (0..=settings.rounds).map(move |l| (seed, l)));
        let all: Vec<(usize, usize, Kind)> = places
            .flat_map(|(seed, level)| Kind::ALL.map(|kind| (seed, level, kind)))
            .filter(|(_, level, kind)| kind.at(settings, *level))
            .collect();
        let layout = self.network.layout();
        let (p, each) = (layout.size(), Level::width([layout.size(), layout.state_size()]));
        let seeds = Ledger::open(Division {
            command: LEVELS,
            units: ["seed", "seeds"],
            all: settings.seeds,
            // How many levels there are, and each.
            width: 1 + each * (settings.rounds + 1),
            header: header.clone(),
            share,
        })?;
        let controls = Ledger::open(Division {
            command: NAME,
            units: ["training beside tickets", "trainings beside tickets"],
            all: all.len(),
            width: width(settings),
            header,
            share,
        })?;
        let left = controls.left(|shard: Shard, i| shard.deals(all[i].0));
        // Those whose levels are missing, or what comes after them.
        let open: BTreeSet<usize> =
            seeds.left(Shard::deals).into_iter().chain(left.iter().map(|i| all[*i].0)).collect();
        let open: Vec<usize> = open.into_iter().collect();
        let rest = total - settings.rewind;
        let chains = open.len() as u64 * (total + settings.rounds as u64 * rest);
        let steps = left.iter().map(|i| if all[*i].2 == Kind::Reinit { total } else { rest });
        let (title, levels) = (&self.facts.title, settings.rounds);
        let begins = format!("tickets of {title}: {levels} levels, {} seeds", settings.seeds);
        (self.observe)(Progress::Says(begins));
        kept(self.observe, controls.kept, all.len(), "trainings beside the tickets");
        (self.observe)(Progress::Begins(NAME, "steps", (chains + steps.sum::<u64>()) as usize));
        let done = AtomicUsize::new(controls.kept);
        let directory = share.and_then(Share::directory);
        let chain = |k: usize| -> Result<Chain> {
            let chain = self.chain(open[k], directory, &done)?;
            if !seeds.has(open[k]) {
                let mut record = vec![chain.levels.len() as f64];
                record.extend(chain.levels.iter().flat_map(Level::record));
                record.resize(1 + each * (settings.rounds + 1), f64::NAN);
                seeds.finish(open[k], record)?;
            }
            Ok(chain)
        };
        let control = |chains: &[Chain], i: usize| -> Result<()> {
            let (seed, level, kind) = all[i];
            let Some(chain) = open.iter().position(|s| *s == seed).and_then(|k| chains.get(k)) else {
                return Ok(());
            };
            // A control of a ticket that is none is none, too.
            let none = || vec![f64::NAN; width(settings)];
            controls.finish(i, self.control(seed, level, kind, chain)?.unwrap_or_else(none))?;
            done.fetch_add(1, Ordering::Relaxed);
            Ok(())
        };
        let made = each_apart(open.len(), chain)
            .and_then(|chains| each_apart(left.len(), |i| control(&chains, left[i])));
        made.map_err(|error| match (error, directory) {
            (Error::Interrupted { signal, .. }, directory) => {
                let kept = match (done.load(Ordering::Relaxed), directory) {
                    (_, None) => "nothing was kept".to_owned(),
                    (0, Some(_)) => "no training was finished; the same command goes on".to_owned(),
                    (done, Some(directory)) => format!(
                        "{done} finished trainings are kept in {}; the same command goes on",
                        files::named(directory)
                    ),
                };
                Error::Interrupted { at: NAME.to_owned(), kept, signal }
            }
            (error, _) => error,
        })?;
        let (Some(seeds), Some(controls)) = (seeds.done(), controls.done()) else { return Ok(None) };
        let levels = |record: &Vec<f64>| -> Vec<Level> {
            let count = record.first().map_or(0, |n| *n as usize);
            record[1..].chunks(each).take(count).filter_map(|level| Level::read(level, p)).collect()
        };
        let there =
            controls.into_iter().filter(|(_, record)| record.first().is_some_and(|end| !end.is_nan()));
        let pieces = there.map(|(i, record)| {
            let (seed, level, kind) = all[i as usize];
            (kind.index(settings, seed, level), record)
        });
        Ok(Some((seeds.values().map(levels).collect(), pieces.collect())))
    }

    /// The dense network of a seed and its tickets, as far as none diverges.
    fn chain(&self, seed: usize, keep: Option<&Path>, done: &AtomicUsize) -> Result<Chain> {
        let (settings, train) = (self.settings, of_run(self.training, seed));
        let steps = [settings.rewind];
        let (dense, mut forks) = trunk(&train, self.dataset, &steps, &mut listen(self.observe, 0))?;
        let mut levels = vec![Level::new(Mask::full(self.network.layout().size()), dense)];
        let fork = forks.pop();
        for level in 1..=settings.rounds {
            let (Some(last), Some(fork)) = (levels.last().filter(|l| l.end == End::Computed), &fork) else {
                break;
            };
            let mask =
                by_magnitude(self.network, &last.mask, &last.point.theta, settings.prune, settings.scope);
            let keep = keep.map(|directory| Keep {
                path: directory.join(checkpoint(train.seed, level)),
                every: CHECKPOINT_EVERY,
                data_sha256: self.facts.data.sha256.clone(),
            });
            let start = fork.pruned(self.network, &mask);
            let mut listen = listen(self.observe, fork.step());
            let trained = go_on(&train, self.dataset, &start, keep.as_ref(), &mut listen).map_err(hinted)?;
            done.fetch_add(1, Ordering::Relaxed);
            levels.push(Level::new(mask, trained));
        }
        Ok(Chain { levels, fork })
    }

    /// The record of a training beside a ticket; none where the ticket is none.
    fn control(&self, seed: usize, level: usize, kind: Kind, chain: &Chain) -> Result<Option<Vec<f64>>> {
        let (settings, train) = (self.settings, of_run(self.training, seed));
        let (Some(ticket), Some(fork)) = (chain.levels.get(level), &chain.fork) else { return Ok(None) };
        let own = Streams::new(train.seed);
        let (start, order) = match kind {
            Kind::Reinit => {
                let other = own.derived("ticket/reinit", level as u64);
                (Fork::start(&train, self.dataset, &other)?.pruned(self.network, &ticket.mask), 0)
            }
            Kind::RandomMask => {
                let mut rng = own.stream("ticket/random-mask", level as u64);
                (fork.pruned(self.network, &at_random(self.network, &ticket.mask, &mut rng)), 0)
            }
            Kind::Stability if ticket.end == End::Computed => (fork.pruned(self.network, &ticket.mask), 1),
            Kind::Stability => return Ok(None),
        };
        let mut listen = listen(self.observe, start.step());
        let trained = branch(&train, self.dataset, &start, order, &mut listen)?;
        let (end, numbers) = match (trained.status, kind) {
            (Status::Diverged, _) => (End::Diverged, Vec::new()),
            (_, Kind::Stability) => {
                let pair = Pair::measure(&self.evaluator, &ticket.point, &trained.point, settings.points);
                (End::Computed, pair.numbers())
            }
            _ => (End::Computed, measured(&trained).to_vec()),
        };
        let mut record = vec![end as usize as f64];
        record.extend(numbers);
        record.resize(width(settings), f64::NAN);
        Ok(Some(record))
    }
}

/// Says of a checkpoint that cannot be gone on with how to get rid of it.
fn hinted(error: Error) -> Error {
    match error {
        Error::Request { at, what } if at.contains(END) && !what.contains(DISCARD) => {
            Error::Request { at, what: format!("{what} ({DISCARD})") }
        }
        other => other,
    }
}
