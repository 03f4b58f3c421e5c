//! `sharpness` as an analysis: what it is of, what it costs, and what it reports.

use super::{Cell, Line, SharpnessResult, SharpnessSettings, discard, run};
use crate::analyses::analysis::{Analysis, Named, Needs, Networks, Record, Work};
use crate::analyses::run::at_most;
use crate::base::{Error, Precision, Result, shown};
use crate::train::TrainSettings;
use serde_json::Value;
use std::path::Path;

/// Outputs of a network that is not known yet.
const OUTPUTS: usize = 10;

impl Analysis for SharpnessSettings {
    const NAME: &'static str = "sharpness";
    const ABOUT: &'static str =
        "How sharp a minimum is: certified eigenvalues, trace, density, and the measures beyond";
    const SUMMARY: &'static str = "eigenvalues, traces and measures of each network";
    const EXAMPLES: &'static str = "Examples:
  losscape sharpness                                       the default network, trained if need be
  losscape sharpness --run runs/a --quick                  the outermost eigenvalues and the trace, in ten seconds
  losscape sharpness --run runs/a --full --out out/all     everything
  losscape sharpness --run runs/a --run runs/b             two networks in one table and picture
  losscape sharpness --run runs/a --block layer            each layer's block of the Hessian
  losscape sharpness --run runs/a --block layer --shard 0/8          a part of the pieces: blocks, probes of densities, measures
  losscape sharpness --run runs/a --operator gauss-newton --top 20 --vectors
  losscape sharpness --run runs/a --layer 0,2 --role weight          a part of the parameters
  losscape sharpness --run runs/a --compute measures --measures sam:rho=0.1,worst-case
  losscape sharpness --run runs/a --compute learning-coefficient     by four chains, with R-hat and an interval
  losscape sharpness --run runs/cnn --stats batch --stat-batch 128 --samples 1000
  losscape sharpness --run runs/a --precision f64 --tolerance 1e-8 --json

Eigenvalues are certified: converged, and after so many Lanczos steps from a random start that but for a probability of
--delta none is passed over by more than --epsilon of the spread (van Dorsselaer et al. 2000). One that did not converge ends
with exit code 3, and so do chains of a learning coefficient that do not agree.

Operators of up to --exact parameters are written out: their eigenvalues, trace, norms and density are exact.
An error behind ± is a standard error; the table says over what.

Finished parts and products are kept: the same command goes on after a stop, also with another --top, --epsilon or
--tolerance; --fresh begins anew. The progress line shows the eigenvalues as they are known by then.

Raw numbers change when a layer is multiplied and the next divided by the same factor, which leaves the function alone;
rescaling-invariant ones stand beside them.

Writes sharpness.json (every number), sharpness.npz (eigenvalues, density_x, density_y, ...), and pictures: density,
learning-coefficient, and comparison of several networks.";
    const SETTINGS: &'static str = include_str!("../../../analyses/settings/sharpness.toml");
    const QUICK: &'static [(&'static str, &'static str)] = &[
        ("probes", "2"),
        ("steps", "20"),
        ("top", "1"),
        ("density-steps", "10"),
        ("density-probes", "1"),
        ("sampler", "mala:chains=2,burn-in=5,draws=20"),
    ];
    const PARTS: bool = true;
    type Record = SharpnessResult;

    fn needs() -> Needs {
        Needs::Networks { within: 1..=usize::MAX, usual: 1, named: Named::Run }
    }

    fn validate(&self, networks: usize, _: &TrainSettings) -> Result<()> {
        self.check(networks)
    }

    fn suits(&self, _: Precision, samples: usize) -> Result<()> {
        self.samples.map_or(Ok(()), |n| at_most(samples, n, "--samples"))
    }

    fn reseeded(self, by: u64) -> Self {
        Self { seed: self.seed.wrapping_add(by), ..self }
    }

    fn forwards(&self, networks: usize, (train, _): (f64, f64)) -> f64 {
        let used = self.samples.map_or(train, |n| n as f64);
        networks as f64 * used * super::plan::forwards(&self.resolved(OUTPUTS, used as usize))
    }

    fn run(&self, of: Networks, work: &Work) -> Result<Option<SharpnessResult>> {
        let mut found = run(self, of.runs, work.share, work.observe)?;
        if self.allow_unconverged {
            found.iter_mut().for_each(|found| found.unmet.clear());
        }
        Ok(found)
    }

    fn discard(directory: &Path) -> Result<()> {
        discard(directory)
    }

    fn load(directory: &Path) -> Result<SharpnessResult> {
        SharpnessResult::load(directory)
    }
}

impl Record for SharpnessResult {
    fn report(&self) -> String {
        summary(self)
    }

    fn unmet(&self) -> Option<Error> {
        (!self.unmet.is_empty()).then(|| {
            let chains = self.unmet.iter().filter(|what| what.contains(super::coefficient::UNMET)).count();
            let raise = match (chains, self.unmet.len() - chains) {
                (0, _) => "raise --steps or --tolerance",
                (_, 0) => "raise burn-in, draws or gamma of --sampler",
                _ => "raise --steps or --tolerance, and burn-in, draws or gamma of --sampler",
            };
            let hint = format!("{raise}, or take what there is with --allow-unconverged");
            Error::unmet("sharpness", format!("{} ({hint})", self.unmet.join("; ")))
        })
    }

    fn warnings(&self) -> Vec<String> {
        let all = self.summary.get("warnings").and_then(Value::as_array);
        all.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }
}

fn summary(result: &SharpnessResult) -> String {
    if result.networks() == 1 { one(result) } else { several(result) }
}

/// A number with so many significant digits; very small and very large ones with a power of ten.
pub(super) fn significant(x: f64, digits: usize) -> String {
    match x.abs() {
        0.0 => "0".to_owned(),
        a if (1e-3..1e5).contains(&a) => {
            let after = digits as i32 - 1 - a.log10().floor() as i32;
            format!("{x:.*}", after.max(0) as usize)
        }
        _ => shown::number(x, digits - 1),
    }
}

fn written(cell: Option<&Cell>) -> String {
    match cell {
        None => String::new(),
        Some(cell) if cell.value.is_nan() => "none".to_owned(),
        Some(cell) => match cell.error {
            Some(error) => format!("{} \u{b1} {}", significant(cell.value, 4), significant(error, 2)),
            None => significant(cell.value, 4),
        },
    }
}

fn one(result: &SharpnessResult) -> String {
    let number = |path: &[&str]| result.number(0, path);
    let mut text = format!(
        "{}\n  {} of the mean loss over {} samples, {} of {} parameters\n  training loss {}  accuracy {}\n",
        result.text(0, &["title"]),
        result.text(0, &["matrix"]),
        result.at(0, &["samples", "train"]),
        result.at(0, &["dimension"]),
        result.at(0, &["parameters"]),
        shown::number(number(&["center", "train_loss"]), 6),
        shown::percent(number(&["center", "train_accuracy"])),
    );
    let mut rows = vec![vec![String::new(), "raw".to_owned(), "rescaling-invariant".to_owned()]];
    let mut notes = Vec::new();
    for line in result.lines(0) {
        rows.push(vec![line.label.clone(), written(line.raw.as_ref()), written(line.invariant.as_ref())]);
        let status = [&line.raw, &line.invariant].into_iter().flatten().find_map(|c| c.status.as_ref());
        notes.extend(status.map(|s| format!("  {}: {s}\n", line.label)));
    }
    notes.extend(errors(result, 0));
    text += &shown::table(&rows);
    text += &notes.concat();
    for (key, name) in [("lambda_max", "largest"), ("lambda_min", "smallest")] {
        let found = result.at(0, &[key]);
        if found.is_null() {
            continue;
        }
        let sure = match (found["certified"] == true, found["converged"] == true) {
            _ if found["exact"] == true => "exact, of the dense matrix",
            (true, _) => "certified",
            (_, true) => "converged, not certified",
            _ => "NOT converged",
        };
        let bound = number(&[key, "bound"]);
        let beyond = if key == "lambda_max" { "above" } else { "below" };
        let bound = if bound.is_finite() && found["exact"] != true {
            format!(", none {beyond} {}", significant(bound, 4))
        } else {
            String::new()
        };
        text += &format!(
            "  {name} eigenvalue: {sure}{bound}, residual {}, {} products ({})\n",
            significant(number(&[key, "residual"]), 3),
            found["products"],
            result.text(0, &[key, "stop"]).replace('-', " "),
        );
    }
    for left in result.at(0, &["left_out"]).as_array().into_iter().flatten().filter_map(|l| l.as_str()) {
        text += &format!("  left out: {left}\n");
    }
    text += &format!("  all of it is of {}\n", result.text(0, &["certificates_of"]));
    let draws = |what: &str| {
        let [mean, deviation] = ["mean", "standard_deviation"].map(|key| number(&["draws", what, key]));
        format!("{} with a standard deviation of {}", significant(mean, 4), significant(deviation, 2))
    };
    if !result.at(0, &["draws"]).is_null() {
        text += &format!(
            "  over {} other draws the largest eigenvalue is {}, the trace {}\n",
            result.at(0, &["draws", "sets"]),
            draws("lambda_max"),
            draws("trace")
        );
    }
    let share = number(&["outliers", "share_of_trace"]);
    if share.is_finite() {
        let count = result.at(0, &["outliers", "count"]);
        let error = number(&["outliers", "share_of_trace_stderr"]);
        text += &match (share <= 1.0, error > 0.0) {
            (true, false) => {
                format!("  the {count} largest eigenvalues are {} of the trace\n", shown::percent(share))
            }
            (true, true) => format!(
                "  the {count} largest eigenvalues are {} \u{b1} {} of the trace\n",
                shown::percent(share),
                shown::percent(error)
            ),
            // A share is one of a whole: here negative eigenvalues, or the error of the trace, take from that.
            (false, _) => format!(
                "  the {count} largest eigenvalues add up to {}, more than the trace{}\n",
                significant(number(&["outliers", "sum"]), 4),
                if error > 0.0 { " as it is estimated" } else { ", from which negative ones take" }
            ),
        };
    }
    let overlap = number(&["gradient", "overlap"]);
    if overlap.is_finite() {
        text += &format!(
            "  {} of the gradient (norm {}) lies along them; of a random direction {}\n",
            shown::percent(overlap),
            shown::number(number(&["gradient", "norm"]), 4),
            shown::percent(number(&["gradient", "overlap_expected"])),
        );
    }
    text += &blocks(result, 0);
    let power = number(&["power", "value"]);
    if power.is_finite() {
        text += &format!(
            "  power iteration: {} after {} products ({}), {} away from Lanczos\n",
            significant(power, 4),
            result.at(0, &["power", "products"]),
            result.text(0, &["power", "stop"]).replace('-', " "),
            shown::number(number(&["power", "difference"]), 2),
        );
    }
    for (key, name) in [
        ("trace_hutch_plus_plus", "trace by Hutch++"),
        ("frobenius", "Frobenius norm"),
        ("log_determinant", "log-determinant of Gauss-Newton + eps I"),
        ("effective_dimension", "effective dimension"),
        ("noise_scale", "gradient noise scale"),
    ] {
        let value = number(&[key, "value"]);
        if !result.at(0, &[key]).is_null() {
            let error = [number(&[key, "stderr"]), number(&[key, "standard_error"])];
            let error = error.into_iter().find(|e| e.is_finite());
            text += &if value.is_nan() {
                format!("  {name}: none ({})\n", result.text(0, &[key, "status"]))
            } else {
                let error = error.filter(|_| result.at(0, &[key, "exact"]) != true);
                let over = result.text(0, &[key, "error_over"]);
                let over = if over.is_empty() { String::new() } else { format!(" (over {over})") };
                let cell = Cell { value, error, over: None, status: None };
                format!("  {name}: {}{over}\n", written(Some(&cell)))
            };
        }
    }
    text += &coefficient(result);
    let negative = number(&["density", "negative_mass", "value"]);
    if negative.is_finite() {
        let status = result.text(0, &["density", "negative_mass", "status"]);
        let status = if status.is_empty() { String::new() } else { format!(" ({status})") };
        text += &format!("  {} of the eigenvalues are negative{status}\n", shown::percent(negative));
    }
    for (key, matrix) in result.at(0, &["matrices"]).as_object().into_iter().flatten() {
        let name = key.replace('_', " ");
        text += &match matrix["lambda_max"]["value"].as_f64() {
            Some(value) => format!(
                "  {name}: largest eigenvalue {}, trace {}; of {}\n",
                significant(value, 4),
                significant(matrix["trace"]["value"].as_f64().unwrap_or(f64::NAN), 4),
                matrix["certificates_of"].as_str().unwrap_or_default()
            ),
            None => format!("  {name}: none ({})\n", matrix["status"].as_str().unwrap_or("not finite")),
        };
    }
    text
}

/// How the chains of a learning coefficient went; empty where there are none.
fn coefficient(result: &SharpnessResult) -> String {
    let at = |key: &str| result.number(0, &["learning_coefficient", key]);
    if result.at(0, &["learning_coefficient"]).is_null() {
        return String::new();
    }
    let [low, high] = [0, 1].map(|i| {
        let interval = result.at(0, &["learning_coefficient", "interval"]);
        significant(interval[i].as_f64().unwrap_or(f64::NAN), 4)
    });
    format!(
        "  learning coefficient: {} ({:.0} % interval {low} to {high}); a regular minimum has {}\n    {}: R-hat {:.3}, {:.0} effective draws, acceptance {:.2}\n",
        significant(at("estimate"), 4),
        100.0 * at("level"),
        0.5 * at("dimension"),
        result.text(0, &["learning_coefficient", "status"]),
        at("rhat"),
        at("ess"),
        at("acceptance"),
    )
}

/// The blocks of a network, a line each; empty where there are none.
fn blocks(result: &SharpnessResult, network: usize) -> String {
    let names: Vec<&str> = match result.at(network, &["block_names"]).as_array() {
        Some(names) => names.iter().filter_map(|n| n.as_str()).collect(),
        None => return String::new(),
    };
    let columns = [
        ("largest", ["lambda_max", "value"]),
        ("smallest", ["lambda_min", "value"]),
        ("trace", ["trace", "value"]),
        ("negative", ["density", "negative_mass"]),
    ];
    let there = |[key, within]: [&str; 2]| {
        names.iter().any(|n| !result.at(network, &["blocks", n, key, within]).is_null())
    };
    let columns: Vec<_> = columns.into_iter().filter(|(_, path)| there(*path)).collect();
    let header = ["block", "parameters"].into_iter().chain(columns.iter().map(|(title, _)| *title));
    let mut rows = vec![header.map(str::to_owned).collect::<Vec<String>>()];
    for name in names {
        let mut row = vec![name.to_owned(), result.at(network, &["blocks", name, "parameters"]).to_string()];
        for (_, [key, within]) in &columns {
            row.push(match *within {
                "negative_mass" => {
                    shown::percent(result.number(network, &["blocks", name, key, within, "value"]))
                }
                _ => significant(result.number(network, &["blocks", name, key, within]), 4),
            });
        }
        rows.push(row);
    }
    shown::table(&rows)
}

/// What the errors behind a plus-minus are over, a line each.
fn errors(result: &SharpnessResult, network: usize) -> Vec<String> {
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    for line in result.lines(network) {
        for over in [&line.raw, &line.invariant].into_iter().flatten().filter_map(|cell| cell.over.clone()) {
            match all.iter_mut().find(|(known, _)| *known == over) {
                Some((_, labels)) if labels.contains(&line.label) => {}
                Some((_, labels)) => labels.push(line.label.clone()),
                None => all.push((over, vec![line.label.clone()])),
            }
        }
    }
    let written = |(over, labels): (String, Vec<String>)| {
        format!("  \u{b1} of {}: a standard error over {over}\n", labels.join("; "))
    };
    all.into_iter().map(written).collect()
}

/// Networks in columns, raw numbers above invariant ones.
fn several(result: &SharpnessResult) -> String {
    let all: Vec<_> = (0..result.networks()).map(|n| result.lines(n)).collect();
    let labels = (0..result.networks()).map(|n| result.text(n, &["label"]).to_owned());
    let header: Vec<String> = std::iter::once(String::new()).chain(labels).collect();
    let center = |name: &str, path: [&str; 2], shown: &dyn Fn(f64) -> String| -> Vec<String> {
        let of = |n: usize| shown(result.number(n, &path));
        std::iter::once(name.to_owned()).chain((0..result.networks()).map(of)).collect()
    };
    let mut rows = vec![
        header.clone(),
        center("training loss", ["center", "train_loss"], &|x| shown::number(x, 6)),
        center("training accuracy", ["center", "train_accuracy"], &shown::percent),
        center("test loss", ["center", "test_loss"], &|x| shown::number(x, 4)),
        center("test accuracy", ["center", "test_accuracy"], &shown::percent),
    ];
    if (0..result.networks()).all(|n| *result.at(n, &["samples", "test"]) == 0) {
        rows.truncate(3);
    }
    for (title, raw) in [("raw", true), ("rescaling-invariant", false)] {
        let of = |line: &Line| if raw { line.raw.clone() } else { line.invariant.clone() };
        let shown: Vec<_> = all[0].iter().filter(|l| of(l).is_some()).collect();
        if shown.is_empty() {
            continue;
        }
        rows.push(vec![title.to_owned()]);
        for line in shown {
            let own = |lines: &Vec<Line>| {
                let own = lines.iter().find(|l| l.key == line.key).and_then(of);
                written(own.as_ref())
            };
            rows.push(std::iter::once(format!("  {}", line.label)).chain(all.iter().map(own)).collect());
        }
    }
    let mut text = shown::table(&rows);
    for n in 0..result.networks() {
        let of = result.text(n, &["certificates_of"]);
        text += &format!("  {}: {of}\n", result.text(n, &["label"]));
        text += &blocks(result, n);
    }
    text + &errors(result, 0).concat()
}
