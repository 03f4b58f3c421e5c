//! `scaling`: how fast several workers train each network together.

use super::{Analysis, Networks, Pass};
use crate::base::{Error, Result};
use crate::passes::{Saved, ScalingSettings, scaling, to_json};
use crate::study::overlay::overlay;

pub const ANALYSIS: Analysis = Analysis {
    name: "scaling",
    summary: "how much faster several workers make the steps of training, and whether they are the same",
    quick: &[("repeat", "1")],
    take: |section, changes| {
        let settings: ScalingSettings = overlay(section, changes.iter(), &[])?;
        settings.check()?;
        Ok(Box::new(Scaling(settings)))
    },
};

struct Scaling(ScalingSettings);

impl Pass for Scaling {
    fn settings(&self) -> Result<serde_json::Value> {
        to_json(&self.0)
    }

    fn networks(&self) -> usize {
        1
    }

    fn alone(&self) -> bool {
        true
    }

    fn looks_at_end(&self) -> bool {
        false
    }

    fn forwards(&self, (train, test): (f64, f64)) -> f64 {
        (2 * self.0.repeat * self.0.epochs) as f64 * (4.0 * train + test)
    }

    fn run(&self, _: u64, networks: Networks) -> Result<Box<dyn Saved>> {
        match networks.training {
            [base, ..] => Ok(Box::new(scaling::run(&self.0, base)?)),
            [] => Err(Error::expected("scaling", "a network", "none")),
        }
    }
}
