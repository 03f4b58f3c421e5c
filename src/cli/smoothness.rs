//! `losscape smoothness`: Santurkar's measures of smoothness along training, for a set of norms.

use super::Subcommand;
use super::arguments::{Common, Fresh, config_and_out, name_kinds};
use super::config::{Sources, with_shorthands};
use super::output::{self, Target};
use super::progress::Progress;
use crate::base::{Result, files};
use crate::passes::smoothness;
use crate::passes::{Saved, SmoothnessResult, SmoothnessSettings};
use crate::render::Style;
use crate::train::settings::LAYERS;
use clap::{ArgMatches, Args, Command};
use serde_json::{Value, json};
use std::path::PathBuf;

pub const COMMAND: Subcommand = Subcommand {
    name: "smoothness",
    about: "How smooth the loss is along training, with one norm and another (Santurkar et al. 2018)",
    examples: EXAMPLES,
    command,
    run,
};

const DEFAULT_OUT: &str = "out/smoothness";

const EXAMPLES: &str = "Examples:
  losscape smoothness                                       12 layers of 64 units, without norm and with batch norm
  losscape smoothness --norm none --norm layer --norm weight --lr 0.01
  losscape smoothness --model cnn --norm none --norm batch --norm group --steps 100 --every 5

A variant whose training diverges is kept as far as it went, and says so in its status.
Writes smoothness.json (median and maximum of each measure), smoothness.npz (shape (variants, probes)), smoothness.png
and .svg.";

fn command(command: Command) -> Command {
    let command = with_shorthands(SmoothnessSettings::augment_args(command), LAYERS);
    let command = config_and_out(Common::augment_args(Fresh::augment_args(command)), DEFAULT_OUT);
    name_kinds(super::help::pictures(command))
}

fn run(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let settings: SmoothnessSettings = sources.take(LAYERS)?;
    let (common, style): (Common, Style) = (sources.take(&[])?, sources.take(&[])?);
    let Fresh { fresh } = sources.take(&[])?;
    let out = sources.path("out")?.unwrap_or_else(|| PathBuf::from(DEFAULT_OUT));
    sources.finish()?;
    settings.check()?;
    style.check()?;
    common.apply()?;
    let target = Target::new(out)?;
    if fresh {
        smoothness::discard(target.directory())?;
    }
    let mut progress: Option<Progress> = None;
    let mut told = 0;
    let result = smoothness::run(&settings, Some(target.directory()), &mut |done, all| {
        let bar =
            progress.get_or_insert_with(|| Progress::new("smoothness", "probes", all as f64, common.quiet));
        bar.add((done - told) as f64);
        told = done;
    });
    if let Some(bar) = progress {
        bar.finish();
    }
    let result = result?;
    target.write(&result, &style, json!({}))?;
    smoothness::discard(target.directory())?;
    match (common.json, common.quiet) {
        (true, _) => output::print_json(&result.json()?),
        (_, true) => Ok(()),
        _ => output::print(&summary(&result, &target)),
    }
}

fn summary(result: &SmoothnessResult, target: &Target) -> String {
    let variants = result.variants();
    let label = |v: &Value| v["label"].as_str().unwrap_or_default().to_owned();
    let width = variants.iter().map(|v| label(v).chars().count()).max().unwrap_or(0);
    let mut text = format!("{}\n  median and maximum over the probes\n", result.title());
    for variant in variants {
        let pair = |key: &str| {
            let of =
                |which: &str| variant[key][which].as_f64().map_or("-".to_owned(), |x| output::number(x, 3));
            format!("{} {}", of("median"), of("max"))
        };
        let status = match variant["status"].as_str() {
            Some("done") => String::new(),
            other => format!("  {}", other.unwrap_or_default()),
        };
        text += &format!(
            "  {:width$}  loss range {}  gradient change {}  beta {}{status}\n",
            label(variant),
            pair("loss_range"),
            pair("gradient_change"),
            pair("beta"),
        );
    }
    text + &format!(
        "wrote {} in {}{}: smoothness.json, smoothness.npz, smoothness.png, smoothness.svg\n",
        files::named(target.directory()),
        output::duration(target.seconds()),
        output::peak(),
    )
}
