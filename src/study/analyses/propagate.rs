//! `propagate`: signals and gradients by depth.

use super::{Analysis, Networks, Pass};
use crate::base::Result;
use crate::passes::{PropagateSettings, Saved, propagate, to_json};
use crate::study::overlay::overlay;
use crate::train::settings::LAYERS;

pub const ANALYSIS: Analysis = Analysis {
    name: "propagate",
    summary: "signals and gradients by depth",
    quick: &[("samples", "2"), ("seeds", "1"), ("jacobian-samples", "1")],
    take: |section, changes| {
        let settings: PropagateSettings = overlay(section, changes.iter(), LAYERS)?;
        settings.check()?;
        Ok(Box::new(Propagate(settings)))
    },
};

struct Propagate(PropagateSettings);

impl Pass for Propagate {
    fn settings(&self) -> Result<serde_json::Value> {
        to_json(&self.0)
    }

    fn forwards(&self, _: (f64, f64)) -> f64 {
        3.0 * (self.0.samples.unwrap_or(propagate::SAMPLES)
            * self.0.seeds
            * self.0.init.len()
            * self.0.norm.len().max(1)) as f64
    }

    fn run(&self, seed: u64, _: Networks) -> Result<Box<dyn Saved>> {
        let settings = PropagateSettings { seed: self.0.seed.wrapping_add(seed), ..self.0.clone() };
        Ok(Box::new(propagate::run(&settings, None, &mut |_, _| ())?))
    }
}
