//! `travel`: how far training went, to its end or to an early step, and how much outputs and tangent kernel changed.

use super::{Analysis, Networks, Pass};
use crate::base::{Error, Result};
use crate::passes::{Run, Saved, TravelSettings, to_json, travel};
use crate::study::overlay::overlay;

pub const ANALYSIS: Analysis = Analysis {
    name: "travel",
    summary: "how far training went, and how much the outputs changed and the tangent kernel turned",
    quick: &[("kernel-samples", "4")],
    take: |section, changes| {
        let settings: TravelSettings = overlay(section, changes.iter(), &[])?;
        settings.check()?;
        Ok(Box::new(Travel(settings)))
    },
};

struct Travel(TravelSettings);

impl Pass for Travel {
    fn settings(&self) -> Result<serde_json::Value> {
        to_json(&self.0)
    }

    fn networks(&self) -> usize {
        1
    }

    fn forwards(&self, (train, test): (f64, f64)) -> f64 {
        // Ten outputs; products of all pairs of gradients cost as much again.
        let kernel = 120.0 * self.0.kernel_samples as f64;
        let steps = self.0.step.map_or(0.0, |steps| 2.0 * (train + test) + 3.0 * 128.0 * steps as f64);
        kernel + 2.0 * (train + test) + 2.0 * train + steps
    }

    fn looks_at_end(&self) -> bool {
        self.0.step.is_none()
    }

    fn run(&self, _: u64, networks: Networks) -> Result<Box<dyn Saved>> {
        let ([end, ..], [settings, ..]) = (networks.runs, networks.training) else {
            return Err(Error::expected("travel", "a network", "none"));
        };
        let start = Run::after(0, settings)?;
        Ok(Box::new(match self.0.step {
            None => travel::run(&self.0, &start, end)?,
            Some(step) => travel::run(&self.0, &start, &Run::after(step, settings)?)?,
        }))
    }
}
