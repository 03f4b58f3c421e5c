//! `ensemble` as an analysis: what it is of, what it costs, and what it reports.

use super::{Ensemble, EnsembleResult, EnsembleSettings, Independent, Joint, discard, run};
use crate::analyses::analysis::{Analysis, Named, Needs, Networks, Record, Work};
use crate::analyses::pair::Measures;
use crate::analyses::{Progress, Run, numbered};
use crate::base::{Error, Result, shown};
use crate::train::TrainSettings;
use std::path::Path;

impl Analysis for EnsembleSettings {
    const NAME: &'static str = "ensemble";
    const ABOUT: &'static str = "Networks along a cyclical rate: fast geometric ensembles and SWA against single and independent networks";
    const SUMMARY: &'static str = "networks along a cyclical rate from each network on, and their average";
    const EXAMPLES: &'static str = "Examples:
  losscape ensemble                                       from the default network, trained if need be
  losscape ensemble --run runs/a --cycles 10 --cycle 2 --lr 0.05 --lr-low 0.0005
  losscape ensemble --run runs/cnn --independent 0 --plane 0 --json
  losscape train --data mnist1d --hidden 100 --epochs 40 --lr 0.02 --out runs/m
  losscape ensemble --run runs/m --lr 0.2                 a higher rate takes the networks further apart
  losscape slice --run out/ensemble/swa.safetensors       the average is a run like any other

Training goes on from the network with a rate that swings from --lr-low up to --lr and down again; a network is collected
at the end of each cycle. Fast geometric ensembling (Garipov et al. 2018) averages what they predict, SWA (Izmailov et al.
2018) averages their weights, with statistics of batch norm recomputed. Independent networks are trained as the first was,
from the seeds after its own, into DIR/seed-N; the first is one of their ensemble.

What is unfinished is kept: the same command goes on after a stop, --fresh begins anew.

Writes ensemble.json (start, members, swa, single, ensemble, independent: losses, errors, the epochs that each cost),
ensemble.npz (turn, turn_lr, epoch_train_loss, ...; ensemble_test_error and independent_test_error by number of members;
train_loss, ..., test_error of every network; distance of shape (n, n): start, members, swa, independent ones),
swa.safetensors, member-1.safetensors and so on, and pictures: cycles, members, plane.";
    const SETTINGS: &'static str = include_str!("../../../analyses/settings/ensemble.toml");
    const QUICK: &'static [(&'static str, &'static str)] =
        &[("cycles", "2"), ("cycle", "2"), ("independent", "1"), ("plane", "0")];
    type Record = EnsembleResult;

    fn needs() -> Needs {
        Needs::Networks { within: 1..=1, usual: 1, named: Named::Recorded }
    }

    fn validate(&self, _: usize, _: &TrainSettings) -> Result<()> {
        self.check()
    }

    fn admits(&self, runs: &[Run], training: &[TrainSettings]) -> Result<()> {
        let ([start, ..], [base, ..]) = (runs, training) else {
            return Err(Error::expected("ensemble", "a network", "none"));
        };
        let cyclic = self.cyclic(base)?;
        cyclic.check()?;
        cyclic.check_for(start.dataset.train.len(), start.network.layout()).map_err(|e| match e {
            // A network is kept at the end of each cycle.
            Error::Request { at, what } if at == "--snapshots" => Error::request("--cycles", what),
            other => other,
        })
    }

    fn further(&self) -> usize {
        self.independent
    }

    fn reseeded(self, by: u64) -> Self {
        Self { seed: self.seed.wrapping_add(by), ..self }
    }

    fn forwards(&self, _: usize, (train, test): (f64, f64)) -> f64 {
        let epochs = self.cycles * self.cycle + 20 * self.independent;
        4.0 * epochs as f64 * train + (self.plane * self.plane) as f64 * (train + test)
    }

    fn run(&self, of: Networks, work: &Work) -> Result<Option<EnsembleResult>> {
        let ([start, ..], base) = (of.runs, of.first_training()?) else {
            return Err(Error::expected("ensemble", "a network", "none"));
        };
        (work.observe)(Progress::Says(format!("cycles from {}: {}", start.named(), start.title())));
        run(self, start, base, of.further, work.directory(), work.observe).map(Some)
    }

    fn discard(directory: &Path) -> Result<()> {
        discard(directory)
    }

    fn load(directory: &Path) -> Result<EnsembleResult> {
        EnsembleResult::load(directory)
    }
}

impl Record for EnsembleResult {
    fn report(&self) -> String {
        summary(self)
    }

    fn absent(&self, directory: &Path) -> Vec<String> {
        numbered(directory, "member", self.numbers.settings.cycles + 1)
    }
}

fn summary(result: &EnsembleResult) -> String {
    let Ensemble { subject, start, swa, single, ensemble, independent, .. } = &result.numbers;
    let mut text = format!("{}\n", subject.title);
    text += "                                        epochs   train loss     error    test loss     error\n";
    let mut row = |words: &str, epochs: usize, of: Measures| {
        text += &format!(
            "  {words:37} {epochs:>6} {:>12} {:>9} {:>12} {:>9}\n",
            shown::number(of.train_loss, 4),
            shown::percent(of.train_error),
            subject.samples.tested(of.test_loss, 4),
            shown::percent(of.test_error),
        );
    };
    row("start", start.epochs, start.measures);
    row("a collected network, median", single.epochs, single.each(|s| s.median));
    row("                     lowest", single.epochs, single.each(|s| s.min));
    row("average of the weights (SWA)", swa.epochs, swa.measures);
    let Joint { ensemble: all, epochs } = ensemble;
    row(&format!("fast geometric ensemble of {}", all.members), *epochs, all.measures);
    let Independent { joint: Joint { ensemble: all, epochs }, single, .. } = independent;
    if all.members > 1 {
        row("an independent network, median", single.epochs, single.each(|s| s.median));
        row("                        lowest", single.epochs, single.each(|s| s.min));
        row(&format!("ensemble of {} independent networks", all.members), *epochs, all.measures);
    }
    text
}
