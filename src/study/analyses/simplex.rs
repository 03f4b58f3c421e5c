//! `simplex`: several networks of each case, joined by simplexes of low loss.

use super::{Analysis, Networks, Pass};
use crate::base::{Error, Result};
use crate::passes::simplex::MINIMA;
use crate::passes::{Saved, SimplexSettings, simplex, to_json};
use crate::study::overlay::overlay;
use serde::{Deserialize, Serialize};

pub const ANALYSIS: Analysis = Analysis {
    name: "simplex",
    summary: "several networks of each case, joined by simplexes of low loss",
    quick: &[("count", "2"), ("epochs", "1"), ("points", "4"), ("members", "2"), ("plane", "0")],
    take: |section, changes| {
        let all: Simplex = overlay(section, changes.iter(), &[])?;
        all.settings.check()?;
        match MINIMA.contains(&all.count) {
            true => Ok(Box::new(all)),
            false => {
                let expected = format!("{} to {}", MINIMA.start(), MINIMA.end());
                Err(Error::expected("simplex: count", expected, all.count))
            }
        }
    },
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Simplex {
    /// Networks of each case and seed
    #[arg(long, default_value_t = Simplex::default().count)]
    count: usize,
    #[command(flatten)]
    #[serde(flatten)]
    settings: SimplexSettings,
}

impl Default for Simplex {
    fn default() -> Self {
        // As many as the command of the same name trains.
        Self { count: 3, settings: SimplexSettings::default() }
    }
}

impl Pass for Simplex {
    fn settings(&self) -> Result<serde_json::Value> {
        to_json(self)
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
