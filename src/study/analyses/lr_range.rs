//! `lr-range`: the range of rates at which each network trains.

use super::{Analysis, Networks, Pass};
use crate::base::{Error, Result};
use crate::passes::{LrRangeSettings, Saved, lr_range, to_json};
use crate::study::overlay::overlay;
use crate::train::TrainSettings;

pub const ANALYSIS: Analysis = Analysis {
    name: "lr-range",
    summary: "the range of rates at which each network trains, and one that is suggested",
    quick: &[("steps", "10")],
    take: |section, changes| {
        let settings: LrRangeSettings = overlay(section, changes.iter(), &[])?;
        settings.check(&TrainSettings::default())?;
        Ok(Box::new(LrRange(settings)))
    },
};

struct LrRange(LrRangeSettings);

impl Pass for LrRange {
    fn settings(&self) -> Result<serde_json::Value> {
        to_json(&self.0)
    }

    fn networks(&self) -> usize {
        1
    }

    fn looks_at_end(&self) -> bool {
        false
    }

    fn forwards(&self, (train, _): (f64, f64)) -> f64 {
        let steps =
            if self.0.steps == 0 { train } else { (self.0.steps * crate::train::settings::BATCH) as f64 };
        3.0 * steps
    }

    fn run(&self, _: u64, networks: Networks) -> Result<Box<dyn Saved>> {
        let [base, ..] = networks.training else {
            return Err(Error::expected("lr-range", "a network", "none"));
        };
        // The test sets rates and steps itself.
        let plain = TrainSettings::default();
        let settings = TrainSettings {
            lr: None,
            schedule: plain.schedule,
            warmup: plain.warmup,
            epochs: plain.epochs,
            target_loss: None,
            target_gradient: None,
            best: plain.best,
            ema: None,
            swa: None,
            snapshots: None,
            probe: None,
            probe_samples: None,
            ..base.clone()
        };
        Ok(Box::new(lr_range::run(&self.0, &settings, None, &mut |_, _| ())?))
    }
}
