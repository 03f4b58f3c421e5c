//! `losscape instability`: from what step on training ends in one valley, whatever the noise.

use super::Subcommand;
use super::arguments::{Common, Parts, config_and_out, name_kinds, with_training};
use super::config::Sources;
use super::output::{self, Target};
use super::parts::Joined;
use super::progress::{Progress, say};
use super::train;
use crate::base::{Result, files};
use crate::passes::instability::{self, InstabilityEvent};
use crate::passes::{InstabilityResult, InstabilitySettings, Saved, Share};
use crate::render::Style;
use crate::train::TrainSettings;
use crate::train::settings::SHORTHANDS;
use clap::{ArgMatches, Args, Command};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::OnceLock;

pub const COMMAND: Subcommand = Subcommand {
    name: "instability",
    about: "The barrier between two branches of a run that part at step k (Frankle et al. 2020)",
    examples: EXAMPLES,
    command,
    run,
};

const DEFAULT_OUT: &str = "out/instability";

const EXAMPLES: &str = "Examples:
  losscape instability                                    five layers on digits in batches of 8, five seeds
  losscape instability --branch 0,10,100,1000 --seeds 10 --hidden 32,32
  losscape instability --data mnist1d --model cnn --norm batch --epochs 10 --branch 0,50,200

A network is trained to step k and goes on from there twice, with different noise, to the end: the order of the samples
(what is left of the epoch too), their augmentation and the masks of dropout. One branch is the run as it goes on by
itself, and is the same for every k. The barrier is the most by which loss and error on the straight line between both
ends rise above the line between their values. Finished branches are kept as they come: the same command goes on after a
stop, --fresh begins anew. The flags of training are those of `losscape train` without what ends it early, averages, keeps
or probes.

Writes instability.json (medians, quartiles, every seed; stable_from: the step from which on the median barrier of the
training error is at most --stable), instability.npz (branch, seed, t; train_barrier, train_error_barrier, test_barrier,
test_error_barrier, distance of shape (branches, seeds); train_loss, train_error, test_loss, test_error along the lines),
instability.png and .svg.";

fn command(command: Command) -> Command {
    let command = with_training(InstabilitySettings::augment_args(command), &instability::training());
    let command = config_and_out(Common::augment_args(Parts::augment_args(command)), DEFAULT_OUT);
    name_kinds(super::help::pictures(command))
}

fn run(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let settings: InstabilitySettings = sources.take(&[])?;
    let usual = instability::training();
    let open = TrainSettings { batch_size: None, ..usual.clone() };
    let mut training = sources.take_over(open, SHORTHANDS)?;
    let (common, style): (Common, Style) = (sources.take(&[])?, sources.take(&[])?);
    let parts: Parts = sources.take(&[])?;
    let out = sources.path("out")?.unwrap_or_else(|| PathBuf::from(DEFAULT_OUT));
    sources.finish()?;
    settings.check(&training)?;
    style.check()?;
    common.apply()?;
    if training.batch_size.is_none() && !training.optimizer.full_batch() {
        // Two batches at least, so that there is an order of the samples.
        let prepared = train::prepare(&training, true)?;
        let half = (prepared.samples() / 2).max(prepared.fewest);
        training.batch_size = usual.batch_size.map(|size| size.min(half));
    }
    let prepared = train::prepare(&training, common.quiet)?;
    // A network at work on each thread, and what every branch starts from.
    let (threads, branches) = (rayon::current_num_threads(), settings.seeds * settings.steps(u64::MAX).len());
    let bytes = prepared.bytes().saturating_mul((threads + branches) as u64);
    output::fits_in_memory(bytes, &format!("{branches} branches"))?;
    drop(prepared);
    let place = parts.place(out)?;
    let target = Target::new(place.directory.clone())?;
    if parts.fresh {
        instability::discard(target.directory())?;
    }
    let request = (settings, training);
    place.begin("instability", &request)?;
    match measure(&request, &place.share(), &common)? {
        Some(result) => finish(&result, &target, &style, &common),
        None => place.complete(&target, &common),
    }
}

/// Joins parts.
pub fn join(joined: Joined) -> Result<()> {
    let request: Request = joined.request()?;
    request.0.check(&request.1)?;
    let Some(result) = measure(&request, &joined.share(), &joined.common)? else { return Ok(()) };
    finish(&result, &Target::new(joined.out)?, &joined.style, &joined.common)
}

/// What branches, and how it is trained.
type Request = (InstabilitySettings, TrainSettings);

/// Trains and branches, showing progress.
fn measure(
    (settings, training): &Request,
    share: &Share,
    common: &Common,
) -> Result<Option<InstabilityResult>> {
    let progress: OnceLock<Progress> = OnceLock::new();
    let observe = |event: InstabilityEvent| match event {
        InstabilityEvent::Begins { title, branches: (branches, kept), steps } => {
            say(common.quiet, &format!("branches of {title}: {branches} in all"));
            if kept > 0 {
                say(
                    common.quiet,
                    &format!("{kept} of {branches} branches were finished before and are kept"),
                );
            }
            let _ = progress.set(Progress::new("instability", "steps", steps as f64, common.quiet));
        }
        InstabilityEvent::Steps(steps) => {
            if let Some(bar) = progress.get() {
                bar.add(steps as f64);
            }
        }
    };
    let result = instability::run(settings, training, Some(share), &observe);
    if let Some(bar) = progress.get() {
        bar.finish();
    }
    result
}

/// Writes a result, and says what came out.
fn finish(result: &InstabilityResult, target: &Target, style: &Style, common: &Common) -> Result<()> {
    target.write(result, style, json!({}))?;
    instability::discard(target.directory())?;
    match (common.json, common.quiet) {
        (true, _) => output::print_json(&result.json()?)?,
        (_, true) => {}
        _ => output::print(&summary(result, target))?,
    }
    result.unmet().map_or(Ok(()), Err)
}

fn summary(result: &InstabilityResult, target: &Target) -> String {
    let all = result.summary();
    let number = |x: &Value| x.as_f64().map_or("-".to_owned(), |x| output::number(x, 4));
    let percent = |x: &Value| x.as_f64().map_or("-".to_owned(), output::percent);
    let mut text = format!(
        "{}, {} seeds: barriers between two branches, medians (quartiles)\n{:>8} {:>28} {:>10} {:>28} {:>10} {:>9}\n",
        result.title(),
        all["seeds"].as_array().map_or(0, Vec::len),
        "step",
        "training loss",
        "error",
        "test loss",
        "error",
        "distance",
    );
    for branch in all["branches"].as_array().into_iter().flatten() {
        let spread = |key: &str| {
            let of = &branch[key];
            format!(
                "{} ({} to {})",
                number(&of["median"]),
                number(&of["quartiles"][0]),
                number(&of["quartiles"][1])
            )
        };
        text += &format!(
            "{:>8} {:>28} {:>10} {:>28} {:>10} {:>9}\n",
            branch["step"].to_string(),
            spread("train_barrier"),
            percent(&branch["train_error_barrier"]["median"]),
            spread("test_barrier"),
            percent(&branch["test_error_barrier"]["median"]),
            number(&branch["distance"]["median"]),
        );
    }
    let stable = all["settings"]["stable"].as_f64().map_or("-".to_owned(), output::percent);
    text += &match all["stable_from"].as_u64() {
        Some(step) => format!("  stable (training error up by at most {stable}) from step {step} on\n"),
        None => format!("  not stable (training error up by at most {stable}) from any of these steps on\n"),
    };
    text + &format!(
        "wrote {} in {}{}: instability.json, instability.npz, instability.png, instability.svg\n",
        files::named(target.directory()),
        output::duration(target.seconds()),
        output::peak(),
    )
}
