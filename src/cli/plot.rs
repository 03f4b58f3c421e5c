//! `losscape plot`: draws a saved result again, in another style, with nothing computed.

use super::Subcommand;
use super::arguments::Common;
use super::config::Sources;
use super::output::{self, Target};
use super::run;
use crate::base::{Error, Result, files};
use crate::figure::Figure;
use crate::passes::{
    ConnectResult, CriticalResult, EnsembleResult, InstabilityResult, LrRangeResult, MinimaResult,
    PropagateResult, Saved, SeedsResult, SharpnessResult, SimplexResult, SliceResult, SmoothnessResult,
    TicketResult, training,
};
use crate::render::Style;
use clap::{Arg, ArgMatches, Args, Command};
use serde_json::json;
use std::path::{Path, PathBuf};

pub const COMMAND: Subcommand = Subcommand {
    name: "plot",
    about: "Draw a saved result again, in another style",
    examples: EXAMPLES,
    command,
    run: plot,
};

const EXAMPLES: &str = "Examples:
  losscape plot out/slice --cmap magma --log
  losscape plot out/slice --vmax 5 --levels 20 --azimuth 30 --elevation 50
  losscape plot out/slice --format pdf --width column --no-title --out paper
  losscape plot out/slice --animate
  losscape plot runs/a --theme dark --dpi 300 --out out/for-the-talk";

type Load = fn(&Path) -> Result<Vec<Figure>>;

/// The file that marks a result, and how its figures are read back.
const RESULTS: &[(&str, Load)] = &[
    ("slice.json", |d| Ok(SliceResult::load(d)?.figures())),
    ("sharpness.json", |d| Ok(SharpnessResult::load(d)?.figures())),
    ("connect.json", |d| Ok(ConnectResult::load(d)?.figures())),
    ("run.json", training::load_figures),
    ("seeds.json", |d| Ok(SeedsResult::load(d)?.figures())),
    ("smoothness.json", |d| Ok(SmoothnessResult::load(d)?.figures())),
    ("critical.json", |d| Ok(CriticalResult::load(d)?.figures())),
    ("instability.json", |d| Ok(InstabilityResult::load(d)?.figures())),
    ("minima.json", |d| Ok(MinimaResult::load(d)?.figures())),
    ("ticket.json", |d| Ok(TicketResult::load(d)?.figures())),
    ("simplex.json", |d| Ok(SimplexResult::load(d)?.figures())),
    ("ensemble.json", |d| Ok(EnsembleResult::load(d)?.figures())),
    ("propagate.json", |d| Ok(PropagateResult::load(d)?.figures())),
    ("study.json", |d| run::load(d, "study")),
    ("width.json", |d| run::load(d, "width")),
    ("lr-range.json", |d| Ok(LrRangeResult::load(d)?.figures())),
];

fn command(command: Command) -> Command {
    let path = clap::value_parser!(PathBuf);
    let command = command
        .arg(
            Arg::new("result")
                .value_name("DIR")
                .required(true)
                .value_parser(path.clone())
                .help("Result or run directory"),
        )
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .value_parser(path.clone())
                .help("TOML file with the same keys as the flags, which override it"),
        )
        .arg(
            Arg::new("out")
                .long("out")
                .value_name("DIR")
                .value_parser(path)
                .help("Where the pictures go [default: over the old ones]"),
        );
    Style::augment_args(Common::augment_args(command).next_help_heading("Pictures"))
}

fn plot(matches: &ArgMatches) -> Result<()> {
    let mut sources = Sources::new(matches)?;
    let (common, style): (Common, Style) = (sources.take(&[])?, sources.take(&[])?);
    let (result, out) = (sources.path("result")?.unwrap_or_default(), sources.path("out")?);
    sources.finish()?;
    style.check()?;
    common.apply()?;
    let mut figures = Vec::new();
    for (_, load) in RESULTS.iter().filter(|(file, _)| result.join(file).exists()) {
        figures.extend(load(&result)?);
    }
    if figures.is_empty() {
        let names: Vec<&str> = RESULTS.iter().map(|r| r.0).collect();
        let expected = format!("a directory with {}", names.join(" or "));
        let found = match (result.is_dir(), result.exists()) {
            (true, _) => "none of them in it",
            (false, true) => "a file",
            (false, false) => "nothing there",
        };
        return Err(Error::expected(files::named(&result), expected, found));
    }
    let target = Target::new(out.unwrap_or(result))?;
    let names = target.redraw(&figures, &style)?;
    match (common.json, common.quiet) {
        (true, _) => output::print_json(&json!({"command": "plot", "figures": names, "style": style})),
        (_, true) => Ok(()),
        _ => output::print(&format!(
            "wrote {} in {}: {}\n",
            files::named(target.directory()),
            output::duration(target.seconds()),
            names.listed()
        )),
    }
}
