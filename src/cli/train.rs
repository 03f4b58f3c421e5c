//! `losscape train`: a network from scratch into a run directory.

use super::Subcommand;
use super::arguments::{Common, config_and_out, name_kinds, run_as_model};
use super::config::{Sources, with_shorthands};
use super::output::{self, Target};
use super::seeds;
use super::table::Table;
use crate::analyses::probes::{self, Terrain, share};
use crate::analyses::run::WEIGHTS;
use crate::analyses::training::Prepared;
use crate::analyses::{Probes, Saved, TrainingResult};
use crate::base::log::DISCARD;
use crate::base::{self, Error, Result, files, memory};
use crate::render::Style;
use crate::train::checkpoint::{self, CHECKPOINT};
use crate::train::probe::What;
use crate::train::settings::SHORTHANDS;
use crate::train::{Event, Status, TrainSettings, exported};
use clap::{ArgMatches, Args, Command};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where runs go by default.
pub const DEFAULT_OUT: &str = "runs/default";

/// The record of a run in its directory.
pub const RECORD: &str = "run.json";

/// What is read of a run's record.
#[derive(Deserialize)]
struct Record {
    status: Status,
    #[serde(default)]
    reason: String,
    settings: TrainSettings,
}

/// Flags about stopping, going on and repeating; none of them changes what a run comes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Going {
    /// Train this many runs, with --seed and the seeds after it, one per core, into DIR/seed-N
    #[arg(long, value_name = "N")]
    pub seeds: Option<usize>,
    /// Train part I of N (from 0) of the --seeds only, in DIR/shard-I-of-N; losscape merge joins the parts. auto takes I and N
    /// from the array or the ranks of a scheduler, auto/N takes I alone
    #[arg(long, value_name = "I/N")]
    pub shard: Option<String>,
    /// Cut the --seeds into N blocks and train one after the other that no other worker has, until all are done: any number of
    /// processes with the same command, on any number of machines, that share DIR; losscape merge joins the blocks
    #[arg(long, value_name = "N", conflicts_with_all = ["shard", "fresh", "resume"])]
    pub claim: Option<usize>,
    /// Go on with the unfinished run in DIR, with the settings it has
    #[arg(long)]
    pub resume: bool,
    /// Discard the unfinished run in DIR, and train from the start
    #[arg(long)]
    pub fresh: bool,
    /// Longest time between two checkpoints; 0 for one after every step
    #[arg(long, value_name = "SECONDS", default_value_t = Going::default().checkpoint_every)]
    pub checkpoint_every: f64,
}

impl Default for Going {
    fn default() -> Self {
        // Half a minute is little to lose.
        Self { seeds: None, shard: None, claim: None, resume: false, fresh: false, checkpoint_every: 30.0 }
    }
}

impl Going {
    fn check(&self) -> Result<()> {
        if !(self.checkpoint_every >= 0.0 && self.checkpoint_every <= 1e9) {
            return Err(Error::expected("--checkpoint-every", "0 to 1e9 seconds", self.checkpoint_every));
        }
        if self.resume && self.fresh {
            return Err(Error::expected("--fresh", "one of --resume and --fresh", "both"));
        }
        if self.resume && self.seeds.is_some() {
            let expected = "no --seeds, whose unfinished runs the same command goes on with";
            return Err(Error::expected("--resume", expected, "both"));
        }
        if let (Some(shard), None) = (&self.shard, self.seeds) {
            return Err(Error::expected("--shard", "--seeds, whose runs are shared out", shard));
        }
        if let (Some(blocks), None) = (self.claim, self.seeds) {
            return Err(Error::expected("--claim", "--seeds, whose runs are shared out", blocks));
        }
        const MOST: usize = 10_000;
        match self.seeds {
            Some(n) if !(1..=MOST).contains(&n) => Err(Error::expected("--seeds", format!("1 to {MOST}"), n)),
            _ => Ok(()),
        }
    }
}

pub const COMMAND: Subcommand =
    Subcommand { name: "train", about: "Train a network on the CPU", examples: EXAMPLES, command, run };

const EXAMPLES: &str = "Examples:
  losscape train                                              the default network on handwritten digits
  losscape train --hidden 24,16 --activation tanh --seed 1 --out runs/b
  losscape train --data spirals:noise=0.1 --hidden 64,64 --epochs 200 --schedule cosine --warmup 5
  losscape train --optimizer sgd:momentum=0.95,nesterov=true --lr 0.02 --weight-decay 1e-4 --clip 1
  losscape train --optimizer lbfgs --epochs 100 --target-gradient 1e-3   to a minimum, with full batches
  losscape train --sam 0.05 --ema 0.999 --swa 15              sharpness-aware, with averaged weights beside the last
  losscape train --snapshots log:20                           weights along the way, for trajectories
  losscape train --optimizer gd --lr 0.1 --epochs 2000 --samples 500 --probe sharpness:20
                                                              the Hessian's largest eigenvalue at the edge of stability
  losscape train --hidden 16x3 --init mean-field:weight=0.4 --optimizer gd --epochs 1000 --samples 300 --probe saddles:20
                                                              both ends of the spectrum, where plateaus and saddles are
  losscape train --norm batch --batch-size 256 --workers 4    batches shared out, statistics of each worker's part
  losscape train --seeds 8 --out runs/eight                   eight runs, a table and a picture of all
  losscape train --resume --out runs/b                        go on with a run that was stopped
  losscape train --config my.toml                             the same keys as the flags: hidden = [24, 16]

Writes run.json, weights.safetensors (the last weights; complete in itself; loads into PyTorch by name),
best.safetensors (of the epoch with the lowest loss, see --best), metrics.jsonl (a line an epoch), training.png and
.svg; ema.safetensors, swa.safetensors and trajectory.safetensors (tensors STEP/NAME) when asked for; with --probe
probes.npz (an array a number, a probe each), and edge-of-stability.png and .svg, or plateaus, critical-sharpness or
learning-coefficient, as the probe is called. The same seed gives the same bytes on any
number of threads, and the same weights with --probe and without.

A run that is stopped or killed leaves checkpoint.safetensors; the same command, or --resume, goes on with it and ends
in the same bytes. Checkpoints are written at the ends of epochs, a second or more apart, and within them at least
every --checkpoint-every seconds (or nine times as long as writing one takes). A finished run is not resumed: a longer
one is another run, and trains from the start.

A target that all epochs do not reach, and an eigenvalue that did not converge, are exit code 3; the run is written all
the same.";

fn command(command: Command) -> Command {
    let command = with_shorthands(TrainSettings::augment_args(command), SHORTHANDS);
    let command = Going::augment_args(command.next_help_heading("Going on"));
    let command = config_and_out(Common::augment_args(command), DEFAULT_OUT);
    name_kinds(super::help::pictures(run_as_model(command)))
}

fn run(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let going: Going = sources.take(&[])?;
    let out = sources.path("out")?.unwrap_or_else(|| PathBuf::from(DEFAULT_OUT));
    going.check()?;
    let settings: TrainSettings = if going.resume {
        sources.take_over(unfinished_settings(&out)?, SHORTHANDS)?
    } else {
        sources.take(SHORTHANDS)?
    };
    let (common, style): (Common, Style) = (sources.take(&[])?, sources.take(&[])?);
    sources.finish()?;
    settings.check()?;
    style.check()?;
    common.apply()?;
    let settings = exported::settle(settings)?;
    if let Some(count) = going.seeds {
        return seeds::run(&settings, count, out, &going, &common, &style);
    }
    let prepared = prepare(&settings)?;
    let target = Target::new(out)?;
    let (result, pictures) = train(&settings, prepared, &target, &style, common.quiet, &going)?;
    match (common.json, common.quiet) {
        (true, _) => output::print_json(&result.json()?)?,
        (_, true) => {}
        _ => output::print(&summary(&result, &target, &pictures))?,
    }
    verdict(&result)
}

/// The settings of the run that `--resume` goes on with.
fn unfinished_settings(out: &Path) -> Result<TrainSettings> {
    let path = out.join(CHECKPOINT);
    if path.symlink_metadata().is_ok() {
        return checkpoint::settings(&path);
    }
    let there = match found(out)? {
        Found::Nothing => "none",
        Found::Done(_) => {
            "a finished one (a longer run is another one, and trains from the start, without --resume)"
        }
        Found::Unfinished(..) => "one that diverged",
    };
    Err(Error::expected("--resume", format!("an unfinished run in {}", files::named(out)), there))
}

/// Refuses what can be refused before any directory is made: impossible settings, and networks beyond the memory.
pub fn prepare(settings: &TrainSettings) -> Result<Prepared<'_>> {
    let prepared = Prepared::new(settings)?;
    memory::fits(prepared.bytes(), format_args!("{} parameters", prepared.parameters))?;
    Ok(prepared)
}

/// Trains into `target`, showing progress.
pub fn train(
    settings: &TrainSettings,
    prepared: Prepared,
    target: &Target,
    style: &Style,
    quiet: bool,
    going: &Going,
) -> Result<(TrainingResult, output::Pictures)> {
    let mut table = Table::new(settings, &prepared, quiet);
    let at = files::named(target.directory());
    train_with(settings, prepared, target, style, going, &mut |event| match event {
        Event::Resumed(step, total, _) => {
            table.say(&format!("going on with the unfinished run in {at}: {step} of {total} steps are kept"));
            table.resumed(step);
        }
        Event::Step(step, _) => table.step(step),
        Event::Epoch(epoch) => table.epoch(epoch),
        Event::Probe(_) => table.probe(),
        Event::Probing(step, products) => table.probing(step, products),
    })
}

/// Trains into `target`.
pub fn train_with(
    settings: &TrainSettings,
    prepared: Prepared,
    target: &Target,
    style: &Style,
    going: &Going,
    observe: &mut (dyn FnMut(Event) + Send),
) -> Result<(TrainingResult, output::Pictures)> {
    let path = target.directory().join(CHECKPOINT);
    let probes = target.directory().join(probes::LOG);
    if going.fresh {
        files::remove(&path)?;
        files::remove(&probes)?;
    }
    let every = Duration::from_secs_f64(going.checkpoint_every);
    let result = prepared.run(Some((path.clone(), every)), observe).map_err(|e| match e {
        Error::Request { at, what } if at.starts_with(&files::named(&path)) && !what.contains(DISCARD) => {
            Error::Request { at, what: format!("{what} ({DISCARD})") }
        }
        other => other,
    })?;
    let pictures = target.write(&result, style, json!({})).map_err(|e| match e {
        Error::Interrupted { signal, .. } => {
            let kept = if path.exists() {
                "the trained weights are kept; the same command, or --resume, goes on"
            } else {
                "nothing was written"
            };
            Error::Interrupted { at: "train: drawing".to_owned(), kept: kept.to_owned(), signal }
        }
        other => other,
    })?;
    for name in result.absent() {
        files::remove(&target.directory().join(name))?;
    }
    files::remove(&path)?;
    files::remove(&probes)?;
    debug_assert_eq!(result.settings, settings.resolved());
    Ok((result, pictures))
}

/// What a run that did not come to what was asked is told.
pub fn verdict(result: &TrainingResult) -> Result<()> {
    match result.trained.status {
        Status::Done => converged(result),
        Status::TargetMissed => Err(Error::unmet("train: target missed", &result.trained.reason)),
        Status::Diverged => Err(Error::unmet("train: diverged", &result.trained.reason)),
    }
}

/// Whether every eigenvalue along the way is one.
fn converged(result: &TrainingResult) -> Result<()> {
    let doubts =
        result.probes.as_ref().zip(result.settings.probe).map(|(probes, probe)| probes.doubts(probe.what));
    match doubts {
        Some([all, unconverged, _]) if unconverged > 0 => {
            let what = result.settings.probe.map(|probe| probe.what);
            let unmet = match what {
                Some(What::LearningCoefficient) => "chains that did not converge",
                _ => "an eigenvalue that did not converge",
            };
            let what = format!("{unconverged} of {all} probes have {unmet} (probes.npz says which)");
            Err(Error::unmet("train: probe", what))
        }
        _ => Ok(()),
    }
}

/// What probes found last.
fn probed(probes: &Probes, what: What) -> String {
    let last = |name: &str| output::number(probes.of(name).last().copied().unwrap_or(f64::NAN), 5);
    let [all, _, uncertified] = probes.doubts(what);
    let sure = match uncertified {
        0 => format!("all {all} certified"),
        n => format!("{n} of {all} not certified"),
    };
    let missing = |name: &str| probes.of(name).iter().filter(|x| x.is_nan()).count();
    if what == What::CriticalSharpness {
        return format!(
            "  probes  critical sharpness {} along the gradient, {} along the update at the end; of {all} probes {} and {} have none\n",
            last("critical_sharpness"),
            last("update_sharpness"),
            missing("critical_sharpness"),
            missing("update_sharpness"),
        );
    }
    if what == What::LearningCoefficient {
        return format!(
            "  probes  learning coefficient {} ± {} at the end; {} of {all} probes converged\n",
            last("learning_coefficient_estimate"),
            last("learning_coefficient_stderr"),
            all - missing("learning_coefficient").min(all),
        );
    }
    if what == What::Saddles {
        let (steps, terrain) = (probes.of("step"), Terrain::of(probes));
        return format!(
            "  probes  lambda_max {}, lambda_min {} at the end; {sure}\n          {} of the steps on plateaus ({}), {} near saddles\n",
            last("lambda_max"),
            last("lambda_min"),
            output::percent(share(&steps, &terrain.plateau)),
            terrain.plateaus().len(),
            output::percent(share(&steps, &terrain.saddle)),
        );
    }
    let (ratio, _) = probes.edge();
    let edge = if ratio.is_finite() {
        format!(", {} of the stability threshold over the last quarter (median)", output::number(ratio, 4))
    } else {
        String::new()
    };
    format!(
        "  probes  lambda_max {} at the end{edge}; {sure}\n          trace {} ± {}, gradient noise scale {}\n",
        last("lambda_max"),
        last("trace"),
        last("trace_stderr"),
        last("noise_scale")
    )
}

fn summary(result: &TrainingResult, target: &Target, pictures: &output::Pictures) -> String {
    let t = &result.trained;
    let probes = result.probes.as_ref().zip(result.settings.probe.map(|probe| probe.what));
    format!(
        "{}: {} parameters, {} training and {} test samples
  train   loss {}   accuracy {}
{}{}  stopped: {}
{}wrote {} in {}{}: {}, metrics.jsonl, run.json, {}
",
        result.title(),
        t.point.theta.len(),
        result.samples.0,
        result.samples.1,
        output::number(t.train.loss, 6),
        output::percent(t.train.accuracy),
        match result.samples.1 {
            0 => String::new(),
            _ => format!(
                "  test    loss {}   accuracy {}\n",
                output::number(t.test.loss, 6),
                output::percent(t.test.accuracy)
            ),
        },
        classes(&result.class_names) + &errors(result),
        t.reason,
        probes.map(|(probes, what)| probed(probes, what)).unwrap_or_default(),
        files::named(target.directory()),
        output::duration(target.seconds()),
        output::peak(),
        result.names().join(", "),
        pictures.listed(),
    )
}

/// "  root mean squared error 54.2 in the targets' own units, 57.1 in testing"; nothing where targets are as they were.
fn errors(result: &TrainingResult) -> String {
    let Some((name, [train, test])) = result.errors() else { return String::new() };
    let test = match result.samples.1 {
        0 => String::new(),
        _ => format!(", {} in testing", output::number(test, 4)),
    };
    format!("  {name} {} in the targets' own units{test}\n", output::number(train, 4))
}

/// "  classes 0 setosa, 1 versicolor, 2 virginica"; nothing where classes have no names.
fn classes(names: &[String]) -> String {
    const MOST: usize = 12;
    let shown: Vec<String> =
        names.iter().take(MOST).enumerate().map(|(i, name)| format!("{i} {}", files::brief(name))).collect();
    let dots = if names.len() > MOST { ", ..." } else { "" };
    if names.is_empty() { String::new() } else { format!("  classes {}{dots}\n", shown.join(", ")) }
}

/// A run as its directory records it.
pub enum Found {
    /// No run.
    Nothing,
    /// One that came to its end.
    Done(TrainSettings),
    /// One that was stopped or diverged, and why.
    Unfinished(TrainSettings, String),
}

/// The run in `directory`; refuses a record that cannot be understood, and weights without one. A finished run counts,
/// even where another one has begun in the same place.
pub fn found(directory: &Path) -> Result<Found> {
    let (path, begun) = (directory.join(RECORD), directory.join(CHECKPOINT));
    let there = |path: &Path| path.symlink_metadata().is_ok();
    if !there(&path) {
        return match (there(&begun), there(&directory.join(WEIGHTS))) {
            (true, _) => Ok(Found::Unfinished(
                checkpoint::settings(&begun)?,
                "it was stopped before its end".to_owned(),
            )),
            (_, false) => Ok(Found::Nothing),
            (_, true) => {
                Err(Error::expected(files::named(&path), "the record of the weights beside it", "none"))
            }
        };
    }
    let record: Record = base::json::read(&path)?;
    Ok(match record.status {
        Status::Done | Status::TargetMissed => Found::Done(record.settings),
        Status::Diverged => Found::Unfinished(record.settings, files::brief(&record.reason)),
    })
}

/// Why the run in `directory` ended, if it is known to have ended otherwise than it should.
pub fn unfinished(directory: &Path) -> Option<String> {
    match found(directory) {
        Ok(Found::Unfinished(_, reason)) => Some(reason),
        _ => None,
    }
}
