//! `smoothness`: how the loss changes along its gradient, with and without norms.

use super::{Analysis, Networks, Pass};
use crate::base::Result;
use crate::passes::{Saved, SmoothnessSettings, smoothness, to_json};
use crate::study::overlay::overlay;
use crate::train::settings::{BATCH, LAYERS};

pub const ANALYSIS: Analysis = Analysis {
    name: "smoothness",
    summary: "how the loss changes along its gradient",
    quick: &[("steps", "4"), ("every", "2"), ("probe-samples", "2")],
    take: |section, changes| {
        let settings: SmoothnessSettings = overlay(section, changes.iter(), LAYERS)?;
        settings.check()?;
        Ok(Box::new(Smoothness(settings)))
    },
};

struct Smoothness(SmoothnessSettings);

impl Pass for Smoothness {
    fn settings(&self) -> Result<serde_json::Value> {
        to_json(&self.0)
    }

    fn forwards(&self, _: (f64, f64)) -> f64 {
        (self.0.norm.len() * self.0.init.len()) as f64
            * 3.0
            * (self.0.steps as f64 * self.0.batch_size.unwrap_or(BATCH) as f64)
    }

    fn run(&self, seed: u64, _: Networks) -> Result<Box<dyn Saved>> {
        let settings = SmoothnessSettings { seed: self.0.seed.wrapping_add(seed), ..self.0.clone() };
        Ok(Box::new(smoothness::run(&settings, None, &mut |_, _| ())?))
    }
}
