//! `losscape slice`: the loss over a plane through a trained network.

use super::Subcommand;
use super::arguments::{Common, config_and_out, name_kinds};
use super::config::Sources;
use super::output::{self, Target};
use super::progress::{Progress, say};
use super::train::{self, Found, Going};
use crate::base::{Error, Result, files};
use crate::passes::slice::{self, SliceEvent};
use crate::passes::{Run, Saved, SliceResult, SliceSettings};
use crate::render::Style;
use crate::train::checkpoint::CHECKPOINT;
use crate::train::settings::SHORTHANDS;
use crate::train::{Status, TrainSettings};
use clap::{Arg, ArgMatches, Args, Command};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub const COMMAND: Subcommand = Subcommand {
    name: "slice",
    about: "Loss and accuracy over a plane through a trained network",
    examples: EXAMPLES,
    command,
    run,
};

const DEFAULT_OUT: &str = "out/slice";

const EXAMPLES: &str = "Examples:
  losscape slice                                        train the default network if need be, and draw it
  losscape slice --run runs/a --x=-2:2:101 --y=-1:1:51 --out out/wide
  losscape slice --run runs/a/weights.safetensors --normalize layer --seed 3
  losscape slice --config analyses/slice.toml           the same keys as the flags, [train] for the network

Writes slice.json (scalars and settings), slice.npz (x, y, train_loss, train_accuracy, test_loss,
test_accuracy; row j is y[j]), directions.safetensors, and pictures: contour, surface, contour-test, accuracy.";

fn command(command: Command) -> Command {
    let command =
        command.arg(
            Arg::new("run").long("run").value_name("PATH").value_parser(clap::value_parser!(PathBuf)).help(
                "Run directory or weight file [default: runs/default, trained first if it is not there]",
            ),
        );
    let command = config_and_out(Common::augment_args(SliceSettings::augment_args(command)), DEFAULT_OUT);
    name_kinds(Style::augment_args(command.next_help_heading("Pictures")))
}

fn run(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let settings: SliceSettings = sources.take(&[])?;
    let (common, style): (Common, Style) = (sources.take(&[])?, sources.take(&[])?);
    let (from, out) = (sources.path("run")?, sources.path("out")?);
    let wanted: Option<TrainSettings> = match sources.section("train")? {
        Some(mut section) => {
            let wanted = section.take(SHORTHANDS)?;
            section.finish()?;
            Some(wanted)
        }
        None => None,
    };
    sources.finish()?;
    if from.is_some() && wanted.is_some() {
        let expected = "no [train] in the configuration, whose network would not be used";
        return Err(Error::expected("--run", expected, "one"));
    }
    settings.check()?;
    let (nx, ny) = (settings.x.n, settings.y.n);
    output::fits_in_memory(settings.grid_bytes() as u64, &format!("{nx} x {ny} points"))?;
    style.check()?;
    common.apply()?;
    let out = out.unwrap_or_else(|| PathBuf::from(DEFAULT_OUT));
    let source = from.clone().unwrap_or_else(|| PathBuf::from(train::DEFAULT_OUT));
    apart(&source, &out)?;
    let (target, (run, sha256)) = match from {
        Some(path) => {
            let run = Run::read_with_sha256(&path)?;
            (Target::new(out)?, run)
        }
        // Minutes of training must not end at a directory that cannot be written.
        None => (Target::new(out)?, default_run(wanted, &settings, &style, common.quiet)?),
    };
    if let Some(reason) = train::unfinished(&source) {
        say(common.quiet, &format!("note: {} did not end well: {reason}", files::named(&source)));
    }
    let progress: OnceLock<Progress> = OnceLock::new();
    let predicted: OnceLock<(f64, usize)> = OnceLock::new();
    let result = slice::run(&settings, &run, &|event| match event {
        SliceEvent::Predicted(points, seconds, bytes) => {
            let _ = predicted.set((seconds, bytes));
            let memory = output::bytes(bytes as f64);
            let (network, p) = (run.title(), run.theta.len());
            let (nx, ny, threads) = (settings.x.n, settings.y.n, rayon::current_num_threads());
            let time = match output::duration(seconds) {
                short if seconds < 0.1 => short,
                time => format!("about {time}"),
            };
            say(common.quiet, &format!("slicing {network} ({p} parameters)"));
            say(
                common.quiet,
                &format!("{nx} x {ny} = {points} points: {time} on {threads} threads, {memory}"),
            );
            let _ = progress.set(Progress::new("slice", "points", points as f64, common.quiet));
        }
        SliceEvent::Done(points) => {
            if let Some(bar) = progress.get() {
                bar.add(points);
            }
        }
    });
    if let Some(bar) = progress.get() {
        bar.finish();
    }
    let result = result?.of_weights(sha256);
    let (seconds, bytes) = predicted.get().copied().unwrap_or_default();
    let machine =
        json!({"run": files::named(&source), "predicted_seconds": seconds, "predicted_bytes": bytes});
    let pictures = target.write(&result, &style, machine)?;
    match (common.json, common.quiet) {
        (true, _) => output::print_json(&result.json()?),
        (_, true) => Ok(()),
        _ => output::print(&summary(&run, &result, &target, &pictures)),
    }
}

/// The network of `runs/default`: the one that is there, or a new one. What is not understood is never replaced.
fn default_run(
    wanted: Option<TrainSettings>,
    slice: &SliceSettings,
    style: &Style,
    quiet: bool,
) -> Result<(Run, String)> {
    let directory = PathBuf::from(train::DEFAULT_OUT);
    let there = train::found(&directory).map_err(|e| match e {
        Error::Request { at, what } => Error::request(at, format!("{what} ({ELSEWHERE})")),
        other => other,
    })?;
    if let (Found::Done(settings) | Found::Unfinished(settings, _), Some(wanted)) = (&there, &wanted)
        && settings.resolved() != wanted.resolved()
    {
        let found = format!("{} on {} with other settings", settings.model, settings.data);
        let expected = format!("the network of the configuration's [train] ({ELSEWHERE})");
        return Err(Error::expected(train::DEFAULT_OUT, expected, found));
    }
    if let Found::Done(TrainSettings { model, data, .. }) = &there {
        let run = Run::read_with_sha256(&directory)?;
        say(quiet, &format!("using the network in {}: {model} on {data}", train::DEFAULT_OUT));
        return Ok(run);
    }
    let begun = directory.join(CHECKPOINT).exists();
    let wanted = match (wanted, &there) {
        (None, Found::Unfinished(settings, _)) if begun => settings.clone(),
        (wanted, _) => wanted.unwrap_or_default(),
    };
    let prepared = train::prepare(&wanted)?;
    slice.check_for(wanted.precision, prepared.samples())?;
    let target = Target::new(directory.clone())?;
    if let Found::Unfinished(_, reason) = &there {
        say(quiet, &format!("{} did not end well: {reason}", train::DEFAULT_OUT));
    }
    match begun {
        true => say(quiet, &format!("no --run given: finishing the run in {}", train::DEFAULT_OUT)),
        false => {
            say(quiet, &format!("no --run given: training the default network into {}", train::DEFAULT_OUT))
        }
    }
    let result = train::train(&wanted, prepared, &target, style, quiet, &Going::default())?;
    match result.trained.status {
        Status::TargetMissed => say(quiet, &format!("note: {}", result.trained.reason)),
        _ => train::verdict(&result)?,
    }
    Run::read_with_sha256(&directory)
}

/// How to go on beside a run in `runs/default` that is in the way.
const ELSEWHERE: &str = "or --run to choose a network, or a working directory without that run";

/// Refuses to write a result over the run that it is made from.
fn apart(run: &Path, out: &Path) -> Result<()> {
    let directory = match run.parent() {
        Some(parent) if run.is_file() && parent == Path::new("") => Some(Path::new(".")),
        parent if run.is_file() => parent,
        _ => Some(run),
    };
    let same = |a: &Path| match (a.canonicalize(), out.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => matches!((std::path::absolute(a), std::path::absolute(out)), (Ok(a), Ok(b)) if a == b),
    };
    match directory.is_some_and(same) {
        true => Err(Error::expected("--out", "a directory apart from the run", files::named(out))),
        false => Ok(()),
    }
}

fn summary(run: &Run, result: &SliceResult, target: &Target, pictures: &[String]) -> String {
    let number = |path: &[&str]| result.scalar(path).unwrap_or(f64::NAN);
    let center = |key: &str| number(&["center", key]);
    let lowest = match result.minimum() {
        Some((x, y, value)) => {
            format!("{} at ({}, {})", output::number(value, 6), output::number(x, 3), output::number(y, 3))
        }
        None => "no point of the grid is finite".to_owned(),
    };
    let bent = match result.scalar(&["non_convexity"]) {
        Some(share) => format!("{:.2} % of the decided cells curve downwards", 100.0 * share),
        None => "not decided (see non_convexity_status)".to_owned(),
    };
    format!(
        "{}
  center         train loss {}  accuracy {}   test loss {}  accuracy {}
  lowest         {lowest}
  non-convexity  {bent}, {} undecided
  directions     cosine {}
wrote {} in {}{}: {}, slice.json, slice.npz, directions.safetensors
",
        run.title(),
        output::number(center("train_loss"), 6),
        output::percent(center("train_accuracy")),
        output::number(center("test_loss"), 6),
        output::percent(center("test_accuracy")),
        number(&["non_convexity_undecided"]),
        output::number(number(&["cosine"]), 4),
        files::named(target.directory()),
        output::duration(target.seconds()),
        output::peak(),
        output::listed(pictures),
    )
}
