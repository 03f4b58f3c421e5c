//! `minima`: barriers and distances between all pairs of several networks of each case.

use super::{Analysis, Networks, Pass, count};
use crate::base::Result;
use crate::passes::minima::MOST;
use crate::passes::pieces::whole;
use crate::passes::{MinimaSettings, Saved, minima, to_json};
use crate::study::overlay::overlay;
use crate::train::BandSettings;
use serde_json::json;

pub const ANALYSIS: Analysis = Analysis {
    name: "minima",
    summary: "barriers and distances between all pairs of several networks of each case",
    quick: &[("count", "3"), ("points", "5")],
    take: |mut section, changes| {
        let (count, changes) = count(&mut section, changes, COUNT, 3..=MOST)?;
        let settings: MinimaSettings = overlay(section, &changes, &[])?;
        settings.check()?;
        Ok(Box::new(Minima { count, settings }))
    },
};

/// As many as the command of the same name trains.
const COUNT: usize = 6;

/// So many networks of each case and seed.
struct Minima {
    count: usize,
    settings: MinimaSettings,
}

impl Pass for Minima {
    fn settings(&self) -> Result<serde_json::Value> {
        Ok(json!({"count": self.count, "settings": to_json(&self.settings)?}))
    }

    fn networks(&self) -> usize {
        self.count
    }

    fn forwards(&self, (train, test): (f64, f64)) -> f64 {
        let lines = self.count * (self.count - 1) / 2 * (1 + usize::from(self.settings.align.is_some()));
        let band = BandSettings::default();
        let bands = if self.settings.neb { 2 * (self.count - 1) } else { 0 };
        let steps = bands * band.cycles * band.steps * band.pivots;
        (lines * self.settings.points) as f64 * (train + test)
            + (3 * steps * band.batch(train as usize)) as f64
    }

    fn run(&self, seed: u64, networks: Networks) -> Result<Box<dyn Saved>> {
        let path_seed = self.settings.path_seed.wrapping_add(seed);
        let settings = MinimaSettings { path_seed, ..self.settings.clone() };
        Ok(Box::new(whole(minima::run(&settings, &BandSettings::default(), networks.runs, None, &|_| ()))?))
    }
}
