//! All pairs, several at once, each kept in a log as it is finished.

use super::result::{Facts, MinimaResult};
use super::{MOST, MinimaSettings};
use crate::autodiff::Element;
use crate::base::log::{Log, Pieces};
use crate::base::pool::each_apart;
use crate::base::{Error, Precision, Result, files, interrupt};
use crate::landscape::path::Evaluator;
use crate::passes::pair::Pair;
use crate::passes::run::{alike, names};
use crate::passes::{Run, statistics, to_json};
use crate::train::{Point, samples};
use crate::with_precision;
use serde_json::json;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What an observer of an analysis hears, from any thread.
#[derive(Clone, Debug)]
pub enum MinimaEvent<'a> {
    /// Before the first pair.
    Begins {
        /// Network and data.
        title: &'a str,
        /// Pairs, and how many were kept from before.
        pairs: (usize, usize),
    },
    /// One more pair is done.
    Done,
}

/// The log in a directory.
const LOG: &str = "minima.log";

/// Removes what an unfinished analysis left in a directory.
pub fn discard(directory: &Path) -> Result<()> {
    files::remove(&directory.join(LOG))
}

/// The second network of a pair as it is compared with the first. Networks whose units are in another order are one function:
/// what undoes such an order, pair by pair, is given here.
pub type Mapping<'a> = &'a (dyn Fn(&Run, &Run) -> Result<Point<f64>> + Sync);

/// The mapping that changes nothing.
pub fn as_it_is(_: &Run, b: &Run) -> Result<Point<f64>> {
    Ok(Point { theta: b.theta.clone(), state: b.state.clone() })
}

/// Refuses networks that no line joins, or that were trained on different data.
pub fn check(runs: &[Run]) -> Result<()> {
    if !(3..=MOST).contains(&runs.len()) {
        return Err(Error::expected("--run", format!("3 to {MOST} networks"), runs.len()));
    }
    alike(runs)
}

/// Measures every pair. With a directory, finished pairs are kept in it and not measured again.
pub fn run(
    settings: &MinimaSettings,
    runs: &[Run],
    keep: Option<&Path>,
    mapping: Mapping,
    observe: &(dyn Fn(MinimaEvent) + Sync),
) -> Result<MinimaResult> {
    settings.check()?;
    check(runs)?;
    // As precise as the most precise of them.
    let double = runs.iter().any(|run| run.precision == Precision::F64);
    let precision = if double { Precision::F64 } else { Precision::F32 };
    with_precision!(precision, E => work::<E>(settings, runs, keep, mapping, observe))
}

fn work<E: Element>(
    settings: &MinimaSettings,
    runs: &[Run],
    keep: Option<&Path>,
    mapping: Mapping,
    observe: &(dyn Fn(MinimaEvent) + Sync),
) -> Result<MinimaResult> {
    let first = &runs[0];
    let network = Arc::new(first.network.clone());
    let batch = first.data.batch_size.unwrap_or(128).max(2); // PyTorch's examples evaluate in hundreds
    let weights: Vec<String> =
        runs.iter().map(|run| run.origin.as_ref().map_or_else(String::new, |o| o.sha256.clone())).collect();
    let statistics = statistics::between(&network, settings.stats, batch);
    let facts = Facts {
        title: first.title(),
        names: names(&[], runs),
        weights,
        parameters: network.layout().size(),
        samples: (first.dataset.train.len(), first.dataset.test.len()),
        statistics,
        data: first.data.clone(),
    };
    let width = Pair::width(settings.points);
    let (log, kept) = match keep {
        None => (None, Pieces::new()),
        Some(directory) => {
            let header = json!({
                "version": env!("CARGO_PKG_VERSION"),
                "settings": to_json(settings)?,
                "data_sha256": facts.data.sha256,
                "weights_sha256": facts.weights,
            });
            let (log, kept) = Log::open(&directory.join(LOG), &header, width)?;
            (Some(Mutex::new(log)), kept)
        }
    };
    let n = runs.len();
    let pairs: Vec<(usize, usize)> = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))).collect();
    let left: Vec<usize> = (0..pairs.len()).filter(|k| !kept.contains_key(&(*k as u64))).collect();
    observe(MinimaEvent::Begins { title: &facts.title, pairs: (pairs.len(), kept.len()) });
    let evaluator = Evaluator::<E>::new(
        network.clone(),
        samples(&network, &first.dataset.train),
        samples(&network, &first.dataset.test),
        settings.stats,
        batch,
    );
    let done = AtomicUsize::new(kept.len());
    let one = |k: usize| -> Result<(u64, Vec<f64>)> {
        let (a, b) = (&runs[pairs[k].0], &runs[pairs[k].1]);
        let pair = Pair::measure(&evaluator, &as_it_is(a, a)?, &mapping(a, b)?, settings.points);
        // What a signal cut short is no result.
        interrupt::check("minima", "nothing was kept")?;
        let numbers = pair.numbers();
        if let Some(log) = &log {
            let mut log = log.lock().unwrap_or_else(|e| e.into_inner());
            log.append([(k as u64, numbers.as_slice())])?;
        }
        done.fetch_add(1, Ordering::Relaxed);
        observe(MinimaEvent::Done);
        Ok((k as u64, numbers))
    };
    let found = each_apart(left.len(), |i| one(left[i])).map_err(|error| match (error, keep) {
        (Error::Interrupted { signal, .. }, Some(directory)) => {
            let kept = match done.load(Ordering::Relaxed) {
                0 => "no pair was finished".to_owned(),
                done => {
                    let (all, directory) = (pairs.len(), files::named(directory));
                    format!("{done} of {all} pairs are kept in {directory}; the same command goes on")
                }
            };
            Error::Interrupted { at: "minima".to_owned(), kept, signal }
        }
        (error, _) => error,
    })?;
    let all: Pieces = kept.into_iter().chain(found).collect();
    MinimaResult::new(settings, facts, &pairs, &all)
}
