//! `sharpness`: eigenvalues, traces and measures of each network.

use super::{Analysis, Networks, Pass};
use crate::base::Result;
use crate::passes::{Saved, SharpnessSettings, sharpness, to_json};
use crate::study::overlay::overlay;

pub const ANALYSIS: Analysis = Analysis {
    name: "sharpness",
    summary: "eigenvalues, traces and measures of each network",
    quick: &[
        ("probes", "2"),
        ("steps", "20"),
        ("top", "1"),
        ("density-steps", "10"),
        ("density-probes", "1"),
    ],
    take: |section, changes| {
        let settings: SharpnessSettings = overlay(section, changes.iter(), &[])?;
        settings.check(1)?;
        Ok(Box::new(Sharpness(settings)))
    },
};

struct Sharpness(SharpnessSettings);

impl Pass for Sharpness {
    fn settings(&self) -> Result<serde_json::Value> {
        to_json(&self.0)
    }

    fn networks(&self) -> usize {
        1
    }

    fn forwards(&self, (train, _): (f64, f64)) -> f64 {
        // A hundred products and the measures; a product costs two gradients.
        self.0.samples.map_or(train, |n| n as f64) * if self.0.quick { 300.0 } else { 1200.0 }
    }

    fn run(&self, seed: u64, networks: Networks) -> Result<Box<dyn Saved>> {
        let settings = SharpnessSettings { seed: self.0.seed.wrapping_add(seed), ..self.0.clone() };
        Ok(Box::new(sharpness::run(&settings, networks.runs, None, &|_| ())?))
    }
}
