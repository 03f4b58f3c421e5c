//! All pairs, several at once, each kept in a log as it is finished; then the bands, if they are asked for.

use super::likeness::likeness;
use super::result::{Facts, MinimaResult};
use super::{MOST, MinimaSettings, bands};
use crate::analyses::pair::Pair;
use crate::analyses::pieces::{Division, Ledger, Share, log_name};
use crate::analyses::progress::{Observe, Progress, kept};
use crate::analyses::run::{alike, names};
use crate::analyses::{Run, statistics, to_json};
use crate::base::pool::each_apart;
use crate::base::shard::Shard;
use crate::base::{Error, Precision, Result, files};
use crate::landscape::path::{Evaluator, Weights};
use crate::nn::Statistics;
use crate::train::{Point, loss};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// The command.
const NAME: &str = "minima";

/// Removes what an unfinished analysis left in a directory.
pub fn discard(directory: &Path) -> Result<()> {
    files::remove(&directory.join(log_name(NAME)))?;
    bands::discard(directory)
}

/// Refuses networks that no line joins, or that were trained on different data.
pub fn check(settings: &MinimaSettings, runs: &[Run]) -> Result<()> {
    if !(3..=MOST).contains(&runs.len()) {
        return Err(Error::expected("--run", format!("3 to {MOST} networks"), runs.len()));
    }
    alike(runs)?;
    settings.check_for(runs.len())
}

/// Measures every pair. Finished pairs and bands are kept where `share` says, and not made again; there is no result where
/// a part of the pairs is all that is wanted.
pub fn run(
    settings: &MinimaSettings,
    runs: &[Run],
    share: Option<&Share>,
    observe: Observe,
) -> Result<Option<MinimaResult>> {
    settings.check()?;
    check(settings, runs)?;
    // As precise as the most precise of them.
    let double = runs.iter().any(|run| run.precision == Precision::F64);
    let precision = if double { Precision::F64 } else { Precision::F32 };
    let job = Job::new(settings, runs, share, precision, observe)?;
    let Some(lines) = job.lines()? else { return Ok(None) };
    let bands = settings.neb.then(|| bands::relax_all(&job, &settings.band)).transpose()?;
    let likeness = likeness(&job)?;
    MinimaResult::new(settings, job.facts, &lines, bands, likeness).map(Some)
}

/// Measured pairs (a, b), a < b.
pub(super) struct Lines {
    /// The pairs, in order.
    pub pairs: Vec<(usize, usize)>,
    /// The line between the two as they are.
    pub plain: Vec<Pair>,
    /// The line to the second as it was aligned, and how many units moved; none where nothing is aligned.
    pub aligned: Vec<(Pair, f64)>,
    /// Hidden units that may move.
    pub units: f64,
}

/// Networks, and what they are evaluated on.
pub(super) struct Job<'a> {
    pub settings: &'a MinimaSettings,
    pub runs: &'a [Run],
    pub share: Option<&'a Share>,
    pub precision: Precision,
    pub observe: Observe<'a>,
    pub evaluator: Evaluator,
    pub facts: Facts,
}

impl<'a> Job<'a> {
    fn new(
        settings: &'a MinimaSettings,
        runs: &'a [Run],
        share: Option<&'a Share>,
        precision: Precision,
        observe: Observe<'a>,
    ) -> Result<Self> {
        let first = &runs[0];
        let network = Arc::new(first.network.clone());
        let batch = first.data.batch_size.unwrap_or(128); // PyTorch's examples evaluate in hundreds
        let sha256 = |run: &Run| run.origin.as_ref().map_or_else(String::new, |o| o.sha256.clone());
        let facts = Facts {
            title: first.title(),
            loss: first.network.spec().loss.clone(),
            names: names(&settings.labels, runs),
            weights: runs.iter().map(sha256).collect(),
            parameters: network.layout().size(),
            samples: (first.dataset.train.len(), first.dataset.test.len()),
            statistics: statistics::between(&network, settings.stats, batch),
            data: first.data.clone(),
        };
        let [train, test] = [&first.dataset.train, &first.dataset.test]
            .map(|part| loss(&network, part, precision, Statistics::Running));
        let evaluator = Evaluator::new(train, test, settings.stats, batch)?;
        Ok(Self { settings, runs, share, precision, observe, evaluator, facts })
    }

    /// Says that so many lines or bands begin, some of which are kept.
    pub fn begin(&self, units: &'static str, all: usize, before: usize) {
        kept(self.observe, before, all, units);
        (self.observe)(Progress::Begins("minima", units, all));
        (self.observe)(Progress::Done(before as f64));
    }

    /// All that decides what pieces of work are worth.
    pub fn header(&self) -> Result<Value> {
        Ok(json!({
            "version": env!("CARGO_PKG_VERSION"),
            "settings": to_json(self.settings)?,
            "data_sha256": self.facts.data.sha256,
            "weights_sha256": self.facts.weights,
        }))
    }

    /// The ends of what is measured between two networks: the second as its alignment with the first makes it, with how many
    /// of its units moved, of how many.
    pub fn ends(&self, i: usize, j: usize) -> Result<([Weights; 2], [f64; 2])> {
        let [a, b] = [i, j].map(|i| (self.runs[i].theta.clone(), self.runs[i].state.clone()));
        let Some(alignment) = &self.settings.align else { return Ok(([a, b], [0.0; 2])) };
        let aligned = self.evaluator.align(alignment, [&a, &b], self.settings.path_seed, &|_, _| ())?;
        let counts = [aligned.facts.moved as f64, aligned.facts.units as f64];
        Ok(([a, (aligned.theta, aligned.state)], counts))
    }

    /// Where unfinished work is kept.
    pub fn directory(&self) -> Option<&'a Path> {
        self.share.and_then(Share::directory)
    }

    /// Measures every pair; none where a part of them is all that is wanted.
    fn lines(&self) -> Result<Option<Lines>> {
        let (n, points) = (self.runs.len(), self.settings.points);
        // Where units move, how many, and the line from there.
        let rest = if self.settings.align.is_some() { 2 + Pair::width(points) } else { 0 };
        let pairs: Vec<(usize, usize)> = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))).collect();
        let ledger = Ledger::open(Division {
            command: NAME,
            units: ["pair", "pairs"],
            all: pairs.len(),
            width: Pair::width(points) + rest,
            header: self.header()?,
            share: self.share,
        })?;
        let left = ledger.left(Shard::deals);
        (self.observe)(Progress::Says(format!("{} pairs of minima: {}", pairs.len(), self.facts.title)));
        self.begin("pairs", pairs.len(), ledger.kept);
        let one = |i: usize| -> Result<()> {
            ledger.finish(left[i], self.line(pairs[left[i]])?)?;
            (self.observe)(Progress::Done(1.0));
            Ok(())
        };
        each_apart(left.len(), one).map_err(|e| ledger.stopped(e))?;
        let Some(all) = ledger.done() else { return Ok(None) };
        let mut lines = Lines { pairs, plain: Vec::new(), aligned: Vec::new(), units: 0.0 };
        for numbers in all.values() {
            let (plain, rest) = numbers.split_at(Pair::width(points));
            lines.plain.push(Pair::read(plain));
            if let [moved, units, aligned @ ..] = rest {
                lines.aligned.push((Pair::read(aligned), *moved));
                lines.units = *units;
            }
        }
        Ok(Some(lines))
    }

    /// The record of a pair.
    fn line(&self, (i, j): (usize, usize)) -> Result<Vec<f64>> {
        let measure = |[a, b]: [Weights; 2]| {
            let [a, b] = [a, b].map(|(theta, state)| Point { theta, state });
            Pair::measure(&self.evaluator, &a, &b, self.settings.points).numbers()
        };
        let as_it_is = [i, j].map(|i| (self.runs[i].theta.clone(), self.runs[i].state.clone()));
        let mut numbers = measure(as_it_is);
        if self.settings.align.is_some() {
            let (ends, counts) = self.ends(i, j)?;
            numbers.extend(counts);
            numbers.extend(measure(ends));
        }
        Ok(numbers)
    }
}
