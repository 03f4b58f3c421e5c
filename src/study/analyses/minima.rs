//! `minima`: barriers and distances between all pairs of several networks of each case.

use super::{Analysis, Networks, Pass};
use crate::base::{Error, Result};
use crate::passes::minima::MOST;
use crate::passes::{MinimaSettings, Saved, minima, to_json};
use crate::study::overlay::overlay;
use crate::train::BandSettings;
use serde::{Deserialize, Serialize};

pub const ANALYSIS: Analysis = Analysis {
    name: "minima",
    summary: "barriers and distances between all pairs of several networks of each case",
    quick: &[("count", "3"), ("points", "5")],
    take: |section, changes| {
        let all: Minima = overlay(section, changes.iter(), &[])?;
        all.settings.check()?;
        match (3..=MOST).contains(&all.count) {
            true => Ok(Box::new(all)),
            false => Err(Error::expected("minima: count", format!("3 to {MOST}"), all.count)),
        }
    },
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Minima {
    /// Networks of each case and seed
    #[arg(long, default_value_t = Minima::default().count)]
    count: usize,
    #[command(flatten)]
    #[serde(flatten)]
    settings: MinimaSettings,
}

impl Default for Minima {
    fn default() -> Self {
        // As many as the command of the same name trains.
        Self { count: 6, settings: MinimaSettings::default() }
    }
}

impl Pass for Minima {
    fn settings(&self) -> Result<serde_json::Value> {
        to_json(self)
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
        Ok(Box::new(minima::run(&settings, &BandSettings::default(), networks.runs, None, &|_| ())?))
    }
}
