//! Runs to their ends and branches from them, as many at once as there are threads; finished branches are kept in a log.

use super::InstabilitySettings;
use super::result::{Facts, Instability, InstabilityResult};
use crate::analyses::pair::Pair;
use crate::analyses::pieces::{Division, Ledger, Share, log_name};
use crate::analyses::progress::{Observe, Progress, kept};
use crate::analyses::seeded::of_run;
use crate::analyses::{DataSettings, statistics, to_json};
use crate::base::log::Pieces;
use crate::base::pool::each_apart;
use crate::base::shard::Shard;
use crate::base::{Error, Result, files};
use crate::data::Dataset;
use crate::landscape::path::Evaluator;
use crate::nn::{Network, Statistics};
use crate::train::branch::noise;
use crate::train::chosen::{Fork, branch, trunk};
use crate::train::{Event, Point, Status, TrainSettings, Trained, loss, network};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// The command.
const NAME: &str = "instability";

/// Removes what an unfinished analysis left in a directory.
pub fn discard(directory: &Path) -> Result<()> {
    files::remove(&directory.join(log_name(NAME)))
}

/// How a branch ended, and the run that it parted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Computed,
    RunDiverged,
    BranchDiverged,
}

impl End {
    pub const ALL: [Self; 3] = [Self::Computed, Self::RunDiverged, Self::BranchDiverged];

    pub fn words(self) -> &'static str {
        match self {
            Self::Computed => "computed",
            Self::RunDiverged => "the run diverged",
            Self::BranchDiverged => "the branch diverged",
        }
    }
}

/// Numbers of a branch's record: how it ended, and the line between the ends.
pub(super) fn width(points: usize) -> usize {
    1 + Pair::width(points)
}

/// Branches from networks that are trained so, and measures. Finished branches are kept where `share`
/// says, and not made again; there is no result where a part of them is all that is wanted.
pub fn run(
    settings: &InstabilitySettings,
    training: &TrainSettings,
    share: Option<&Share>,
    observe: Observe,
) -> Result<Option<InstabilityResult>> {
    settings.check(training)?;
    let (data, dataset) = DataSettings::load(training)?;
    let network = Arc::new(network(training, &dataset)?);
    let n = dataset.train.len();
    training.check_for(n, network.layout())?;
    let total = (training.batches(n, network.layout()).count() * training.epochs) as u64;
    let noise = noise(training, &network, n);
    if noise.is_empty() {
        let expected = "steps with noise that can differ (--batch-size, augmentation or dropout)";
        let given = n > 1 && training.batch_size.is_some_and(|size| size >= n);
        let at = if given { "--batch-size" } else { "training" };
        return Err(Error::expected(at, expected, format!("all {n} samples in every step")));
    }
    let settings = &InstabilitySettings { branch: settings.steps(total), ..settings.clone() };
    if let Some(beyond) = settings.branch.iter().find(|step| **step > total) {
        return Err(Error::expected("--branch", format!("steps of training, 0 to {total}"), beyond));
    }
    let facts = Facts {
        title: crate::analyses::run::title(&network, &dataset),
        parameters: network.layout().size(),
        samples: (n, dataset.test.len()),
        total,
        noise,
        statistics: statistics::between(&network, settings.stats, training.group(n)),
        data,
    };
    let found = work((settings, training), &facts, &network, &dataset, share, observe);
    found?.map(|pieces| Instability::of(settings, training, facts, &pieces)).transpose()
}

/// The end of a seed's run, whether it diverged, and where branches part from it.
struct Trunk {
    point: Point<f64>,
    diverged: bool,
    forks: Vec<Fork>,
}

fn work(
    (settings, training): (&InstabilitySettings, &TrainSettings),
    facts: &Facts,
    network: &Arc<Network>,
    dataset: &Dataset,
    share: Option<&Share>,
    observe: Observe,
) -> Result<Option<Pieces>> {
    let header = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "settings": to_json(settings)?,
        "train": to_json(&training.resolved())?,
        "data_sha256": facts.data.sha256,
    });
    let (seeds, steps) = (settings.seeds, &settings.branch);
    let all = seeds * steps.len();
    let ledger = Ledger::open(Division {
        command: NAME,
        units: ["branch", "branches"],
        all,
        width: width(settings.points),
        header,
        share,
    })?;
    // Neighbours: branches of one seed part from the same run.
    let left = ledger.left(|shard: Shard, i| shard.range(all).contains(&i));
    // Seeds with a branch that is left, and the steps at which they part.
    let runs: Vec<(usize, Vec<u64>)> = (0..seeds)
        .map(|seed| {
            let own = left.iter().filter(|i| **i / steps.len() == seed);
            (seed, own.map(|i| steps[i % steps.len()]).collect::<Vec<u64>>())
        })
        .filter(|(_, own)| !own.is_empty())
        .collect();
    let own = |i: usize| steps[left[i] % steps.len()];
    let to_make =
        runs.len() as u64 * facts.total + (0..left.len()).map(|i| facts.total - own(i)).sum::<u64>();
    observe(Progress::Says(format!("branches of {}: {all} in all", facts.title)));
    kept(observe, ledger.kept, all, "branches");
    observe(Progress::Begins(NAME, "steps", to_make as usize));
    let listen = |from: u64| {
        let mut told = from;
        move |event: Event| {
            if let Event::Step(step, _) = event {
                // A call a step would be much for short ones.
                if step - told >= 64 || step == facts.total {
                    observe(Progress::Done((step - told) as f64));
                    told = step;
                }
            }
        }
    };
    let trunks = each_apart(runs.len(), |i| {
        let (seed, parting) = &runs[i];
        let (trained, forks) = trunk(&of_run(training, *seed), dataset, parting, &mut listen(0))?;
        Ok(Trunk { diverged: diverged(&trained), point: trained.point, forks })
    });
    let evaluator = Evaluator::new(
        loss(network, &dataset.train, training.precision, Statistics::Running),
        loss(network, &dataset.test, training.precision, Statistics::Running),
        settings.stats,
        training.group(dataset.train.len()),
    )?;
    let one = |trunks: &[Trunk], i: usize| -> Result<()> {
        let seed = left[i] / steps.len();
        let place = runs.iter().position(|run| run.0 == seed);
        let trunk = place.and_then(|at| trunks.get(at));
        let fork = trunk.and_then(|t| t.forks.iter().find(|f| f.step() == own(i)));
        let (end, pair) = match (trunk, fork) {
            (Some(trunk), Some(fork)) if !trunk.diverged => {
                let trained = branch(&of_run(training, seed), dataset, fork, 1, &mut listen(fork.step()))?;
                if diverged(&trained) {
                    (End::BranchDiverged, Pair::missing(settings.points))
                } else {
                    let pair = Pair::measure(&evaluator, &trunk.point, &trained.point, settings.points);
                    (End::Computed, pair)
                }
            }
            _ => (End::RunDiverged, Pair::missing(settings.points)),
        };
        ledger.finish(left[i], [vec![end as usize as f64], pair.numbers()].concat())
    };
    let made = trunks.and_then(|trunks| each_apart(left.len(), |i| one(&trunks, i)));
    made.map_err(|e| ledger.stopped(e))?;
    Ok(ledger.done())
}

fn diverged(trained: &Trained) -> bool {
    trained.status == Status::Diverged
}
