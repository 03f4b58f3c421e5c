//! `instability` as an analysis: what it is of, what it costs, and what it reports.

use super::{Instability, InstabilityResult, InstabilitySettings, run, training};
use crate::analyses::analysis::{Analysis, Needs, Networks, Record, Work};
use crate::analyses::over_seeds::OverSeeds;
use crate::analyses::training::Prepared;
use crate::base::{Error, Result, shown};
use crate::train::TrainSettings;
use std::path::Path;

impl Analysis for InstabilitySettings {
    const NAME: &'static str = "instability";
    const ABOUT: &'static str =
        "The barrier between two branches of a run that part at step k (Frankle et al. 2020)";
    const SUMMARY: &'static str = "from which step on two data orders end in one valley";
    const EXAMPLES: &'static str = "Examples:
  losscape instability                                    five layers on digits in batches of 8, five seeds
  losscape instability --branch 0,10,100,1000 --seeds 10 --hidden 32,32
  losscape instability --data mnist1d --model cnn --norm batch --epochs 10 --branch 0,50,200

A network is trained to step k and goes on from there twice, with different noise, to the end: the order of the samples
(what is left of the epoch too), their augmentation and the masks of dropout. One branch is the run as it goes on by
itself, and is the same for every k. The barrier is the most by which loss and error on the straight line between both
ends rise above the line between their values. Finished branches are kept as they come: the same command goes on after a
stop, --fresh begins anew. The flags of training are those of `losscape train` without what ends it early, averages, keeps
or probes.

Writes instability.json (medians, quartiles, every seed; stable_from: the step from which on the median barrier of the
training error is at most --stable), instability.npz (branch, seed, t; train_barrier, train_error_barrier, test_barrier,
test_error_barrier, distance of shape (branches, seeds); train_loss, train_error, test_loss, test_error along the lines),
instability.png and .svg.";
    const SETTINGS: &'static str = include_str!("../../../analyses/settings/instability.toml");
    const QUICK: &'static [(&'static str, &'static str)] =
        &[("seeds", "1"), ("branch", "[0, 1]"), ("points", "3")];
    const PARTS: bool = true;
    type Record = InstabilityResult;

    fn needs() -> Needs {
        Needs::Training(Box::new(training()))
    }

    fn validate(&self, _: usize, training: &TrainSettings) -> Result<()> {
        self.check(training)
    }

    fn batch(usual: usize, samples: usize, fewest: usize) -> usize {
        // Two batches at least, so that there is an order of the samples.
        usual.min((samples / 2).max(fewest))
    }

    fn memory(&self, _: usize, prepared: Option<&Prepared>) -> Option<(u64, String)> {
        let prepared = prepared?;
        // A network at work on each thread, and what every branch starts from.
        let branches = self.seeds * self.steps(u64::MAX).len();
        let networks = (rayon::current_num_threads() + branches) as u64;
        Some((prepared.bytes().saturating_mul(networks), format!("{branches} branches")))
    }

    fn forwards(&self, _: usize, (train, test): (f64, f64)) -> f64 {
        let lines = self.seeds * self.steps(u64::MAX).len() * self.points;
        lines as f64 * (train + test)
    }

    fn trainings(&self) -> usize {
        // Each run, and on average half of it a branch.
        self.seeds * (1 + self.steps(u64::MAX).len().div_ceil(2))
    }

    fn looks_at_end(&self) -> bool {
        false
    }

    fn run(&self, of: Networks, work: &Work) -> Result<Option<InstabilityResult>> {
        run(self, of.first_training()?, work.share, work.observe)
    }

    fn load(directory: &Path) -> Result<InstabilityResult> {
        InstabilityResult::load(directory)
    }
}

impl Record for InstabilityResult {
    fn report(&self) -> String {
        summary(self)
    }

    fn unmet(&self) -> Option<Error> {
        let Instability { diverged, seeds, branches, .. } = &self.numbers;
        (*diverged > 0).then(|| {
            let all = seeds.len() * branches.len();
            Error::unmet("instability: diverged", format!("{diverged} of {all} branches, or their runs"))
        })
    }
}

fn summary(result: &InstabilityResult) -> String {
    let Instability { title, settings, seeds, stable_from, branches, .. } = &result.numbers;
    let number = |x: f64| if x.is_nan() { "-".to_owned() } else { shown::number(x, 4) };
    let mut text = format!(
        "{title}, {} seeds: barriers between two branches, medians (quartiles)\n{:>8} {:>28} {:>10} {:>28} {:>10} {:>9}\n",
        seeds.len(),
        "step",
        "training loss",
        "error",
        "test loss",
        "error",
        "distance",
    );
    for branch in branches {
        let spread = |of: &OverSeeds| {
            let [low, high] = of.quartiles.map(number);
            format!("{} ({low} to {high})", number(of.median))
        };
        text += &format!(
            "{:>8} {:>28} {:>10} {:>28} {:>10} {:>9}\n",
            branch.step,
            spread(&branch.train_barrier),
            shown::percent(branch.train_error_barrier.median),
            spread(&branch.test_barrier),
            shown::percent(branch.test_error_barrier.median),
            number(branch.distance.median),
        );
    }
    let stable = shown::percent(settings.stable);
    text + &match stable_from {
        Some(step) => format!("  stable (training error up by at most {stable}) from step {step} on\n"),
        None => format!("  not stable (training error up by at most {stable}) from any of these steps on\n"),
    }
}
