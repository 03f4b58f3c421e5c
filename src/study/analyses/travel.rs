//! `travel`: how far training went, and how much the tangent kernel changed.

use super::{Analysis, Networks, Pass};
use crate::base::{Error, Result};
use crate::passes::{Run, Saved, TravelSettings, to_json, training, travel};
use crate::study::overlay::overlay;
use crate::train::TrainSettings;

pub const ANALYSIS: Analysis = Analysis {
    name: "travel",
    summary: "how far training went, and how much the tangent kernel turned",
    quick: &[("kernel-samples", "4")],
    take: |section, changes| {
        let settings: TravelSettings = overlay(section, changes.iter(), &[])?;
        settings.check()?;
        Ok(Box::new(Travel(settings)))
    },
};

struct Travel(TravelSettings);

impl Pass for Travel {
    fn settings(&self) -> Result<serde_json::Value> {
        to_json(&self.0)
    }

    fn networks(&self) -> usize {
        1
    }

    fn forwards(&self, (train, test): (f64, f64)) -> f64 {
        // Ten outputs; products of all pairs of gradients cost as much again.
        120.0 * self.0.kernel_samples as f64 + 2.0 * (train + test)
    }

    fn run(&self, _: u64, networks: Networks) -> Result<Box<dyn Saved>> {
        let ([end, ..], [settings, ..]) = (networks.runs, networks.training) else {
            return Err(Error::expected("travel", "a network", "none"));
        };
        // Where training started: no epoch of the same.
        let untrained = TrainSettings {
            epochs: 0,
            warmup: 0.0,
            swa: None,
            snapshots: None,
            probe: None,
            ..settings.clone()
        };
        let start = Run::of(training::run(&untrained, &mut |_| ())?)?;
        Ok(Box::new(travel::run(&self.0, &start, end)?))
    }
}
