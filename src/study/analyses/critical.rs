//! `critical`: critical points of small networks.

use super::{Analysis, Networks, Pass};
use crate::base::Result;
use crate::passes::pieces::whole;
use crate::passes::{CriticalSettings, Saved, critical, to_json};
use crate::study::overlay::overlay;
use crate::train::settings::LAYERS;

pub const ANALYSIS: Analysis = Analysis {
    name: "critical",
    summary: "critical points of small networks",
    quick: &[
        ("initial", "1"),
        ("training", "1"),
        ("minimum", "1"),
        ("saddle", "0"),
        ("runs", "1"),
        ("epochs", "1"),
        ("steps", "3"),
    ],
    take: |section, changes| {
        let settings: CriticalSettings = overlay(section, changes.iter(), LAYERS)?;
        settings.check()?;
        Ok(Box::new(Critical(settings)))
    },
};

struct Critical(CriticalSettings);

impl Pass for Critical {
    fn settings(&self) -> Result<serde_json::Value> {
        to_json(&self.0)
    }

    fn forwards(&self, _: (f64, f64)) -> f64 {
        3000.0 * (self.0.initial + self.0.training + self.0.minimum + self.0.saddle) as f64
    }

    fn run(&self, seed: u64, _: Networks) -> Result<Box<dyn Saved>> {
        let settings = CriticalSettings { seed: self.0.seed.wrapping_add(seed), ..self.0.clone() };
        Ok(Box::new(whole(critical::run(&settings, None, &|_| ()))?))
    }
}
