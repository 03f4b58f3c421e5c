//! `losscape propagate`: how signals and gradients pass through a network at its start.

use super::Subcommand;
use super::arguments::{Common, Fresh, config_and_out, name_kinds};
use super::config::{Sources, with_shorthands};
use super::output::{self, Target};
use super::progress::Progress;
use crate::base::{Result, files};
use crate::passes::propagate;
use crate::passes::{PropagateResult, PropagateSettings, Saved};
use crate::render::Style;
use crate::train::settings::LAYERS;
use clap::{ArgMatches, Args, Command};
use serde_json::json;
use std::path::PathBuf;

pub const COMMAND: Subcommand = Subcommand {
    name: "propagate",
    about: "Second moments, gradients, dead units and Jacobians by depth, for a set of initializers and norms",
    examples: EXAMPLES,
    command,
    run,
};

const DEFAULT_OUT: &str = "out/propagate";

const EXAMPLES: &str = "Examples:
  losscape propagate                                     30 layers of 128 ReLU units, six initializers
  losscape propagate --activation tanh --init glorot-normal --init he-normal --init orthogonal
  losscape propagate --model resnet:depth=20 --norm none --norm batch --samples 64 --init he-normal
  losscape propagate --hidden 64,64,64,64 --norm none --norm layer --norm batch --out out/norms

Writes propagate.json (slopes of log2 of the second moments by layer, the range of deviations), propagate.npz (each measure, shape
(variants, seeds, layers)), and pictures: propagate, jacobian.";

fn command(command: Command) -> Command {
    let command = with_shorthands(PropagateSettings::augment_args(command), LAYERS);
    let command = config_and_out(Common::augment_args(Fresh::augment_args(command)), DEFAULT_OUT);
    name_kinds(super::help::pictures(command))
}

fn run(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let settings: PropagateSettings = sources.take(LAYERS)?;
    let (common, style): (Common, Style) = (sources.take(&[])?, sources.take(&[])?);
    let Fresh { fresh } = sources.take(&[])?;
    let out = sources.path("out")?.unwrap_or_else(|| PathBuf::from(DEFAULT_OUT));
    sources.finish()?;
    settings.check()?;
    style.check()?;
    common.apply()?;
    let target = Target::new(out)?;
    if fresh {
        propagate::discard(target.directory())?;
    }
    let mut progress: Option<Progress> = None;
    let mut told = 0;
    let result = propagate::run(&settings, Some(target.directory()), &mut |done, all| {
        let bar =
            progress.get_or_insert_with(|| Progress::new("propagate", "draws", all as f64, common.quiet));
        bar.add((done - told) as f64);
        told = done;
    });
    if let Some(bar) = progress {
        bar.finish();
    }
    let result = result?;
    let pictures = target.write(&result, &style, json!({}))?;
    propagate::discard(target.directory())?;
    match (common.json, common.quiet) {
        (true, _) => output::print_json(&result.json()?),
        (_, true) => Ok(()),
        _ => output::print(&summary(&result, &target, &pictures)),
    }
}

fn summary(result: &PropagateResult, target: &Target, pictures: &output::Pictures) -> String {
    let number = |x: Option<f64>| x.map_or("-".to_owned(), |x| format!("{x:+.3}"));
    let size = |x: Option<f64>| x.map_or("-".to_owned(), |x| output::number(x, 3));
    let slopes = result.slopes();
    let width = slopes.iter().map(|s| s.0.chars().count()).max().unwrap_or(0);
    let mut text = format!(
        "{}\n  slope of log2 of the second moment, per layer; standard deviation of preactivations, least to largest\n",
        result.title()
    );
    for ((label, forward, backward), [least, most]) in slopes.into_iter().zip(result.deviations()) {
        text += &format!(
            "  {label:width$}  forward {}  backward {}  deviation {} to {}\n",
            number(forward),
            number(backward),
            size(least),
            size(most)
        );
    }
    text + &format!(
        "wrote {} in {}{}: {}, propagate.json, propagate.npz\n",
        files::named(target.directory()),
        output::duration(target.seconds()),
        output::peak(),
        pictures.listed(),
    )
}
