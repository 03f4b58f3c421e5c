//! `connect`: the line and a curve between two networks of each case.

use super::{Analysis, Networks, Pass};
use crate::base::{Error, Result};
use crate::passes::{ConnectSettings, Saved, connect, to_json};
use crate::study::overlay::overlay;
use crate::train::BandSettings;

pub const ANALYSIS: Analysis = Analysis {
    name: "connect",
    summary: "the line and a curve between two networks of each case",
    quick: &[("epochs", "1"), ("points", "5"), ("plane", "3")],
    take: |section, changes| {
        let settings: ConnectSettings = overlay(section, changes.iter(), &[])?;
        settings.check()?;
        Ok(Box::new(Connect(settings)))
    },
};

struct Connect(ConnectSettings);

impl Pass for Connect {
    fn settings(&self) -> Result<serde_json::Value> {
        to_json(&self.0)
    }

    fn networks(&self) -> usize {
        2
    }

    fn forwards(&self, (train, test): (f64, f64)) -> f64 {
        let train = self.0.samples.map_or(train, |n| n as f64);
        let curves = self.0.curve.bends() > 0;
        let paths =
            1 + usize::from(curves) + usize::from(self.0.align.is_some()) + usize::from(self.0.repair);
        let plane = if curves { self.0.plane * self.0.plane } else { 0 };
        let epochs = if curves { self.0.training.epochs } else { 0 };
        3.0 * epochs as f64 * train + (paths * self.0.points + plane) as f64 * (train + test)
    }

    fn run(&self, seed: u64, networks: Networks) -> Result<Box<dyn Saved>> {
        let [a, b] = networks.runs else {
            return Err(Error::expected("connect", "two networks", networks.runs.len()));
        };
        let settings = ConnectSettings { seed: self.0.seed.wrapping_add(seed), ..self.0.clone() };
        Ok(Box::new(connect::run(&settings, &BandSettings::default(), [a, b], None, &|_| ())?))
    }
}
