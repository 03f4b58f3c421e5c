//! `connect` as an analysis: what it is of, what it costs, and what it reports.

use super::{ConnectResult, ConnectSettings, alike, discard, run};
use crate::analyses::analysis::{Analysis, Named, Needs, Networks, Record, Work};
use crate::analyses::run::at_most;
use crate::analyses::{Progress, Run, with_band};
use crate::base::section::Given;
use crate::base::{Error, Precision, Result, shown};
use crate::train::TrainSettings;
use serde_json::Value;
use std::path::Path;

impl Analysis for ConnectSettings {
    const NAME: &'static str = "connect";
    const ABOUT: &'static str =
        "Whether two minima are one valley: the line between them, and a curve trained to stay low";
    const SUMMARY: &'static str = "the line and a curve between two networks of each case";
    const EXAMPLES: &'static str = "Examples:
  losscape connect                                         two seeds of the default network, trained if need be
  losscape connect --from runs/a --to runs/b --curve bezier --out out/a-b
  losscape connect --from runs/a --to runs/b --curve chain:bends=3 --points 121
  losscape connect --from runs/a --to runs/b --curve linear          the straight line alone
  losscape connect --from runs/a --to runs/b --align weights --repair     B's hidden units permuted to match A's
  losscape connect --from runs/a --to runs/b --neb         an AutoNEB band beside the curve, and its saddle
  losscape connect --from runs/a --to runs/b --epochs 60 --lr 0.05 --plane 51
  losscape connect --from runs/a --to runs/b --crop 2      the curve on images varied at random, as the ends were trained
  losscape connect --from runs/cnn-0 --to runs/cnn-1 --samples 2000 --plane 0 --json

The bends of the curve start on the line; each mini-batch pulls them down at one random place of the curve (Garipov et al.
2018). A barrier is the most by which the training loss rises above the straight interpolation of the ends' losses.
Statistics of batch norm are recomputed at every place that is evaluated.

An unfinished curve is kept: the same command goes on after a stop, --fresh begins anew.

Writes connect.json (barriers, endpoints, ensembles), connect.npz (t, linear_train_loss, curve_train_loss, ...),
curve.safetensors (the control points), middle.safetensors (the network at t = 0.5, a run like any other), with --align aligned.safetensors (B permuted), with --neb
band.safetensors, and pictures: paths, plane, plane-error, training, permuted.";
    const SETTINGS: &'static str = include_str!("../../../analyses/settings/connect.toml");
    const QUICK: &'static [(&'static str, &'static str)] =
        &[("epochs", "1"), ("points", "5"), ("plane", "3")];
    type Record = ConnectResult;

    fn needs() -> Needs {
        Needs::Networks { within: 2..=2, usual: 2, named: Named::Ends }
    }

    fn take(given: &mut dyn Given) -> Result<Self> {
        let band = given.in_table("band")?.unwrap_or_default();
        let settings: Self = given.over(Self::default(), &[])?;
        Ok(Self { band, ..settings })
    }

    fn identity(&self) -> Result<Value> {
        with_band(self, &self.band)
    }

    fn validate(&self, _: usize, _: &TrainSettings) -> Result<()> {
        self.check()
    }

    fn suits(&self, _: Precision, samples: usize) -> Result<()> {
        self.samples.map_or(Ok(()), |n| at_most(samples, n, "--samples"))
    }

    fn admits(&self, runs: &[Run], _: &[TrainSettings]) -> Result<()> {
        alike(pair(runs)?)
    }

    fn reseeded(self, by: u64) -> Self {
        Self { seed: self.seed.wrapping_add(by), ..self }
    }

    fn forwards(&self, _: usize, (train, test): (f64, f64)) -> f64 {
        let curves = self.curve.bends() > 0;
        let used = self.samples.map_or(train, |n| n as f64);
        let aligned = usize::from(self.align.is_some());
        let paths = 1 + usize::from(curves) + aligned + usize::from(self.repair) + usize::from(self.neb);
        let plane = if curves { self.plane * self.plane } else { 0 };
        let epochs = if curves { self.training.epochs } else { 0 };
        let band = if self.neb { self.band.samples(used as usize) } else { 0.0 };
        3.0 * epochs as f64 * used + band + (paths * self.points + plane) as f64 * (train + test)
    }

    fn run(&self, of: Networks, work: &Work) -> Result<Option<ConnectResult>> {
        let ends = pair(of.runs)?;
        let [from, to] = ends.map(Run::named);
        let (title, parameters) = (ends[0].title(), ends[0].theta.len());
        let says = format!("from {from} to {to}: {title}, {parameters} parameters");
        (work.observe)(Progress::Says(says));
        run(self, ends, work.directory(), work.observe).map(Some)
    }

    fn discard(directory: &Path) -> Result<()> {
        discard(directory)
    }

    fn load(directory: &Path) -> Result<ConnectResult> {
        ConnectResult::load(directory)
    }
}

/// The two ends.
fn pair(runs: &[Run]) -> Result<[&Run; 2]> {
    match runs {
        [a, b] => Ok([a, b]),
        _ => Err(Error::expected("connect", "two networks", runs.len())),
    }
}

impl Record for ConnectResult {
    fn report(&self) -> String {
        summary(self)
    }

    fn unmet(&self) -> Option<Error> {
        let training = self.summary.get("training")?;
        (training["status"] == "diverged").then(|| {
            let reason = training["reason"].as_str().unwrap_or_default();
            Error::unmet("connect: the training of the curve diverged", reason)
        })
    }
}

fn summary(result: &ConnectResult) -> String {
    let number = |path: &[&str]| result.number(path);
    let samples = &result.summary()["samples"];
    let mut text = format!("{}\n", result.text("title"));
    for (i, name) in ["A", "B"].iter().enumerate() {
        let end = |key: &str| {
            let ends = result.summary().get("endpoints");
            ends.and_then(|e| e[i][key].as_f64()).unwrap_or(f64::NAN)
        };
        text += &format!(
            "  {name}         loss {}  error {}   test loss {}  error {}\n",
            shown::number(end("train_loss"), 4),
            shown::percent(end("train_error")),
            shown::tested(samples, end("test_loss"), 4),
            shown::percent(end("test_error")),
        );
    }
    let ways = [
        ("linear", "line"),
        ("aligned", "aligned"),
        ("repaired", "repaired"),
        ("curve", "curve"),
        ("band", "band"),
    ];
    for (way, name) in ways {
        if result.summary().get(way).is_none() {
            continue;
        }
        text += &format!(
            "  {name:9} barrier {}  error {}   test barrier {}  error {}   length {}\n",
            shown::number(number(&[way, "barrier"]), 4),
            shown::percent(number(&[way, "train_error_barrier"])),
            shown::tested(samples, number(&[way, "test_loss_barrier"]), 4),
            shown::percent(number(&[way, "test_error_barrier"])),
            shown::number(number(&[way, "length"]), 4),
        );
    }
    if let Some(alignment) = result.summary().get("alignment") {
        text += &format!(
            "  {} of {} units moved: distance {} before, {} after ({})\n",
            alignment["moved"],
            alignment["units"],
            shown::number(number(&["alignment", "distance_before"]), 4),
            shown::number(number(&["alignment", "distance"]), 4),
            alignment["status"].as_str().unwrap_or_default(),
        );
    }
    let saddle = number(&["relaxation", "saddle", "loss"]);
    if saddle.is_finite() {
        let reason = result.summary()["relaxation"]["reason"].as_str().unwrap_or_default();
        text += &format!("  saddle of the band: loss {} ({reason})\n", shown::number(saddle, 4));
    }
    let way = if result.summary().get("curve").is_some() { "curve" } else { "linear" };
    let ensemble = number(&[way, "ensemble", "test_error"]);
    if ensemble.is_finite() {
        text += &format!(
            "  ensemble  of the {}'s networks: test error {}, of the two ends {}\n",
            if way == "curve" { "curve" } else { "line" },
            shown::percent(ensemble),
            shown::percent(number(&[way, "ensemble_of_ends", "test_error"])),
        );
    }
    text
}
