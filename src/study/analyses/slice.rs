//! `slice`: the loss around each network.

use super::{Analysis, Networks, Pass};
use crate::base::Result;
use crate::passes::{Saved, SliceSettings, slice, to_json};
use crate::study::overlay::overlay;

pub const ANALYSIS: Analysis = Analysis {
    name: "slice",
    summary: "the loss around each network",
    quick: &[("x", "-1:1:5"), ("y", "-1:1:5"), ("repeat", "1")],
    take: |section, changes| {
        let settings: SliceSettings = overlay(section, changes.iter(), &[])?;
        settings.check(1)?;
        Ok(Box::new(Slice(settings)))
    },
};

struct Slice(SliceSettings);

impl Pass for Slice {
    fn settings(&self) -> Result<serde_json::Value> {
        to_json(&self.0)
    }

    fn networks(&self) -> usize {
        1
    }

    fn forwards(&self, (train, test): (f64, f64)) -> f64 {
        let cut = |all: f64, few: Option<usize>| few.map_or(all, |n| all.min(n as f64));
        let samples = cut(train, self.0.samples) + cut(test, self.0.test_samples);
        self.0.points() * self.0.repeat as f64 * samples
    }

    fn run(&self, seed: u64, networks: Networks) -> Result<Box<dyn Saved>> {
        let settings = SliceSettings { seed: self.0.seed.wrapping_add(seed), ..self.0.clone() };
        Ok(Box::new(slice::run(&settings, networks.runs, None, &|_| ())?))
    }
}
