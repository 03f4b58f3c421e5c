//! `losscape train`: a network from scratch into a run directory.

use super::Subcommand;
use super::arguments::{Common, config_and_out, name_kinds};
use super::config::{Sources, with_shorthands};
use super::output::{self, Target};
use super::progress::{Progress, say};
use crate::base::{Error, Result, files};
use crate::passes::run::WEIGHTS;
use crate::passes::training::Prepared;
use crate::passes::{Saved, TrainingResult};
use crate::render::Style;
use crate::train::settings::SHORTHANDS;
use crate::train::{Epoch, Event, Status, TrainSettings};
use clap::{ArgMatches, Args, Command};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Where runs go by default.
pub const DEFAULT_OUT: &str = "runs/default";

const RECORD: &str = "run.json";

/// What is read of a run's record.
#[derive(serde::Deserialize)]
struct Record {
    status: Status,
    #[serde(default)]
    reason: String,
    settings: TrainSettings,
}

pub const COMMAND: Subcommand =
    Subcommand { name: "train", about: "Train a network on the CPU", examples: EXAMPLES, command, run };

const EXAMPLES: &str = "Examples:
  losscape train                                              the default network on handwritten digits
  losscape train --hidden 24,16 --activation tanh --seed 1 --out runs/b
  losscape train --data spirals:noise=0.1 --hidden 64,64 --epochs 200 --schedule cosine --warmup 5
  losscape train --optimizer sgd:momentum=0.95,nesterov=true --lr 0.02 --weight-decay 1e-4
  losscape train --config my.toml                             the same keys as the flags: hidden = [24, 16]

Writes run.json, weights.safetensors (complete in itself; loads into PyTorch by name), metrics.jsonl (a line
an epoch), training.png and .svg. The same seed gives the same bytes on any number of threads.";

fn command(command: Command) -> Command {
    let command = with_shorthands(TrainSettings::augment_args(command), SHORTHANDS);
    let command = config_and_out(Common::augment_args(command), DEFAULT_OUT);
    name_kinds(Style::augment_args(command.next_help_heading("Pictures")))
}

fn run(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let settings: TrainSettings = sources.take(SHORTHANDS)?;
    let (common, style): (Common, Style) = (sources.take(&[])?, sources.take(&[])?);
    let out = sources.path("out")?.unwrap_or_else(|| PathBuf::from(DEFAULT_OUT));
    sources.finish()?;
    settings.check()?;
    style.check()?;
    common.apply()?;
    let prepared = prepare(&settings)?;
    let target = Target::new(out)?;
    let result = train(&settings, prepared, &target, &style, common.quiet)?;
    match (common.json, common.quiet) {
        (true, _) => output::print_json(&result.json()?)?,
        (_, true) => {}
        _ => output::print(&summary(&result, &target))?,
    }
    verdict(&result)
}

/// Refuses what can be refused before any directory is made: impossible settings, and networks beyond the memory.
pub fn prepare(settings: &TrainSettings) -> Result<Prepared<'_>> {
    let prepared = Prepared::new(settings)?;
    output::fits_in_memory(prepared.bytes(), &format!("{} parameters", prepared.parameters))?;
    Ok(prepared)
}

/// Trains into `target`, showing progress.
pub fn train(
    settings: &TrainSettings,
    prepared: Prepared,
    target: &Target,
    style: &Style,
    quiet: bool,
) -> Result<TrainingResult> {
    say(quiet, &format!("training {} on {}, seed {}", settings.model, settings.data, settings.seed));
    let mut progress: Option<Progress> = None;
    let mut told = 0;
    let result = prepared.run(&mut |event| match event {
        Event::Step(step, total) => {
            let bar = progress.get_or_insert_with(|| Progress::new("training", "steps", total as f64, quiet));
            bar.add((step - told) as f64);
            told = step;
        }
        Event::Epoch(epoch) => {
            let every = settings.epochs.div_ceil(10).max(1);
            if epoch.epoch.is_multiple_of(every) || epoch.epoch == settings.epochs {
                let text = line(epoch);
                progress.as_ref().map_or_else(|| say(quiet, &text), |bar| bar.line(&text));
            }
        }
    });
    if let Some(bar) = progress {
        bar.finish();
    }
    let result = result?;
    if result.trained.status == Status::Interrupted && matches!(found(target.directory()), Ok(Found::Done(_)))
    {
        return Err(interrupted(&result, "the finished run that was there is kept"));
    }
    target.write(&result, style, json!({}))?;
    Ok(result)
}

fn line(e: &Epoch) -> String {
    format!(
        "epoch {:>4}  rate {}  train loss {} accuracy {:>6.2} %  test loss {} accuracy {:>6.2} %",
        e.epoch,
        output::number(e.lr, 4),
        output::number(e.train_loss, 4),
        100.0 * e.train_accuracy,
        output::number(e.test_loss, 4),
        100.0 * e.test_accuracy
    )
}

fn interrupted(result: &TrainingResult, kept: &str) -> Error {
    let signal = crate::base::interrupt::requested().unwrap_or(2);
    let kept = format!("{}; {kept}", result.trained.reason);
    Error::Interrupted { at: "train".to_owned(), kept, signal }
}

/// What a run that did not end well comes to.
pub fn verdict(result: &TrainingResult) -> Result<()> {
    match result.trained.status {
        Status::Done => Ok(()),
        Status::Diverged => Err(Error::unmet("train: diverged", &result.trained.reason)),
        Status::Interrupted => Err(interrupted(result, "what was trained so far is written")),
    }
}

fn summary(result: &TrainingResult, target: &Target) -> String {
    let t = &result.trained;
    let percent = |x: f64| format!("{:.2} %", 100.0 * x);
    format!(
        "{}: {} parameters, {} training and {} test samples
  train   loss {}   accuracy {}
  test    loss {}   accuracy {}
wrote {} in {}{}: weights.safetensors, metrics.jsonl, run.json, training.png, training.svg
",
        result.title(),
        t.theta.len(),
        result.samples.0,
        result.samples.1,
        output::number(t.train.loss, 6),
        percent(t.train.accuracy),
        output::number(t.test.loss, 6),
        percent(t.test.accuracy),
        files::named(target.directory()),
        output::duration(target.seconds()),
        output::peak(),
    )
}

/// A run as its directory records it.
pub enum Found {
    /// No run.
    Nothing,
    /// One that came to its end.
    Done(TrainSettings),
    /// One that was interrupted or diverged, and why.
    Unfinished(TrainSettings, String),
}

/// The run in `directory`; refuses a record that cannot be understood, and weights without one.
pub fn found(directory: &Path) -> Result<Found> {
    let path = directory.join(RECORD);
    let there = |path: &Path| path.symlink_metadata().is_ok();
    if !there(&path) {
        return match there(&directory.join(WEIGHTS)) {
            false => Ok(Found::Nothing),
            true => Err(Error::expected(files::named(&path), "the record of the weights beside it", "none")),
        };
    }
    let text = files::read_text(&path, files::LARGEST_JSON)?;
    let record: Record =
        serde_json::from_str(&text).map_err(|e| Error::value(files::named(&path), &e.to_string()))?;
    Ok(match record.status {
        Status::Done => Found::Done(record.settings),
        Status::Diverged | Status::Interrupted => {
            Found::Unfinished(record.settings, files::brief(&record.reason))
        }
    })
}

/// Why the run in `directory` ended, if it is known to have ended otherwise than it should.
pub fn unfinished(directory: &Path) -> Option<String> {
    match found(directory) {
        Ok(Found::Unfinished(_, reason)) => Some(reason),
        _ => None,
    }
}
