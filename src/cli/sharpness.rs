//! `losscape sharpness`: certified eigenvalues, traces, densities, and the measures beyond them.

use super::Subcommand;
use super::arguments::{Common, Fresh, config_and_out, name_kinds};
use super::config::Sources;
use super::networks::{self, Networks};
use super::output::{self, Target};
use super::progress::{Progress, say};
use crate::base::{Result, files, text};
use crate::passes::run::at_most;
use crate::passes::sharpness::{self, Cell, SharpnessEvent};
use crate::passes::{Saved, SharpnessResult, SharpnessSettings};
use crate::render::Style;
use clap::{ArgMatches, Args, Command};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Mutex;

pub const COMMAND: Subcommand = Subcommand {
    name: "sharpness",
    about: "How sharp a minimum is: certified eigenvalues, trace, density, and the measures beyond",
    examples: EXAMPLES,
    command,
    run,
};

const DEFAULT_OUT: &str = "out/sharpness";

const EXAMPLES: &str = "Examples:
  losscape sharpness                                       the default network, trained if need be
  losscape sharpness --run runs/a --quick                  the outermost eigenvalues and the trace, in ten seconds
  losscape sharpness --run runs/a --full --out out/all     everything
  losscape sharpness --run runs/a --run runs/b             two networks in one table and picture
  losscape sharpness --run runs/a --operator gauss-newton --top 20 --vectors
  losscape sharpness --run runs/a --layer 0,2 --role weight          a part of the parameters
  losscape sharpness --run runs/a --compute measures --measures sam:rho=0.1,worst-case
  losscape sharpness --run runs/cnn --stats batch --stat-batch 128 --samples 1000
  losscape sharpness --run runs/a --precision f64 --tolerance 1e-8 --json

Eigenvalues are certified: converged, and after so many Lanczos steps from a random start that but for a probability of
--delta none is passed over (Kuczynski and Wozniakowski 1992). One that did not converge ends with exit code 3.

Operators of up to --exact parameters are written out: their eigenvalues, trace, norms and density are exact.
An error behind ± is a standard error; the table says over what.

Finished parts are kept: the same command goes on after a stop, --fresh begins anew.

Raw numbers change when a layer is multiplied and the next divided by the same factor, which leaves the function alone;
rescaling-invariant ones stand beside them.

Writes sharpness.json (every number), sharpness.npz (eigenvalues, density_x, density_y, ...), and pictures: density,
and comparison of several networks.";

fn command(command: Command) -> Command {
    let command = SharpnessSettings::augment_args(networks::argument(command));
    let command = config_and_out(Common::augment_args(Fresh::augment_args(command)), DEFAULT_OUT);
    name_kinds(super::help::pictures(command))
}

fn run(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let settings: SharpnessSettings = sources.take(&[])?;
    let (common, style, fresh): (Common, Style, Fresh) =
        (sources.take(&[])?, sources.take(&[])?, sources.take(&[])?);
    let from = Networks::take(&mut sources)?;
    let out = sources.path("out")?.unwrap_or_else(|| PathBuf::from(DEFAULT_OUT));
    sources.finish()?;
    settings.check(from.count())?;
    style.check()?;
    common.apply()?;
    from.apart(&out)?;
    let target = Target::new(out)?;
    let fits = |_, samples| settings.samples.map_or(Ok(()), |n| at_most(samples, n, "--samples"));
    let runs = from.read(&style, common.quiet, &fits)?;
    runs.iter().try_for_each(|run| fits(run.precision, run.dataset.train.len()))?;
    if fresh.fresh {
        sharpness::discard(target.directory())?;
    }
    let observer = Observer { quiet: common.quiet, state: Mutex::default() };
    let result = sharpness::run(&settings, &runs, Some(target.directory()), &|event| observer.hears(event));
    observer.finish();
    let result = result?;
    let forecast = observer.state.into_inner().unwrap_or_else(|e| e.into_inner()).seconds;
    for warning in result.warnings() {
        say(common.quiet, &format!("warning: {warning}"));
    }
    let machine = json!({"runs": from.names(), "predicted_seconds": forecast});
    let pictures = target.write(&result, &style, machine)?;
    sharpness::discard(target.directory())?;
    match (common.json, common.quiet) {
        (true, _) => output::print_json(&result.json()?)?,
        (_, true) => {}
        _ => output::print(&summary(&result, &target, &pictures))?,
    }
    match settings.allow_unconverged {
        true => Ok(()),
        false => result.unmet().map_or(Ok(()), Err),
    }
}

/// Shows how far it is.
struct Observer {
    quiet: bool,
    state: Mutex<Shown>,
}

/// The bar, and the seconds that were foretold.
#[derive(Default)]
struct Shown {
    bar: Option<Progress>,
    seconds: f64,
}

impl Observer {
    fn hears(&self, event: SharpnessEvent) {
        let mut state = self.state.lock().unwrap_or_else(|e| e.into_inner());
        match event {
            SharpnessEvent::Begins { title, parameters, network: (i, count), products, seconds, bytes } => {
                if let Some(bar) = state.bar.take() {
                    bar.finish();
                }
                let of = if count > 1 { format!(" ({} of {count})", i + 1) } else { String::new() };
                say(self.quiet, &format!("sharpness of {title} ({parameters} parameters){of}"));
                let (time, memory) = (output::duration(seconds), output::bytes(bytes as f64));
                say(self.quiet, &format!("about {products} products, {time} in all, {memory}"));
                state.seconds += seconds;
                state.bar = Some(Progress::new("sharpness", "products", products as f64, self.quiet));
            }
            SharpnessEvent::LeftOut([]) => {}
            SharpnessEvent::LeftOut(what) => {
                say(self.quiet, &format!("quick: leaves out {}", what.join("; ")));
            }
            SharpnessEvent::Stage(what) => {
                if let Some(bar) = &state.bar {
                    bar.note(what);
                }
            }
            SharpnessEvent::Products(n) => {
                if let Some(bar) = &state.bar {
                    bar.add(n as f64);
                }
            }
        }
    }

    fn finish(&self) {
        let state = self.state.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(bar) = &state.bar {
            bar.finish();
        }
    }
}

fn summary(result: &SharpnessResult, target: &Target, pictures: &output::Pictures) -> String {
    let mut text = match result.networks() {
        1 => one(result),
        _ => several(result),
    };
    let written = match pictures.names.is_empty() {
        true => String::new(),
        false => format!("{}, ", pictures.listed()),
    };
    text += &format!(
        "wrote {} in {}{}: {written}sharpness.json, sharpness.npz\n",
        files::named(target.directory()),
        output::duration(target.seconds()),
        output::peak(),
    );
    text
}

/// A number with so many significant digits; very small and very large ones with a power of ten.
fn significant(x: f64, digits: usize) -> String {
    match x.abs() {
        0.0 => "0".to_owned(),
        a if (1e-3..1e5).contains(&a) => {
            let after = digits as i32 - 1 - a.log10().floor() as i32;
            format!("{x:.*}", after.max(0) as usize)
        }
        _ => output::number(x, digits - 1),
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

/// Columns as wide as their widest entry; the first on the left, others on the right.
pub fn table(rows: &[Vec<String>]) -> String {
    let cells = |row: &Vec<String>| row.iter().map(|cell| text::name(cell)).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|s| s.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cell = |(c, cell): (usize, &String)| match c {
            0 => format!("  {cell:<0$}", widths[0]),
            _ => format!("  {cell:>0$}", widths[c]),
        };
        let line: String = row.iter().enumerate().map(cell).collect();
        text += line.trim_end();
        text.push('\n');
    }
    text
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
        output::number(number(&["center", "train_loss"]), 6),
        output::percent(number(&["center", "train_accuracy"])),
    );
    let mut rows = vec![vec![String::new(), "raw".to_owned(), "rescaling-invariant".to_owned()]];
    let mut notes = Vec::new();
    for line in result.lines(0) {
        rows.push(vec![line.label.clone(), written(line.raw.as_ref()), written(line.invariant.as_ref())]);
        let status = [&line.raw, &line.invariant].into_iter().flatten().find_map(|c| c.status.as_ref());
        notes.extend(status.map(|s| format!("  {}: {s}\n", line.label)));
    }
    notes.extend(errors(result, 0));
    text += &table(&rows);
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
        text += &format!(
            "  {name} eigenvalue: {sure}, residual {}, {} products ({})\n",
            output::number(number(&[key, "residual"]), 2),
            found["products"],
            result.text(0, &[key, "stop"]).replace('-', " "),
        );
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
                format!("  the {count} largest eigenvalues are {} of the trace\n", output::percent(share))
            }
            (true, true) => format!(
                "  the {count} largest eigenvalues are {} \u{b1} {} of the trace\n",
                output::percent(share),
                output::percent(error)
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
            output::percent(overlap),
            output::number(number(&["gradient", "norm"]), 4),
            output::percent(number(&["gradient", "overlap_expected"])),
        );
    }
    let power = number(&["power", "value"]);
    if power.is_finite() {
        text += &format!(
            "  power iteration: {} after {} products ({}), {} away from Lanczos\n",
            significant(power, 4),
            result.at(0, &["power", "products"]),
            result.text(0, &["power", "stop"]).replace('-', " "),
            output::number(number(&["power", "difference"]), 2),
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
            text += &match value.is_nan() {
                true => format!("  {name}: none ({})\n", result.text(0, &[key, "status"])),
                false => {
                    let error = error.filter(|_| result.at(0, &[key, "exact"]) != true);
                    let over = result.text(0, &[key, "error_over"]);
                    let over = if over.is_empty() { String::new() } else { format!(" (over {over})") };
                    let cell = Cell { value, error, over: None, status: None };
                    format!("  {name}: {}{over}\n", written(Some(&cell)))
                }
            };
        }
    }
    let negative = number(&["density", "negative_mass", "value"]);
    if negative.is_finite() {
        let status = result.text(0, &["density", "negative_mass", "status"]);
        let status = if status.is_empty() { String::new() } else { format!(" ({status})") };
        text += &format!("  {} of the eigenvalues are negative{status}\n", output::percent(negative));
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
        center("training loss", ["center", "train_loss"], &|x| output::number(x, 6)),
        center("training accuracy", ["center", "train_accuracy"], &output::percent),
        center("test loss", ["center", "test_loss"], &|x| output::number(x, 4)),
        center("test accuracy", ["center", "test_accuracy"], &output::percent),
    ];
    if (0..result.networks()).all(|n| *result.at(n, &["samples", "test"]) == 0) {
        rows.truncate(3);
    }
    for (title, raw) in [("raw", true), ("rescaling-invariant", false)] {
        let of = |line: &sharpness::Line| if raw { line.raw.clone() } else { line.invariant.clone() };
        let shown: Vec<_> = all[0].iter().filter(|l| of(l).is_some()).collect();
        if shown.is_empty() {
            continue;
        }
        rows.push(vec![title.to_owned()]);
        for line in shown {
            let own = |lines: &Vec<sharpness::Line>| {
                let own = lines.iter().find(|l| l.key == line.key).and_then(of);
                written(own.as_ref())
            };
            rows.push(std::iter::once(format!("  {}", line.label)).chain(all.iter().map(own)).collect());
        }
    }
    let mut text = table(&rows);
    for n in 0..result.networks() {
        let of = result.text(n, &["certificates_of"]);
        text += &format!("  {}: {of}\n", result.text(n, &["label"]));
    }
    text + &errors(result, 0).concat()
}
