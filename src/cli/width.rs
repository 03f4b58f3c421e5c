//! `losscape width`: what changes as a network gets wider. A study with a recipe of its own, `analyses/width.toml`.

use super::Subcommand;
use super::arguments::{Common, Parts, config_and_out, name_kinds};
use super::config::Sources;
use super::run::{Extent, Study, changes};
use crate::base::{Error, Result};
use crate::render::Style;
use crate::study::builtin;
use clap::{Arg, ArgAction, ArgMatches, Args, Command};
use serde::{Deserialize, Serialize};
use toml::Value;

pub const COMMAND: Subcommand = Subcommand {
    name: "width",
    about: "What changes as a network gets wider: fit, double descent, sharpness, barriers, laziness",
    examples: EXAMPLES,
    command,
    run,
};

const DEFAULT_OUT: &str = "out/width";

/// What the command runs.
const RECIPE: &str = "width";

const EXAMPLES: &str = "Examples:
  losscape width                                          one hidden layer on digits, in a few minutes
  losscape width --widths 2,4,8,16,32 --seeds 8 --out out/width
  losscape width --set train.data=mnist1d --set train.epochs=100
  losscape width --quick                                  at smoke scale, in seconds

The recipe is the one that `losscape recipe width` prints: copy it to change what is trained and measured, and run the
copy with losscape run.
Every finished case is kept: the same command goes on after a stop.

Writes width.json (a summary per width: median and quartiles of each measure), width.npz (width, seed, and each measure,
shape (widths, seeds)), width.csv, and pictures.";

/// Which widths.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Args)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Widths {
    /// Units of the hidden layer, separated by commas [default: the recipe's]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    widths: Vec<u32>,
}

fn command(command: Command) -> Command {
    let set = Arg::new("set").long("set").value_name("SECTION.KEY=VALUE").action(ArgAction::Append);
    let set = set.help("Another value for a setting of the recipe; may be repeated");
    let command = Extent::augment_args(Widths::augment_args(command)).arg(set);
    let command = config_and_out(Common::augment_args(Parts::augment_args(command)), DEFAULT_OUT);
    name_kinds(super::help::pictures(command))
}

fn run(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let Widths { widths } = sources.take(&[])?;
    let extent: Extent = sources.take(&[])?;
    let (common, style): (Common, Style) = (sources.take(&[])?, sources.take(&[])?);
    let parts: Parts = sources.take(&[])?;
    let out = sources.path("out")?;
    sources.finish()?;
    if let Some(zero) = widths.iter().find(|w| **w == 0) {
        return Err(Error::expected("--widths", "whole numbers of at least 1", zero));
    }
    let mut asked = extent.asked(changes(matches)?);
    if !widths.is_empty() {
        let values = widths.iter().map(|w| Value::Integer(i64::from(*w))).collect();
        asked.vary.insert("width".to_owned(), values);
    }
    let section = builtin::named(RECIPE, builtin::RECIPES, "recipe")?;
    let (name, plan) = (RECIPE.to_owned(), extent.plan);
    let study = Study { name, section, asked, plan, parts, out, command: Some("width") };
    common.apply()?;
    study.run(&common, &style)?.and_then(|result| result.unmet()).map_or(Ok(()), Err)
}
