//! `instability`: from which step on two data orders end in one valley.

use super::{Analysis, Networks, Pass};
use crate::base::Result;
use crate::passes::{InstabilitySettings, Saved, instability, to_json};
use crate::study::overlay::overlay;
use crate::train::settings::SHORTHANDS;

pub const ANALYSIS: Analysis = Analysis {
    name: "instability",
    summary: "from which step on two data orders end in one valley",
    quick: &[("seeds", "1"), ("branch", "[0, 2]"), ("points", "3"), ("epochs", "1"), ("samples", "64")],
    take: |section, changes| {
        let settings: InstabilitySettings = overlay(section, changes.iter(), SHORTHANDS)?;
        settings.check()?;
        Ok(Box::new(Instability(settings)))
    },
};

struct Instability(InstabilitySettings);

impl Pass for Instability {
    fn settings(&self) -> Result<serde_json::Value> {
        to_json(&self.0)
    }

    fn forwards(&self, _: (f64, f64)) -> f64 {
        self.0.seeds as f64 * (self.0.branch.len() + 1) as f64 * 3.0 * self.0.epochs as f64 * 1300.0
    }

    fn run(&self, seed: u64, _: Networks) -> Result<Box<dyn Saved>> {
        let settings = InstabilitySettings { seed: self.0.seed.wrapping_add(seed), ..self.0.clone() };
        Ok(Box::new(instability::run(&settings, None, &|_| ())?))
    }
}
