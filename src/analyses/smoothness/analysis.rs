//! `smoothness` as an analysis: what it is of, what it costs, and what it reports.

use super::{Most, Smoothness, SmoothnessResult, SmoothnessSettings, discard, run};
use crate::analyses::analysis::{Analysis, Networks, Record, Work};
use crate::base::section::Shorthand;
use crate::base::{Result, shown};
use crate::train::settings::{BATCH, LAYERS};
use crate::train::{Status, TrainSettings};
use std::path::Path;

impl Analysis for SmoothnessSettings {
    const NAME: &'static str = "smoothness";
    const ABOUT: &'static str =
        "How smooth the loss is along training, with one norm and another (Santurkar et al. 2018)";
    const SUMMARY: &'static str = "how the loss changes along its gradient";
    const EXAMPLES: &'static str = "Examples:
  losscape smoothness                                       12 layers of 64 units, without norm and with batch norm
  losscape smoothness --norm none --norm layer --norm weight --lr 0.01
  losscape smoothness --model cnn --norm none --norm batch --norm group --steps 100 --every 5

A variant whose training diverges is kept as far as it went, and says so in its status.
Writes smoothness.json (median and maximum of each measure), smoothness.npz (shape (variants, probes)), smoothness.png
and .svg.";
    const SETTINGS: &'static str = include_str!("../../../analyses/settings/smoothness.toml");
    const QUICK: &'static [(&'static str, &'static str)] =
        &[("steps", "4"), ("every", "2"), ("probe-samples", "2")];
    const SHORTHANDS: &'static [Shorthand] = LAYERS;
    type Record = SmoothnessResult;

    fn validate(&self, _: usize, _: &TrainSettings) -> Result<()> {
        self.check()
    }

    fn reseeded(self, by: u64) -> Self {
        Self { seed: self.seed.wrapping_add(by), ..self }
    }

    fn forwards(&self, _: usize, _: (f64, f64)) -> f64 {
        let steps = self.steps as f64 * self.batch_size.unwrap_or(BATCH) as f64;
        3.0 * (self.norm.len() * self.init.len()) as f64 * steps
    }

    fn run(&self, _: Networks, work: &Work) -> Result<Option<SmoothnessResult>> {
        run(self, work.directory(), work.observe).map(Some)
    }

    fn discard(directory: &Path) -> Result<()> {
        discard(directory)
    }

    fn load(directory: &Path) -> Result<SmoothnessResult> {
        SmoothnessResult::load(directory)
    }
}

impl Record for SmoothnessResult {
    fn report(&self) -> String {
        summary(self)
    }
}

fn summary(result: &SmoothnessResult) -> String {
    let Smoothness { title, variants, .. } = &result.numbers;
    let width = variants.iter().map(|v| v.label.chars().count()).max().unwrap_or(0);
    let mut text = format!("{title}\n  median and maximum over the probes\n");
    for variant in variants {
        let pair = |most: Most| {
            let [median, max] =
                [most.median, most.max].map(|x| x.map_or("-".to_owned(), |x| shown::number(x, 3)));
            format!("{median} {max}")
        };
        let status = if variant.status == Status::Diverged { "  diverged" } else { "" };
        text += &format!(
            "  {:width$}  loss range {}  gradient change {}  beta {}{status}\n",
            variant.label,
            pair(variant.loss_range),
            pair(variant.gradient_change),
            pair(variant.beta),
        );
    }
    text
}
