//! `ensemble`: networks along a cyclical rate from each network on, and their average.

use super::{Analysis, Networks, Pass};
use crate::base::{Error, Result};
use crate::passes::{EnsembleSettings, Run, Saved, ensemble, to_json, training};
use crate::study::overlay::overlay;
use crate::train::TrainSettings;

pub const ANALYSIS: Analysis = Analysis {
    name: "ensemble",
    summary: "networks along a cyclical rate from each network on, and their average",
    quick: &[("cycles", "2"), ("cycle", "2"), ("independent", "1"), ("plane", "0")],
    take: |section, changes| {
        let settings: EnsembleSettings = overlay(section, changes.iter(), &[])?;
        settings.check()?;
        Ok(Box::new(Ensemble(settings)))
    },
};

struct Ensemble(EnsembleSettings);

/// Between the seeds of independent networks and those of the study.
const APART: u64 = 1_000_003;

impl Pass for Ensemble {
    fn settings(&self) -> Result<serde_json::Value> {
        to_json(&self.0)
    }

    fn networks(&self) -> usize {
        1
    }

    fn forwards(&self, (train, test): (f64, f64)) -> f64 {
        let epochs = self.0.cycles * self.0.cycle + 20 * self.0.independent;
        4.0 * epochs as f64 * train + (self.0.plane * self.0.plane) as f64 * (train + test)
    }

    fn run(&self, seed: u64, networks: Networks) -> Result<Box<dyn Saved>> {
        let ([start, ..], [base, ..]) = (networks.runs, networks.training) else {
            return Err(Error::expected("ensemble", "a network", "none"));
        };
        let settings = EnsembleSettings { seed: self.0.seed.wrapping_add(seed), ..self.0.clone() };
        let other = |i: usize| {
            let seed = base.seed.wrapping_add(i as u64 * APART);
            Run::of(training::run(&TrainSettings { seed, ..base.clone() }, &mut |_| ())?)
        };
        let independent: Vec<Run> = (1..=settings.independent).map(other).collect::<Result<_>>()?;
        Ok(Box::new(ensemble::run(&settings, start, base, &independent, None, &|_| ())?))
    }
}
