//! `losscape lr-range`: which learning rates a network bears, from one short training at growing rates.

use super::Subcommand;
use super::arguments::{Common, Fresh, config_and_out, name_kinds};
use super::config::{Sources, with_shorthands};
use super::output::{self, Target};
use super::progress::{Progress, say};
use super::train;
use crate::base::{Error, Result, files};
use crate::passes::lr_range::{self, short};
use crate::passes::{LrRangeResult, LrRangeSettings, Saved};
use crate::render::Style;
use crate::train::TrainSettings;
use crate::train::settings::SHORTHANDS;
use clap::{ArgMatches, Args, Command};
use serde_json::json;
use std::path::PathBuf;

pub const COMMAND: Subcommand = Subcommand {
    name: "lr-range",
    about: "Learning-rate range test: loss against a growing rate, and a rate to train with",
    examples: EXAMPLES,
    command,
    run,
};

const DEFAULT_OUT: &str = "out/lr-range";

const EXAMPLES: &str = "Examples:
  losscape lr-range                                        the default network on handwritten digits
  losscape lr-range --hidden 64,64 --momentum 0 --lr-max 100 --out out/plain-sgd
  losscape lr-range --steps 500 --rule tenth               more steps; a tenth of where the loss blows up

Takes the flags of `losscape train`, except those that the test sets itself (rate, schedule, epochs). The rate grows
by a constant ratio from --lr-min to --lr-max, one step a rate, and the test ends where the loss has blown up.

Writes lr-range.json (the suggested rate and both rules), lr-range.npz (rate, loss, smoothed_loss), lr-range.png and
.svg. A rule that finds no rate is exit code 3.";

fn command(command: Command) -> Command {
    let command = LrRangeSettings::augment_args(command);
    let command = with_shorthands(TrainSettings::augment_args(command), SHORTHANDS);
    let command = config_and_out(Common::augment_args(Fresh::augment_args(command)), DEFAULT_OUT);
    name_kinds(super::help::pictures(command))
}

fn run(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let settings: LrRangeSettings = sources.take(&[])?;
    let train_settings: TrainSettings = sources.take(SHORTHANDS)?;
    let (common, style): (Common, Style) = (sources.take(&[])?, sources.take(&[])?);
    let Fresh { fresh } = sources.take(&[])?;
    let out = sources.path("out")?.unwrap_or_else(|| PathBuf::from(DEFAULT_OUT));
    sources.finish()?;
    settings.check(&train_settings)?;
    style.check()?;
    common.apply()?;
    train::prepare(&train_settings, common.quiet)?;
    let target = Target::new(out)?;
    if fresh {
        lr_range::discard(target.directory())?;
    }
    let (low, high) = (short(settings.lr_min), short(settings.lr_max));
    say(common.quiet, &format!("trying rates {low} to {high} on {}", train_settings.model));
    let mut progress: Option<Progress> = None;
    let mut told = 0;
    let result = lr_range::run(&settings, &train_settings, Some(target.directory()), &mut |done, steps| {
        let bar =
            progress.get_or_insert_with(|| Progress::new("range test", "steps", steps as f64, common.quiet));
        bar.add((done - told) as f64);
        told = done;
    });
    if let Some(bar) = progress {
        bar.finish();
    }
    let result = result?;
    target.write(&result, &style, json!({}))?;
    lr_range::discard(target.directory())?;
    match (common.json, common.quiet) {
        (true, _) => output::print_json(&result.json()?)?,
        (_, true) => {}
        _ => output::print(&summary(&result, &target))?,
    }
    match result.suggested() {
        Some(_) => Ok(()),
        None => Err(Error::unmet("lr-range", result.status())),
    }
}

fn summary(result: &LrRangeResult, target: &Target) -> String {
    let rate = |x: Option<f64>| x.map_or("none".to_owned(), short);
    format!(
        "{}
  suggested      {}
  steepest       {}
  blown up at    {}, a tenth of it {}
wrote {} in {}{}: lr-range.json, lr-range.npz, lr-range.png, lr-range.svg
",
        result.title(),
        rate(result.suggested()),
        rate(result.scalar("steepest")),
        rate(result.scalar("blown_up_at")),
        rate(result.scalar("tenth")),
        files::named(target.directory()),
        output::duration(target.seconds()),
        output::peak(),
    )
}
