//! `propagate` as an analysis: what it is of, what it costs, and what it reports.

use super::{PropagateResult, PropagateSettings, Propagation, SAMPLES, Variant, run};
use crate::analyses::analysis::{Analysis, Networks, Record, Work};
use crate::base::section::Shorthand;
use crate::base::{Result, shown};
use crate::train::TrainSettings;
use crate::train::settings::LAYERS;
use std::path::Path;

impl Analysis for PropagateSettings {
    const NAME: &'static str = "propagate";
    const ABOUT: &'static str =
        "Second moments, gradients, dead units and Jacobians by depth, for a set of initializers and norms";
    const SUMMARY: &'static str = "signals and gradients by depth";
    const EXAMPLES: &'static str = "Examples:
  losscape propagate                                     30 layers of 128 ReLU units, six initializers
  losscape propagate --activation tanh --init glorot-normal --init he-normal --init orthogonal
  losscape propagate --model resnet:depth=20 --norm none --norm batch --samples 64 --init he-normal
  losscape propagate --hidden 64,64,64,64 --norm none --norm layer --norm batch --out out/norms

Writes propagate.json (slopes of log2 of the second moments by layer, the range of deviations), propagate.npz (each measure, shape
(variants, seeds, layers)), and pictures: propagate, jacobian.";
    const SETTINGS: &'static str = include_str!("../../../analyses/settings/propagate.toml");
    const QUICK: &'static [(&'static str, &'static str)] =
        &[("samples", "2"), ("seeds", "1"), ("jacobian-samples", "1")];
    const SHORTHANDS: &'static [Shorthand] = LAYERS;
    const PARTS: bool = true;
    type Record = PropagateResult;

    fn validate(&self, _: usize, _: &TrainSettings) -> Result<()> {
        self.check()
    }

    fn reseeded(self, by: u64) -> Self {
        Self { seed: self.seed.wrapping_add(by), ..self }
    }

    fn forwards(&self, _: usize, _: (f64, f64)) -> f64 {
        let variants = self.init.len() * self.norm.len().max(1);
        3.0 * (self.samples.unwrap_or(SAMPLES) * self.seeds * variants) as f64
    }

    fn run(&self, _: Networks, work: &Work) -> Result<Option<PropagateResult>> {
        run(self, work.share, work.observe)
    }

    fn load(directory: &Path) -> Result<PropagateResult> {
        PropagateResult::load(directory)
    }
}

impl Record for PropagateResult {
    fn report(&self) -> String {
        summary(self)
    }
}

fn summary(result: &PropagateResult) -> String {
    let number = |x: f64| if x.is_finite() { format!("{x:+.3}") } else { "-".to_owned() };
    let size = |x: f64| if x.is_finite() { shown::number(x, 3) } else { "-".to_owned() };
    let Propagation { title, variants, .. } = &result.numbers;
    let width = variants.iter().map(|v| v.label.chars().count()).max().unwrap_or(0);
    let mut text = format!(
        "{title}\n  slope of log2 of the second moment, per layer; standard deviation of preactivations, least to largest\n"
    );
    for Variant { label, forward_slope, backward_slope, deviation, .. } in variants {
        text += &format!(
            "  {label:width$}  forward {}  backward {}  deviation {} to {}\n",
            number(*forward_slope),
            number(*backward_slope),
            size(deviation.min),
            size(deviation.max)
        );
    }
    text
}
