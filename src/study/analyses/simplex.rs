//! `simplex`: several networks of each case, joined by simplexes of low loss.

use super::{Analysis, Networks, Pass, count};
use crate::base::Result;
use crate::passes::simplex::MINIMA;
use crate::passes::{Saved, SimplexSettings, simplex, to_json};
use crate::study::overlay::overlay;
use serde_json::json;

pub const ANALYSIS: Analysis = Analysis {
    name: "simplex",
    summary: "several networks of each case, joined by simplexes of low loss",
    quick: &[("count", "2"), ("epochs", "1"), ("points", "4"), ("members", "2"), ("plane", "0")],
    take: |mut section, changes| {
        let (count, changes) = count(&mut section, changes, COUNT, MINIMA)?;
        let settings: SimplexSettings = overlay(section, &changes, &[])?;
        settings.check()?;
        Ok(Box::new(Simplex { count, settings }))
    },
};

/// As many as the command of the same name trains.
const COUNT: usize = 3;

/// So many networks of each case and seed.
struct Simplex {
    count: usize,
    settings: SimplexSettings,
}

impl Pass for Simplex {
    fn settings(&self) -> Result<serde_json::Value> {
        Ok(json!({"count": self.count, "settings": to_json(&self.settings)?}))
    }

    fn networks(&self) -> usize {
        self.count
    }

    fn forwards(&self, (train, test): (f64, f64)) -> f64 {
        let SimplexSettings { samples, points, plane, .. } = &self.settings;
        let trained = samples.map_or(train, |n| n as f64);
        // The flat simplex, and one with each minimum.
        let points = points * (self.count + 1) + 2 * plane * plane;
        3.0 * self.settings.training.epochs as f64 * trained + points as f64 * (trained + test)
    }

    fn run(&self, seed: u64, networks: Networks) -> Result<Box<dyn Saved>> {
        let seed = self.settings.seed.wrapping_add(seed);
        let settings = SimplexSettings { seed, ..self.settings.clone() };
        Ok(Box::new(simplex::run(&settings, networks.runs, None, &|_| ())?))
    }
}
