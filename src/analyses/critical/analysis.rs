//! `critical` as an analysis: what it is of, what it costs, and what it reports.

use super::{CriticalResult, CriticalSettings, run};
use crate::analyses::analysis::{Analysis, Networks, Record, Work};
use crate::base::section::Shorthand;
use crate::base::{Error, Result, shown};
use crate::train::TrainSettings;
use crate::train::settings::LAYERS;
use serde_json::Value;
use std::path::Path;

impl Analysis for CriticalSettings {
    const NAME: &'static str = "critical";
    const ABOUT: &'static str =
        "Critical points of a small network's loss: index against loss (Dauphin et al. 2014)";
    const SUMMARY: &'static str = "critical points of small networks";
    const EXAMPLES: &'static str = "Examples:
  losscape critical                                       3 tanh units on 500 samples of a teacher network
  losscape critical --hidden 3,3 --samples 300 --initial 100
  losscape critical --data digits --hidden 2 --samples 1000          more parameters, fewer points; minutes
  losscape critical --data spirals --hidden 6 --loss cross-entropy --out out/spirals
  losscape critical --data identity:size=8,columns=8,rank=8,observed=1 --model matrix-factorization --samples 0
                                                          whose critical points are known in closed form

All in double precision. From every start the squared gradient norm is descended by damped Newton steps with the exact
Hessian; what ends where the gradient is in the Hessian's kernel without being zero (flat), or vanishes without a
zero nearby (receding), is no critical point: it stays in the arrays, faint in the picture. Finished starts are kept as
they come: the same command goes on after a stop, --fresh begins anew.

Writes critical.json (counts, ranges of loss and lambda_min, rank correlation, the distinct points), critical.npz (a row a start: loss, gradient_norm,
index, negative, zero, lambda_min, lambda_max, threshold, ..., eigenvalues, theta), critical.png and .svg.";
    const SETTINGS: &'static str = include_str!("../../../analyses/settings/critical.toml");
    const QUICK: &'static [(&'static str, &'static str)] = &[
        ("initial", "1"),
        ("training", "1"),
        ("minimum", "1"),
        ("saddle", "0"),
        ("runs", "1"),
        ("epochs", "1"),
        ("steps", "3"),
    ];
    const SHORTHANDS: &'static [Shorthand] = LAYERS;
    const PARTS: bool = true;
    type Record = CriticalResult;

    fn validate(&self, _: usize, _: &TrainSettings) -> Result<()> {
        self.check()
    }

    fn reseeded(self, by: u64) -> Self {
        Self { seed: self.seed.wrapping_add(by), ..self }
    }

    fn forwards(&self, _: usize, _: (f64, f64)) -> f64 {
        3000.0 * self.starts() as f64
    }

    fn run(&self, _: Networks, work: &Work) -> Result<Option<CriticalResult>> {
        run(self, work.share, work.observe)
    }

    fn load(directory: &Path) -> Result<CriticalResult> {
        CriticalResult::load(directory)
    }
}

impl Record for CriticalResult {
    fn report(&self) -> String {
        summary(self)
    }

    fn unmet(&self) -> Option<Error> {
        let none = self.summary["kept"].as_u64() == Some(0);
        let starts = &self.summary["starts"];
        none.then(|| Error::unmet("critical", format!("none of {starts} descents ended at a critical point")))
    }
}

fn summary(result: &CriticalResult) -> String {
    let all = result.summary();
    let number = |x: &Value, digits| x.as_f64().map_or("-".to_owned(), |x| shown::number(x, digits));
    let range = |of: &Value| format!("{} to {}", number(&of["min"], 4), number(&of["max"], 4));
    let ended = |counts: &Value| {
        let counts: Vec<String> = counts
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, n)| *name != "critical" && n.as_u64() != Some(0))
            .map(|(name, n)| format!("{n} {name}"))
            .collect();
        if counts.is_empty() { String::new() } else { format!("  (else {})", counts.join(", ")) }
    };
    let mut text = format!(
        "{}\n  {} of {} descents ended at a critical point, {} of them distinct: {} minima, {} saddles{}\n",
        result.title(),
        all["kept"],
        all["starts"],
        all["distinct"],
        all["distinct_minima"],
        all["distinct_saddles"],
        ended(&all["ended"]),
    );
    for (kind, entry) in all["by_kind"].as_object().into_iter().flatten() {
        if entry["starts"].as_u64() == Some(0) {
            continue;
        }
        text += &format!(
            "  {kind:9} {} of {}, {} distinct  loss {}  index {}{}\n",
            entry["kept"],
            entry["starts"],
            entry["distinct"],
            range(&entry["loss"]),
            range(&entry["index"]),
            ended(&entry["ended"]),
        );
    }
    text += &format!(
        "  minima: loss {}; saddles: loss {}, lambda_min {}\n",
        range(&all["minima"]["loss"]),
        range(&all["saddles"]["loss"]),
        range(&all["saddles"]["lambda_min"]),
    );
    let rho = &all["rank_correlation"];
    let interval = match rho["interval"].as_array().map(Vec::as_slice) {
        Some([low, high]) => format!("  (95 %: {} to {})", number(low, 3), number(high, 3)),
        _ => String::new(),
    };
    text += &format!(
        "  rank correlation of index and loss {}{interval}, over {} distinct points\n",
        number(&rho["value"], 3),
        rho["points"],
    );
    text
}
