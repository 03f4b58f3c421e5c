//! `slice` as an analysis: what it is of, what it costs, and what it reports.

use super::result::missing;
use super::{Repeat, SliceResult, SliceSettings, discard, logs, merge, part, run};
use crate::analyses::Share;
use crate::analyses::analysis::{Analysis, Named, Needs, Networks, Record, Work};
use crate::analyses::training::Prepared;
use crate::base::{Error, Precision, Result, files, shown};
use crate::landscape::Direction;
use crate::landscape::directions::Draw;
use crate::train::TrainSettings;
use std::path::{Path, PathBuf};

impl Analysis for SliceSettings {
    const NAME: &'static str = "slice";
    const ABOUT: &'static str = "Loss and accuracy over a plane through a trained network";
    const SUMMARY: &'static str = "the loss around each network";
    const EXAMPLES: &'static str = "Examples:
  losscape slice                                        train the default network if need be, and draw it
  losscape slice --run runs/a --x=-2:2:101 --y=-1:1:51 --out out/wide
  losscape slice --run runs/a --normalize layer --repeat 4 --x 25          four draws side by side
  losscape slice --run runs/a --run runs/b --labels plain,residual         two networks on one colour scale
  losscape slice --run runs/a --line --repeat 10                           ten lines, with their band
  losscape slice --run runs/a --line --repeat until=0.1 --most 100         draws until their median is known
  losscape slice --run runs/a --x 15 --repeat 20 --typical                 what twenty planes hide of the Hessian
  losscape slice --run runs/a --directions through:b=runs/b --line         from one minimum to another
  losscape slice --run runs/a --directions through:b=runs/b,c=runs/c       the plane of three
  losscape slice --run runs/a --directions trajectory                      the trajectory of each run (train --snapshots), in one plane
  losscape slice --run runs/a --directions eigenvectors --maps curvature,gradient-norm
  losscape slice --run runs/a --adaptive --samples 500                     fewer points, fewer samples
  losscape slice --run runs/a --z=-1:1:11                                  a volume, as array and for ParaView
  losscape slice --run runs/a --shard 0/3 --out out/big                    a third of the points; then losscape merge
  losscape slice --config slice                                            the same keys as the flags, [train] for the network

Finished points are kept as they come: the same command goes on after a stop, --fresh begins anew.

Writes slice.json (scalars and settings), slice.npz (x, y, train_loss, train_accuracy, test_loss,
test_accuracy and further maps; row j is y[j]; several views along a first axis), directions.safetensors, and pictures:
contour, surface, contour-test, accuracy and one a map; line, line-twin; volume; draws, of --repeat until.";
    const SETTINGS: &'static str = include_str!("../../../analyses/settings/slice.toml");
    const QUICK: &'static [(&'static str, &'static str)] =
        &[("x", "-1:1:5"), ("y", "-1:1:5"), ("repeat", "1")];
    const PARTS: bool = true;
    const TELLS: bool = true;
    type Record = SliceResult;

    fn needs() -> Needs {
        Needs::Networks { within: 1..=usize::MAX, usual: 1, named: Named::Run }
    }

    fn validate(&self, networks: usize, _: &TrainSettings) -> Result<()> {
        self.check(networks)
    }

    fn along(&self) -> bool {
        matches!(self.directions, Direction::Trajectory(_))
    }

    fn indivisible(&self) -> Option<&'static str> {
        match self.repeat {
            Repeat::Until(_) => Some("a whole slice, since --repeat until asks for draws as it goes"),
            Repeat::Times(_) => {
                self.adaptive.map(|_| "a whole grid, since --adaptive asks for points as it goes")
            }
        }
    }

    fn inputs(&self) -> Vec<PathBuf> {
        self.directions.inputs().into_iter().map(PathBuf::from).collect()
    }

    fn suits(&self, precision: Precision, samples: usize) -> Result<()> {
        self.check_for(precision, samples)
    }

    fn memory(&self, networks: usize, _: Option<&Prepared>) -> Option<(u64, String)> {
        let sides: Vec<String> = self.sides().iter().map(|s| s.n().to_string()).collect();
        Some((self.grid_bytes(networks) as u64, format!("{} points", sides.join(" x "))))
    }

    fn reseeded(self, by: u64) -> Self {
        Self { seed: self.seed.wrapping_add(by), ..self }
    }

    fn forwards(&self, networks: usize, (train, test): (f64, f64)) -> f64 {
        let cut = |all: f64, few: Option<usize>| few.map_or(all, |n| all.min(n as f64));
        let samples = cut(train, self.samples) + cut(test, self.test_samples);
        networks as f64 * self.points() * self.draws() as f64 * samples
    }

    fn run(&self, of: Networks, work: &Work) -> Result<Option<SliceResult>> {
        match work.share {
            Some(Share::Part(directory, shard)) => {
                part(self, of.runs, *shard, directory, work.observe).map(|()| None)
            }
            Some(Share::Joined(parts)) => merge(parts).map(Some),
            _ => run(self, of.runs, work.directory(), work.observe).map(Some),
        }
    }

    fn discard(directory: &Path) -> Result<()> {
        discard(directory)
    }

    fn joined(parts: &[PathBuf], out: &Path) -> Option<Result<SliceResult>> {
        Some(merge(parts).and_then(|result| match logs(out).first() {
            None => Ok(result),
            Some(log) => {
                let expected = "a directory without unfinished work (losscape slice --fresh discards it)";
                Err(Error::expected("--out", expected, files::named(log)))
            }
        }))
    }

    fn load(directory: &Path) -> Result<SliceResult> {
        SliceResult::load(directory)
    }
}

impl Record for SliceResult {
    fn report(&self) -> String {
        summary(self)
    }

    fn unmet(&self) -> Option<Error> {
        let few = super::draws::unmet(self);
        if !few.is_empty() {
            return Some(Error::unmet("--repeat until", format!("{} (raise --most)", few.join("; "))));
        }
        let missing = missing(&self.settings, &self.views);
        (missing > 0).then(|| {
            let all: usize = self.views.iter().map(|v| v.facts.points()).sum();
            let what = format!("expected numbers at every point, found none at {missing} of {all}");
            Error::unmet("--maps", format!("{what}: eigenvalues need more steps there, or more tolerance"))
        })
    }
}

fn summary(result: &SliceResult) -> String {
    let views = result.views().len();
    let text = if views == 1 { view_summary(result) } else { views_summary(result) };
    text + &typical(result)
}

/// Whether the draws are typical, a line a network; empty where nobody asked.
fn typical(result: &SliceResult) -> String {
    let all = result.summary().get("typical").and_then(serde_json::Value::as_array);
    let line = |of: &serde_json::Value| {
        let number = |key: &str, within: &str| of[key][within].as_f64().unwrap_or(f64::NAN);
        format!(
            "{}: {}\n  curvature along the directions {} ± {} in the mean, trace of the Hessian in their scale {}\n",
            of["label"].as_str().unwrap_or_default(),
            of["status"].as_str().unwrap_or_default(),
            shown::number(number("mean_curvature", "value"), 4),
            shown::number(number("mean_curvature", "stderr"), 2),
            shown::number(number("trace", "value"), 4),
        )
    };
    all.into_iter().flatten().map(line).collect()
}

/// What one view came to.
fn view_summary(result: &SliceResult) -> String {
    let facts = &result.views()[0].facts;
    let number = |path: &[&str]| result.scalar(path).unwrap_or(f64::NAN);
    let center = |key: &str| number(&["center", key]);
    let test = match facts.samples.test {
        0 => String::new(),
        _ => format!(
            "   test loss {}  accuracy {}",
            shown::number(center("test_loss"), 6),
            shown::percent(center("test_accuracy"))
        ),
    };
    let mut text = format!(
        "{}\n  center         train loss {}  accuracy {}{test}\n",
        facts.title,
        shown::number(center("train_loss"), 6),
        shown::percent(center("train_accuracy")),
    );
    let measured = facts.center.as_object().into_iter().flatten();
    for (key, value) in measured.filter(|(key, _)| !key.starts_with("train") && !key.starts_with("test")) {
        let value = shown::number(value.as_f64().unwrap_or(f64::NAN), 6);
        text += &format!("  {:14} {value} at the center\n", key.replace('_', " "));
    }
    let at: Vec<String> = ["x", "y", "z"]
        .iter()
        .filter_map(|key| result.scalar(&["train_loss", "min", key]))
        .map(|c| shown::number(c, 3))
        .collect();
    text += &match result.scalar(&["train_loss", "min", "value"]) {
        Some(value) => format!("  lowest         {} at ({})\n", shown::number(value, 6), at.join(", ")),
        None => "  lowest         no point of the grid is finite\n".to_owned(),
    };
    if result.settings().dimensions() == 2 {
        let bent = match result.scalar(&["non_convexity"]) {
            Some(share) => format!("{:.2} % of the decided cells curve downwards", 100.0 * share),
            None => "not decided (see non_convexity_status)".to_owned(),
        };
        text += &format!("  non-convexity  {bent}, {} undecided\n", number(&["non_convexity_undecided"]));
    }
    if result.settings().dimensions() > 1 {
        text += &format!("  directions     cosine {}\n", shown::number(number(&["cosine"]), 4));
    }
    if let Some(spared) = result.scalar(&["spared"]) {
        let share = 100.0 * spared / facts.points() as f64;
        let error = shown::number(number(&["interpolation_error", "train_loss"]), 4);
        text += &format!(
            "  adaptive       {spared} of {} points spared ({share:.0} %), error of the loss about {error} of its range\n",
            facts.points()
        );
    }
    if let Some(largest) = result.scalar(&["train_loss_stderr", "max", "value"]) {
        let center = result.scalar(&["train_loss_stderr", "min", "value"]).unwrap_or(f64::NAN);
        text += &format!("  standard error {} to {}\n", shown::number(center, 4), shown::number(largest, 4));
    }
    for (key, value) in &facts.directions {
        let numbers = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        let words = numbers.iter().map(|v| v.as_f64().map_or(v.to_string(), |x| shown::number(x, 4)));
        text += &format!("  {:14} {}\n", key.replace('_', " "), words.collect::<Vec<String>>().join(", "));
    }
    text
}

/// What several views came to, a line each.
fn views_summary(result: &SliceResult) -> String {
    let width = result.views().iter().map(|v| v.facts.label.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (i, view) in result.views().iter().enumerate() {
        let facts = &view.facts;
        let number = |path: &[&str]| result.view_scalar(i, path).unwrap_or(f64::NAN);
        text += &format!(
            "{:width$}  seed {}  center {}  lowest {}  highest {}",
            facts.label,
            facts.seed,
            shown::number(number(&["center", "train_loss"]), 6),
            shown::number(number(&["train_loss", "min", "value"]), 6),
            shown::number(number(&["train_loss", "max", "value"]), 3),
        );
        if result.settings().dimensions() == 2 {
            text += &format!("  non-convexity {:.4}", number(&["non_convexity"]));
        }
        text.push('\n');
    }
    let draws = result.summary().get("draws").and_then(serde_json::Value::as_array);
    for draws in draws.into_iter().flatten() {
        let words = |key: &str| draws[key].as_str().unwrap_or_default();
        text += &format!("{}: {} draws; {}\n", words("label"), draws["count"], words("status"));
    }
    text
}
