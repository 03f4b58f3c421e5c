//! `instability`: from which step on two data orders end in one valley.

use super::{Analysis, Networks, Pass};
use crate::base::{Error, Result};
use crate::passes::pieces::whole;
use crate::passes::{InstabilitySettings, Saved, instability, to_json};
use crate::study::overlay::overlay;

pub const ANALYSIS: Analysis = Analysis {
    name: "instability",
    summary: "from which step on two data orders end in one valley",
    quick: &[("seeds", "1"), ("branch", "[0, 1]"), ("points", "3")],
    take: |section, changes| {
        let settings: InstabilitySettings = overlay(section, changes.iter(), &[])?;
        settings.check(&instability::training())?;
        Ok(Box::new(Instability(settings)))
    },
};

struct Instability(InstabilitySettings);

impl Pass for Instability {
    fn settings(&self) -> Result<serde_json::Value> {
        to_json(&self.0)
    }

    fn networks(&self) -> usize {
        1
    }

    fn looks_at_end(&self) -> bool {
        false
    }

    fn forwards(&self, (train, test): (f64, f64)) -> f64 {
        let lines = self.0.seeds * self.0.steps(u64::MAX).len() * self.0.points;
        lines as f64 * (train + test)
    }

    fn trainings(&self) -> usize {
        // Each run, and on average half of it a branch.
        self.0.seeds * (1 + self.0.steps(u64::MAX).len().div_ceil(2))
    }

    fn run(&self, _: u64, networks: Networks) -> Result<Box<dyn Saved>> {
        match networks.training {
            [training, ..] => Ok(Box::new(whole(instability::run(&self.0, training, None, &|_| ()))?)),
            [] => Err(Error::expected("instability", "a network", "none")),
        }
    }
}
